package core

import (
	"encoding/json"
	"reflect"
	"time"
)

// Time is a time that JSON is read into by [ParseTime]: every form of RFC 3339 is
// taken, and no other. encoding/json takes fewer.
type Time struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(text []byte) error {
	var read string
	if json.Unmarshal(text, &read) == nil && text[0] == '"' {
		if at, ok := ParseTime(read); ok {
			t.Time = at
			return nil
		}
	}
	return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[time.Time]()}
}

// ParseTime reads an RFC 3339 time, and nothing else: with letters in either case, a
// fraction of any length, any offset up to 23:59, and a leap second where there may be
// one. A leap second becomes the first instant of the next minute. All of EventFlow
// reads times by it.
func ParseTime[T string | []byte](text T) (time.Time, bool) {
	const form = "0000-00-00t00:00:00"
	if len(text) <= len(form) {
		return time.Time{}, false
	}
	head, rest := text[:len(form)], text[len(form):]
	for i := range len(form) {
		if form[i] == '0' && head[i]-'0' > 9 || form[i] != '0' && head[i] != form[i] && (form[i] != 't' || head[i] != 'T') {
			return time.Time{}, false
		}
	}
	nanos, rest, ok := fraction(rest)
	if !ok {
		return time.Time{}, false
	}
	east, ok := offset(rest)
	if !ok {
		return time.Time{}, false
	}
	two := func(at int) int { return int(head[at]-'0')*10 + int(head[at+1]-'0') }
	year, month, day := two(0)*100+two(2), time.Month(two(5)), two(8)
	hour, minute, second := two(11), two(14), two(17)
	at := time.Date(year, month, day, hour, minute, second, nanos, time.UTC).Add(-east)
	switch {
	case month < time.January || month > time.December, hour > 23, minute > 59, second > 60,
		time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Day() != day: // no such day of that month
		return time.Time{}, false
	case second == 60 && (at.Hour() != 0 || at.Minute() != 0): // leap seconds end a day of UTC
		return time.Time{}, false
	}
	return at, true
}

// fraction reads the fraction that may follow the seconds. It returns the
// nanoseconds, without the digits below them, and the rest of the text.
func fraction[T string | []byte](text T) (nanos int, rest T, ok bool) {
	if len(text) == 0 || text[0] != '.' {
		return 0, text, true
	}
	digits := 1
	for scale := 100_000_000; digits < len(text) && text[digits]-'0' <= 9; digits++ {
		nanos += int(text[digits]-'0') * scale
		scale /= 10
	}
	return nanos, text[digits:], digits > 1
}

// offset reads the end of a time, which says how far east of UTC its place is.
func offset[T string | []byte](text T) (time.Duration, bool) {
	if string(text) == "Z" || string(text) == "z" {
		return 0, true
	}
	if len(text) != len("+00:00") || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, false
	}
	for _, i := range []int{1, 2, 4, 5} {
		if text[i]-'0' > 9 {
			return 0, false
		}
	}
	hours, minutes := int(text[1]-'0')*10+int(text[2]-'0'), int(text[4]-'0')*10+int(text[5]-'0')
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	east := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		east = -east
	}
	return east, true
}
