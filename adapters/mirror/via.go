package mirror

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Via is the pair of the context that names the streams an event has come through by
// mirrors: their ids, the first stream first, with commas between them. Ids of streams
// are unique over all installations.
const Via = "eventflow_via"

// maxVia bounds how many mirrors an event comes through.
const maxVia = 8

// The reasons for not sending an event that has arrived where it belongs.
const (
	cameBack  = "not sent: the event has been in this stream before"
	mirrored  = "not sent: the event came here by a mirror, and relay is off"
	separator = ","
)

var errTooFar = fmt.Errorf("the event has come through %d mirrors, and goes no further: its context names them in %s", maxVia, Via)

// route decides whether an event is sent on. It returns what the other side is told of
// its way, or why it stays, or an error if it cannot be sent.
func (s *sink) route(event *core.Event) (via, stays string, err error) {
	via = viaOf(event)
	switch streams := strings.Split(via, separator); {
	case via == "":
		return s.from.String(), "", roomFor(event)
	case slices.Contains(streams, s.from.String()):
		return "", cameBack, nil
	case !s.settings.Relay:
		return "", mirrored, nil
	case len(streams) >= maxVia:
		return "", "", errTooFar
	}
	return via + separator + s.from.String(), "", nil
}

// viaOf returns the pair [Via] of an event's context, "" where there is none.
func viaOf(event *core.Event) (via string) {
	// A context is valid JSON of texts wherever events are stored.
	_ = eventjson.Members(event.Context, func(name string, value []byte) error {
		if name == Via {
			via, _ = eventjson.TextOf(value)
		}
		return nil
	})
	return via
}

var errNoRoom = fmt.Errorf("the event's context has %d pairs already: without the pair %s it might go round for ever", core.MaxContextPairs, Via)

// roomFor refuses an event whose context cannot take another pair.
func roomFor(event *core.Event) error {
	pairs := 0
	_ = eventjson.Members(event.Context, func(string, []byte) error {
		pairs++
		return nil
	})
	if pairs >= core.MaxContextPairs {
		return errNoRoom
	}
	return nil
}

// appendContext appends a context with the pair [Via] in it.
func appendContext(b, context []byte, via string) []byte {
	b = append(b, '{')
	_ = eventjson.Members(context, func(name string, value []byte) error {
		if name != Via {
			b = append(eventjson.AppendText(b, name), ':')
			b = append(append(b, value...), ',')
		}
		return nil
	})
	b = append(eventjson.AppendText(b, Via), ':')
	return append(eventjson.AppendText(b, via), '}')
}
