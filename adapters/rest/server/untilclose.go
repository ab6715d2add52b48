package server

import (
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// headUntilClose returns the head of an answer whose body ends with its
// connection. It has the headers that were set before.
func (c *call) headUntilClose() []byte {
	b := []byte("HTTP/1.1 200 OK\r\nConnection: close\r\nDate: ")
	b = fasthttp.AppendHTTPDate(b, time.Now())
	b = append(b, "\r\n"...)
	for name, value := range c.ctx.Response.Header.All() {
		switch string(name) {
		case fasthttp.HeaderConnection, fasthttp.HeaderContentLength, fasthttp.HeaderTransferEncoding:
			continue
		}
		b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// exportUntilClose answers with an export to a client of HTTP/1.0, which does
// not know chunks (RFC 9112, section 6.1).
func (c *call) exportUntilClose(body *exportBody) {
	s, head, isHead := c.server, c.headUntilClose(), c.ctx.IsHead()
	s.tails.Add(1)
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(out net.Conn) {
		defer s.tails.Done()
		defer func() { _ = body.Close() }()
		_ = out.SetWriteDeadline(time.Now().Add(body.writeTimeout))
		_, err := out.Write(head)
		if err == nil && !isHead {
			_, err = body.WriteTo(out)
		}
		if broken, ok := body.conn.(*conn); ok && err != nil {
			broken.reset()
		}
	})
}
