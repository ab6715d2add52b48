package server

import (
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// gzipped reports whether the body is compressed, as Content-Encoding says: the
// list of what was done to the body. Among that, identity is nothing, and x-gzip
// is an old name of gzip.
func (c *call) gzipped() (bool, error) {
	times := 0
	for encoding := range elements(c.requestHeader(fasthttp.HeaderContentEncoding)) {
		switch strings.ToLower(encoding) {
		case "identity":
		case "gzip", "x-gzip":
			times++
		default:
			times = 2
		}
	}
	if times > 1 {
		return false, unsupported(fasthttp.HeaderContentEncoding, "must be gzip or identity")
	}
	return times == 1, nil
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// readGzip decompresses a body as it arrives. Two sizes are bounded: how large
// the body may become, and how much may be sent, since gzip can be long and
// decompress to nothing.
func (c *call) readGzip(stream io.Reader, limit int) ([]byte, error) {
	reader := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(reader)
	source := &gzipSource{Reader: stream, left: limit}
	if err := reader.Reset(source); err != nil {
		return nil, gzipError(source, err)
	}
	body, err := c.readGrowing(gzipErrors{source, reader}, limit, -1)
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

// gzipErrors is the decompressed body; it turns errors into those that a client
// sees.
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
