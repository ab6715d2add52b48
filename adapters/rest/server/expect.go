package server

import "github.com/valyala/fasthttp"

// expect decides about a request whose client waits for "100 Continue" before it
// sends the body. All that stands in the headers is checked first: nobody is to
// send 2 GB for an answer that was certain before. It returns the status of the
// answer, which is written already unless it is 100.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	c := s.begin(ctx)
	c.asking = true
	s.handle(c)
	if ctx.UserValue(callKey{}) != nil { // the call goes on
		return fasthttp.StatusContinue
	}
	if conn, ok := ctx.Conn().(*conn); ok {
		conn.linger.Store(true) // not every client waits
	}
	return ctx.Response.StatusCode()
}
