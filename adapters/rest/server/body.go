package server

import (
	"errors"
	"io"
	"strings"

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
	if !gzipped && 0 <= length && length <= smallBody {
		return c.readSmall(stream, length)
	}
	stream = c.upload(stream)
	if gzipped {
		return c.readGzip(stream, limit)
	}
	return c.readGrowing(stream, limit, length)
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

// smallBody is what fasthttp reads of a body whose length is known before it calls the
// handler: such a body is there as a whole.
const smallBody = 8 << 10

func (c *call) readSmall(stream io.Reader, length int) ([]byte, error) {
	if err := c.reserve(length); err != nil {
		return nil, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(stream, body); err != nil {
		return nil, bodyError(err)
	}
	return body, nil
}

// firstPiece is how much memory a body takes before any of it has arrived.
const firstPiece = 64 << 10

// readGrowing reads a body and takes memory as it arrives: what a client says about the
// length only bounds it. The length of one that does not say is negative.
func (c *call) readGrowing(stream io.Reader, limit, length int) ([]byte, error) {
	most, first := limit+1, smallBody
	if length >= 0 {
		most, first = length, min(firstPiece, length)
	}
	if err := c.reserve(first); err != nil {
		return nil, err
	}
	body := make([]byte, 0, first)
	for len(body) != length {
		if len(body) == cap(body) {
			var err error
			if body, err = c.grow(body, min(2*cap(body), most)); err != nil {
				return nil, err
			}
		}
		n, err := stream.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, errTooLarge(limit)
		case errors.Is(err, io.EOF) && len(body) < length:
			return nil, bodyError(io.ErrUnexpectedEOF)
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, bodyError(err)
		}
	}
	return body, nil
}

// grow copies what has arrived of a body into more memory. What it leaves is garbage, and
// counts no more.
func (c *call) grow(body []byte, size int) ([]byte, error) {
	if err := c.reserve(size - cap(body)); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, size), body...), nil
}

// reserve claims memory for a body, until the call ends. What is no more than fasthttp has
// read anyway is nobody's; the rest counts in the shares of the organization and the key.
func (c *call) reserve(bytes int) error {
	uploads, n := c.server.uploads, int64(bytes)
	if c.reserved == 0 && c.small+n <= smallBody {
		if err := uploads.takeSmall(n); err != nil {
			return err
		}
		c.small += n
		return nil
	}
	allowed, err := c.server.Shares.Allowed(c.context(), c.who.Org)
	if err != nil {
		return err
	}
	if err := uploads.take(c.who, n, allowed.Uploads); err != nil {
		return err
	}
	c.reserved += n
	return nil
}

func (s *Server) release(c *call) {
	if c.small > 0 {
		s.uploads.giveSmall(c.small)
		c.small = 0
	}
	if c.reserved > 0 {
		s.uploads.give(c.who, c.reserved)
		c.reserved = 0
	}
}
