package eventjson

import (
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// A path leads to a value within a payload. Its segments are joined by dots: keys of
// objects and indexes of arrays. A key that has dots itself is written as a JSON
// string, as in `user."first.name"`.

// Matches reports whether a payload holds, at the match's path, its value. A number is
// matched by every way to write that number; other values by their text.
func Matches(match core.PayloadMatch, payload []byte) bool {
	found, ok := find(payload, match.Path)
	if !ok {
		return false
	}
	value, ok := scalar(found)
	if !ok || value == match.Value {
		return ok
	}
	return found[0] != '"' && sameNumber(value, match.Value)
}

// CheckPath refuses a path that cannot be read.
func CheckPath(path string) error {
	for rest, more := path, true; more; {
		var ok bool
		if _, rest, more, ok = cutSegment(rest); !ok {
			return core.Invalid("payload."+path, `has a key in quotes that is no JSON string; write one as in payload.user."first.name"`)
		}
	}
	return nil
}

// PathTo returns the path that leads through keys and indexes.
func PathTo(segments []string) string {
	written := make([]string, len(segments))
	for i, segment := range segments {
		if written[i] = segment; strings.Contains(segment, ".") || strings.HasPrefix(segment, `"`) {
			written[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(segment) + `"`
		}
	}
	return strings.Join(written, ".")
}

// cutSegment returns the first segment of a path, without quotes, and the rest.
func cutSegment(path string) (segment, rest string, more, ok bool) {
	if !strings.HasPrefix(path, `"`) {
		segment, rest, more = strings.Cut(path, ".")
		return segment, rest, more, true
	}
	end := 1
	for end < len(path) && path[end] != '"' {
		if path[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(path) {
		return "", "", false, false
	}
	segment, rest = path[1:end], path[end+1:]
	if rest != "" && rest[0] != '.' {
		return "", "", false, false
	}
	if strings.Contains(segment, `\`) {
		if ValidJSON([]byte(path[:end+1])) != nil {
			return "", "", false, false
		}
		segment = string(unescape(nil, []byte(segment)))
	}
	return segment, strings.TrimPrefix(rest, "."), rest != "", true
}

// find finds the value at a path of a valid payload: the text that begins with it.
func find(payload []byte, path string) (value []byte, ok bool) {
	value = payload[skipSpace(payload, 0):]
	for more := true; more; {
		var segment string
		if segment, path, more, ok = cutSegment(path); !ok {
			return nil, false
		}
		switch byteAt(value, 0) {
		case '{':
			value, ok = member(value, segment)
		case '[':
			value, ok = element(value, segment)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// lookup finds the scalar at a path of a valid payload and returns it as text. A
// string comes without its quotes and escapes, anything else as it is written.
func lookup(payload []byte, path string) (value string, ok bool) {
	found, ok := find(payload, path)
	if !ok {
		return "", false
	}
	return scalar(found)
}
