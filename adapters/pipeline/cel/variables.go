package cel

import (
	"encoding/json"
	"strconv"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
)

// variables are what one run of a condition sees. The payload is decoded when it is
// asked for.
type variables struct {
	event *decoded.Event
	meter work.Meter
}

// meterName is no name that a condition could have.
const meterName = "@meter"

// ResolveName implements [cel.Activation].
func (v *variables) ResolveName(name string) (any, bool) {
	switch name {
	case "type":
		return v.event.Type, true
	case "source":
		return v.event.Source, true
	case "subject":
		return v.event.Subject, true
	case "version":
		return int64(v.event.Version), true
	case "occurred_at":
		return v.event.OccurredAt, true
	case "payload":
		return v.event.PayloadValue(), true
	case "context":
		return v.event.ContextValue(), true
	case "event_id":
		return v.event.ID.String(), true
	case "offset":
		return int64(v.event.Offset), true
	case "received_at":
		return v.event.ReceivedAt, true
	case meterName:
		return &v.meter, true
	}
	return nil, false
}

// Parent implements [cel.Activation].
func (*variables) Parent() cel.Activation { return nil }

// adapter tells CEL what the values of an event are.
type adapter struct{}

// NativeToValue implements [types.Adapter]. A whole number of up to 64 bits is exact. Any
// other number is a double.
func (a adapter) NativeToValue(value any) ref.Val {
	switch value := value.(type) {
	case map[string]any:
		return types.NewStringInterfaceMap(a, value)
	case []any:
		return types.NewDynamicList(a, value)
	case json.Number:
		return number(string(value))
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

func number(text string) ref.Val {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return types.Uint(u)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return types.NewErr("the number %.40s is too large", text)
	}
	return types.Double(f)
}
