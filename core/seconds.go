package core

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
)

// Seconds is a duration that JSON writes as a number of seconds, with up to
// six decimals.
type Seconds time.Duration

// Duration returns s as a [time.Duration].
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// MarshalJSON implements [json.Marshaler].
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// maxSeconds is the longest duration that is read. A longer one is a mistake
// wherever it stands.
const maxSeconds = 1e9

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Seconds) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(seconds) > maxSeconds {
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[Seconds]()}
	}
	*s = Seconds(math.Round(seconds*1e6)) * Seconds(time.Microsecond)
	return nil
}

// jsonKind names a JSON value as encoding/json does.
func jsonKind(text []byte) string {
	switch text[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number " + string(text)
}
