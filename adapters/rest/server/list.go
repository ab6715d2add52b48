package server

import (
	"iter"
	"strings"
)

// requestHeader returns a header of the request, copied. Lines of the same name
// are one list (RFC 9110, section 5.3), so they are joined: a proxy that adds a
// line of its own must be read, and not the line that the client has put before
// it. Of a header that is no list, two lines make a value that nothing matches.
//
// Trailers do not count: they come after what they would have to say is decided.
func (c *call) requestHeader(name string) (text string) {
	found := false
	for key, value := range c.ctx.Request.Header.All() {
		if !strings.EqualFold(string(key), name) {
			continue
		}
		if found {
			text += ", "
		}
		text += string(value)
		found = true
	}
	return text
}

// hasHeader reports whether the request has a header, though it be empty.
func (c *call) hasHeader(name string) bool {
	for key := range c.ctx.Request.Header.All() {
		if strings.EqualFold(string(key), name) {
			return true
		}
	}
	return false
}

// elements returns the elements of a header that is a list. Commas between
// double quotes do not separate, and empty elements do not count (RFC 9110,
// section 5.6.1).
func elements(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for list != "" {
			end := elementEnd(list)
			element := strings.Trim(list[:end], " \t")
			if element != "" && !yield(element) {
				return
			}
			list = list[min(end+1, len(list)):]
		}
	}
}

// elementEnd returns where the first element of a list ends.
func elementEnd(list string) int {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return i
		}
	}
	return len(list)
}
