package server

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// checkFraming looks at a request's headers as they came over the wire, and
// refuses what two servers in a row could read differently. fasthttp would
// repair, join or choose, where a proxy before it may have chosen otherwise.
// Then the two disagree where a request ends, and an attacker can hide a second
// request in the first.
func checkFraming(header *fasthttp.RequestHeader) error {
	var seen seenHeaders
	for raw := header.RawHeaders(); len(raw) > 2; {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return core.Invalid("headers", "every line must end with CR LF")
		}
		if err := seen.line(raw[:end-1]); err != nil {
			return err
		}
		raw = raw[end+1:]
	}
	if seen.has(seenLength) && seen.has(seenEncoding) {
		return core.Invalid("Content-Length", "must not be sent together with Transfer-Encoding")
	}
	if !seen.has(seenHost) && header.IsHTTP11() {
		return core.Invalid("Host", "is required")
	}
	return nil
}

// seenHeaders is the set of headers that came, of those that may come only
// once.
type seenHeaders uint16

func (s seenHeaders) has(bit seenHeaders) bool { return s&bit != 0 }

const (
	seenHost seenHeaders = 1 << iota
	seenLength
	seenEncoding
	seenContentType
	seenAuthorization
	seenAPIKey
	seenIdempotencyKey
)

// once lists the headers that may come only once, by the length of their names:
// most other headers are passed over after one look.
var once = [20][]onceHeader{
	4:  {{[]byte("host"), seenHost}},
	9:  {{bytes.ToLower([]byte(rest.HeaderAPIKey)), seenAPIKey}},
	12: {{[]byte("content-type"), seenContentType}},
	13: {{[]byte("authorization"), seenAuthorization}},
	14: {{[]byte("content-length"), seenLength}},
	15: {{bytes.ToLower([]byte(rest.HeaderIdempotencyKey)), seenIdempotencyKey}},
	17: {{[]byte("transfer-encoding"), seenEncoding}},
}

type onceHeader struct {
	name []byte
	bit  seenHeaders
}

// line checks one line of the headers.
func (s *seenHeaders) line(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || bytes.IndexByte(line, '\r') >= 0 {
		return core.Invalid("headers", "must be lines of a name, a colon and a value")
	}
	name := line[:colon]
	if bytes.IndexByte(name, ' ') >= 0 || bytes.IndexByte(name, '\t') >= 0 {
		return core.Invalid("headers", "must not have white space in a name or continue on the next line")
	}
	if len(name) >= len(once) {
		return nil
	}
	for _, known := range once[len(name)] {
		if bytes.EqualFold(name, known.name) {
			return s.mark(known, bytes.Trim(line[colon+1:], " \t"))
		}
	}
	return nil
}

func (s *seenHeaders) mark(header onceHeader, value []byte) error {
	if s.has(header.bit) {
		if header.bit == seenAuthorization || header.bit == seenAPIKey {
			return errCredentials
		}
		return core.Invalid(string(header.name), "must be sent only once")
	}
	*s |= header.bit
	switch {
	case header.bit == seenEncoding && !bytes.EqualFold(value, []byte("chunked")):
		return core.Invalid("Transfer-Encoding", "must be chunked or absent")
	case header.bit == seenHost && bytes.ContainsAny(value, " \t,/\\@?#"):
		return core.Invalid("Host", "must be a host, with or without a port")
	}
	return nil
}
