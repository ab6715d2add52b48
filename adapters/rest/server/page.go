package server

import (
	"io"
	"net/url"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// pageQuery reads the parameters of a list that comes in pages. known names its
// other parameters.
func (c *call) pageQuery(known ...string) (values url.Values, limit int, err error) {
	if values, err = c.query(append(known, "cursor", "limit")...); err != nil {
		return nil, 0, err
	}
	limit, err = parseLimit(values)
	return values, limit, err
}

// answerList answers with a page of the list at path. The next page is at the
// same parameters with another cursor.
func answerList[T any](c *call, path string, values url.Values, page core.Page[T]) error {
	if page.HasMore {
		values.Set("cursor", page.NextCursor)
		c.setNext(path, values)
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[T]{
		Items:      append([]T{}, page.Items...), // an empty list is no null
		Pagination: rest.Pagination{NextCursor: page.NextCursor, HasMore: page.HasMore},
	})
}

// setNext says where the next page is.
func (c *call) setNext(path string, query url.Values) {
	c.ctx.Response.Header.Set(fasthttp.HeaderLink, "<"+path+"?"+query.Encode()+`>; rel="next"`)
}

// pageBody is the body of a page of events. Its memory is used for another page
// once the answer is written.
type pageBody struct {
	bytes []byte
	sent  int
}

var pages = sync.Pool{New: func() any { return &pageBody{} }}

// maxPooledPage bounds the memory that is kept for another page. A larger page
// is rare, and its memory goes back to the system.
const maxPooledPage = 4 << 20

// answerPooled answers with bytes that were appended to a page's memory. It
// gives that memory back when the answer is written.
func (c *call) answerPooled(body *pageBody, b, contentType []byte) {
	body.bytes, body.sent = b, 0
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentTypeBytes(contentType)
	c.ctx.Response.SetBodyStream(body, len(b))
}

// Read implements io.Reader.
func (p *pageBody) Read(b []byte) (int, error) {
	if p.sent == len(p.bytes) {
		return 0, io.EOF
	}
	n := copy(b, p.bytes[p.sent:])
	p.sent += n
	return n, nil
}

// WriteTo implements io.WriterTo.
func (p *pageBody) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(p.bytes[p.sent:])
	p.sent += n
	return int64(n), err
}

// Close gives the memory back. fasthttp calls it once.
func (p *pageBody) Close() error {
	if cap(p.bytes) <= maxPooledPage {
		pages.Put(p)
	}
	return nil
}
