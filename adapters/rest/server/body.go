package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// readBody reads the request's body, decompressed, into memory of its own that
// may be kept, and refuses one of more than limit bytes: where the client says
// the length, before it reads any.
func (c *call) readBody(limit int) ([]byte, error) {
	gzipped, err := c.gzipped()
	if err != nil {
		c.abandon()
		return nil, err
	}
	body, err := c.readAll(limit, gzipped)
	if err != nil {
		c.abandon()
	}
	return body, err
}

func (c *call) readAll(limit int, gzipped bool) ([]byte, error) {
	length := c.ctx.Request.Header.ContentLength()
	if length > limit {
		return nil, errTooLarge(limit)
	}
	stream := c.ctx.RequestBodyStream()
	if stream == nil {
		return nil, nil
	}
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

// readUpTo reads a body of unknown length, reserving memory as it grows.
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

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// readGzip decompresses a body as it arrives. What it may become is bounded,
// and so is what may be sent to become nothing.
func (c *call) readGzip(stream io.Reader, limit int) ([]byte, error) {
	reader := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(reader)
	source := &gzipSource{Reader: stream, left: limit}
	if err := reader.Reset(source); err != nil {
		return nil, gzipError(source, err)
	}
	body, err := c.readUpTo(gzipErrors{source, reader}, limit)
	if err == nil {
		err = reader.Close()
	}
	return body, err
}

// gzipSource is the compressed body; it remembers how reading it failed.
type gzipSource struct {
	io.Reader
	left int
	err  error
}

func (s *gzipSource) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if s.left -= n; s.left < 0 {
		err = io.ErrShortBuffer
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// gzipErrors names the errors of a decompression.
type gzipErrors struct {
	source *gzipSource
	io.Reader
}

func (r gzipErrors) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = gzipError(r.source, err)
	}
	return n, err
}

func gzipError(source *gzipSource, err error) error {
	switch {
	case errors.Is(source.err, io.ErrShortBuffer):
		return &core.Error{Code: core.CodePayloadTooLarge, Message: "the compressed body is too large"}
	case source.err != nil:
		return bodyError(source.err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return core.Invalid("body", "is truncated gzip")
	}
	return core.Invalid("body", "is not valid gzip")
}

// gzipped reads Content-Encoding.
func (c *call) gzipped() (bool, error) {
	switch encoding := c.ctx.Request.Header.ContentEncoding(); {
	case len(encoding) == 0, bytes.EqualFold(encoding, []byte("identity")):
		return false, nil
	case bytes.EqualFold(encoding, []byte("gzip")):
		return true, nil
	}
	return false, unsupported("Content-Encoding", "must be gzip or identity")
}

func unsupported(header, reason string) error {
	return &core.Error{
		Code:    core.CodeUnsupportedMedia,
		Message: header + ": " + reason,
		Details: []core.Detail{{Field: header, Reason: reason}},
	}
}

// wantJSON holds the body's media type to JSON. A request without one is
// taken for JSON.
func (c *call) wantJSON() error {
	kind, err := c.contentKind()
	if err == nil && kind != kindJSON {
		err = unsupported(fasthttp.HeaderContentType, "must be application/json")
	}
	if err != nil {
		c.abandon()
	}
	return err
}

type kind int

const (
	kindJSON kind = iota
	kindNDJSON
	kindCloudEvent
	kindCloudEvents
)

// contentKind reads Content-Type.
func (c *call) contentKind() (kind, error) {
	raw := c.ctx.Request.Header.ContentType()
	if len(raw) == 0 || string(raw) == rest.TypeJSON {
		return kindJSON, nil
	}
	media, parameters, err := mime.ParseMediaType(string(raw))
	if charset, given := parameters["charset"]; err != nil || given && !strings.EqualFold(charset, "utf-8") {
		return 0, unsupported(fasthttp.HeaderContentType, "must be a media type, of charset utf-8 where it has one")
	}
	switch {
	case media == cloudevents.TypeEvent:
		return kindCloudEvent, nil
	case media == cloudevents.TypeBatch:
		return kindCloudEvents, nil
	case media == rest.TypeJSON, strings.HasSuffix(media, "+json"):
		return kindJSON, nil
	case media == rest.TypeNDJSON, media == "application/ndjson":
		return kindNDJSON, nil
	}
	return 0, unsupported(fasthttp.HeaderContentType, "must be application/json, or application/x-ndjson for a batch")
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
