package server

import (
	"bytes"
	"math"
	"strconv"
)

// requestEnd looks for the end of the first request in b. It is whole if all is there
// that fasthttp reads before anybody decides about it: the head, and of a body whose
// length is known as much as smallBody. Otherwise its end is that of b.
//
// This decides when fasthttp gets a request, and not what is one: fasthttp looks at every
// byte itself. So what is wrong may be overlooked here, if only it is whole for a request
// that fasthttp refuses at once.
func requestEnd(b []byte) (end int, whole bool) {
	rest := lines{b}
	line, ok := rest.next()
	for ok && len(line) == 0 { // before a request there may be empty lines
		line, ok = rest.next()
	}
	if ok && !isRequestLine(line) {
		return len(b), true
	}
	body := 0
	for ok {
		if line, ok = rest.next(); ok && len(line) == 0 {
			arrived := min(body, len(rest.text))
			return len(b) - len(rest.text) + arrived, body == someLength || arrived >= min(body, smallBody)
		}
		body = max(body, bodyLength(line))
	}
	return len(b), false
}

// lines is a text of lines, of which the last one may be on its way.
type lines struct{ text []byte }

// next returns a line without its end.
func (l *lines) next() (line []byte, ok bool) {
	line, rest, ok := bytes.Cut(l.text, []byte{'\n'})
	if !ok {
		return nil, false
	}
	l.text = rest
	return bytes.TrimSuffix(line, []byte{'\r'}), true
}

// isRequestLine reports whether fasthttp may take a line for the first one of a request.
func isRequestLine(line []byte) bool {
	version := len(line) - len(" HTTP/1.1")
	return version > 0 && bytes.HasPrefix(line[version:], []byte(" HTTP/")) && bytes.Count(line, []byte{' '}) == 2
}

// someLength is the length of a body that is not known, is far too large, or waits for an
// answer.
const someLength = math.MaxInt32

// bodyLength returns how long a line of the headers says that the body is.
func bodyLength(line []byte) int {
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch {
	case len(name) == 14 && bytes.EqualFold(name, []byte("Content-Length")):
		length, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
		if err != nil {
			return someLength // fasthttp says what is wrong with it
		}
		return int(length)
	case len(name) == 17 && bytes.EqualFold(name, []byte("Transfer-Encoding")),
		len(name) == 6 && bytes.EqualFold(name, []byte("Expect")):
		return someLength
	}
	return 0
}
