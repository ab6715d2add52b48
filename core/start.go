package core

import (
	"encoding/json"
	"reflect"
	"time"
)

// Start is a place in a stream, as people name it: `start`, `end`, an offset or a
// time. In JSON it is one of the two words, a number, or an RFC 3339 time. The zero
// value is the start.
type Start struct {
	End    bool
	Offset *Offset
	Time   time.Time
}

// MarshalJSON implements [json.Marshaler].
func (s Start) MarshalJSON() ([]byte, error) {
	switch {
	case s.Offset != nil:
		return json.Marshal(*s.Offset)
	case !s.Time.IsZero():
		return json.Marshal(s.Time)
	case s.End:
		return []byte(`"end"`), nil
	}
	return []byte(`"start"`), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Start) UnmarshalJSON(text []byte) error {
	var offset Offset
	if json.Unmarshal(text, &offset) == nil && offset >= 0 && text[0] != 'n' {
		*s = Start{Offset: &offset}
		return nil
	}
	switch string(text) {
	case `"start"`:
		*s = Start{}
		return nil
	case `"end"`:
		*s = Start{End: true}
		return nil
	}
	var at Time
	if json.Unmarshal(text, &at) != nil || at.IsZero() {
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[Start]()}
	}
	*s = Start{Time: at.Time}
	return nil
}
