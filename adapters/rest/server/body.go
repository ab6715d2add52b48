package server

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// readBody reads and decompresses the request's body. The memory is the
// caller's to keep. A body that is too large for its route is refused, before
// any of it is read where the client says its length.
func (c *call) readBody() ([]byte, error) {
	gzipped, err := c.gzipped()
	if err != nil {
		c.abandon()
		return nil, err
	}
	if err := c.checkLength(); err != nil {
		return nil, err
	}
	body, err := c.readAll(c.route.bodyLimit(), gzipped)
	if err != nil {
		c.abandon()
	}
	return body, err
}

// bodyLimit returns how large a body of the route may be. A batch may be larger
// than anything else.
func (r *route) bodyLimit() int {
	if r.Action == core.ActionIngest && strings.HasSuffix(r.Path, "/batch") {
		return core.MaxBatchBytes
	}
	return core.MaxEventBytes
}

// checkLength refuses a body that says that it is too large.
func (c *call) checkLength() error {
	limit := c.route.bodyLimit()
	if c.ctx.Request.Header.ContentLength() > limit {
		c.abandon()
		return errTooLarge(limit)
	}
	return nil
}

func (c *call) readAll(limit int, gzipped bool) ([]byte, error) {
	length := c.ctx.Request.Header.ContentLength()
	stream := c.ctx.RequestBodyStream()
	if stream == nil {
		return nil, nil
	}
	c.startClock()
	if gzipped {
		return c.readGzip(stream, limit)
	}
	if length < 0 {
		return c.readUpTo(stream, limit)
	}
	return c.readExactly(stream, length)
}

func errTooLarge(limit int) error {
	return &core.Error{
		Code:    core.CodePayloadTooLarge,
		Message: "the request body is too large",
		Details: []core.Detail{{Field: "body", Reason: "must have at most " + sizeText(limit)}},
	}
}

func sizeText(bytes int) string {
	if bytes == core.MaxEventBytes {
		return "1 MiB"
	}
	return "16 MiB"
}

func (c *call) readExactly(stream io.Reader, length int) ([]byte, error) {
	if err := c.reserve(length); err != nil {
		return nil, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(stream, body); err != nil {
		return nil, bodyError(err)
	}
	return body, nil
}

// readUpTo reads a body of unknown length and reserves memory as it grows.
func (c *call) readUpTo(stream io.Reader, limit int) ([]byte, error) {
	const firstRead = 8 << 10
	if err := c.reserve(firstRead); err != nil {
		return nil, err
	}
	body := make([]byte, 0, firstRead)
	for {
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, errTooLarge(limit)
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, bodyError(err)
		}
		if len(body) == cap(body) {
			// While it is copied, the body is there twice.
			if err := c.reserve(2 * cap(body)); err != nil {
				return nil, err
			}
			grown := make([]byte, len(body), 2*cap(body))
			copy(grown, body)
			body = grown
		}
	}
}

// reserve claims memory for a body, until the call ends.
func (c *call) reserve(bytes int) error {
	s := c.server
	if s.inflight.Add(int64(bytes)) > s.Limits.InflightBytes {
		s.inflight.Add(int64(-bytes))
		return core.Unavailable(nil, time.Second, "the server is handling as many requests as it can; slow down and try again")
	}
	c.reserved += int64(bytes)
	return nil
}

func (s *Server) release(c *call) {
	if c.reserved > 0 {
		s.inflight.Add(-c.reserved)
		c.reserved = 0
	}
}
