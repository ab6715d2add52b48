package server

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core/eventjson"
)

// serve handles every request that could be parsed. It is outside of the
// router, so it also covers requests that match no route.
func (s *Server) serve(ctx *fasthttp.RequestCtx) { s.handle(s.begin(ctx)) }

func (s *Server) handle(c *call) {
	defer s.end(c)
	ctx := c.ctx
	if err := checkFraming(&ctx.Request.Header); err != nil {
		c.abandon()
		c.fail(err)
		return
	}
	if c.tooMany() {
		c.abandonBody()
		c.fail(errConnections)
		return
	}
	if methodName(ctx.Method()) == methodOther {
		c.abandonBody()
		c.fail(fiber.ErrMethodNotAllowed)
		return
	}
	s.routes(ctx)
}

// tooMany reports whether a request came by a connection beyond the limit and does not
// ask about health. Such a connection ends with its first answer.
func (c *call) tooMany() bool {
	conn, ok := c.ctx.Conn().(*conn)
	if !ok || !conn.isSpare() {
		return false
	}
	conn.asked.Store(true)
	c.ctx.SetConnectionClose()
	return !exempt[string(c.ctx.Path())]
}

// end ends a call: it turns a panic into an answer, logs the request and counts
// it.
func (s *Server) end(c *call) {
	if cause := recover(); cause != nil {
		s.Logger.ErrorContext(c.lines(), "panic while answering a request", "request_id", string(c.id), "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		c.abandon()
		c.fail(fmt.Errorf("panic: %v", cause))
		c.asking = false
	}
	if c.left > 0 && c.hasBody() {
		c.startClock() // what is left of the body is read past
	}
	if c.asking && c.granted {
		c.asking = false // and the body is on its way
		return
	}
	s.release(c)
	took := time.Since(c.start)
	status := c.ctx.Response.StatusCode()
	if s.Observe != nil {
		s.Observe(methodName(c.ctx.Method()), c.pattern(), status, took, c.sampledTrace())
	}
	s.log(c, status, took)
	c.endTrace(status)
	c.ctx.RemoveUserValue(callKey{})
	c.ctx, c.fiber, c.trace = nil, nil, nil
	calls.Put(c)
}

// sampledTrace is the id of a trace in which the request can be found: the one that this
// server keeps, or else the one that the client says it keeps. It is empty without either.
func (c *call) sampledTrace() string {
	if c.trace != nil {
		if header := c.trace.Header(); header != "" {
			return eventjson.SampledTrace(header)
		}
	}
	header := c.ctx.Request.Header.Peek(headerTraceparent)
	if len(header) == 0 {
		return ""
	}
	return eventjson.SampledTrace(string(header))
}

func (c *call) pattern() string {
	if c.route == nil {
		return RouteUnmatched
	}
	return c.route.Path
}

func (s *Server) log(c *call, status int, took time.Duration) {
	level := slog.LevelInfo
	if (status < 300 || status == fasthttp.StatusNotModified) && !s.LogSuccess {
		level = slog.LevelDebug
	}
	if !s.Logger.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", string(c.id)),
		slog.String("method", methodName(c.ctx.Method())),
		slog.String("path", c.shownPath()),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", c.address()),
	}
	switch {
	case c.source != nil:
		attrs = append(attrs, slog.String("org_id", c.who.Org.String()), slog.String("source_id", c.source.ID.String()))
	case !c.who.User.IsZero():
		attrs = append(attrs, slog.String("org_id", c.who.Org.String()), slog.String("user_id", c.who.User.String()))
	case !c.who.Org.IsZero():
		attrs = append(attrs, slog.String("org_id", c.who.Org.String()), slog.String("api_key_id", c.who.Key.String()))
	}
	s.Logger.LogAttrs(c.lines(), level, "request", attrs...)
}

// methodOther stands for every method that methodName does not list.
const methodOther = "OTHER"

// methodName returns a method as a string that outlives the request.
func methodName(method []byte) string {
	switch string(method) {
	case "POST":
		return "POST"
	case "GET":
		return "GET"
	case "HEAD":
		return "HEAD"
	case "PATCH":
		return "PATCH"
	case "DELETE":
		return "DELETE"
	case "PUT":
		return "PUT"
	case "OPTIONS":
		return "OPTIONS"
	}
	return methodOther
}
