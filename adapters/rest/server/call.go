package server

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/inbound"
)

// call is one request on its way through the server. It is used again for
// another request after the answer, so nothing that outlives the handler may
// keep it.
type call struct {
	server *Server
	ctx    *fasthttp.RequestCtx
	fiber  *fiber.Ctx // nil when no route matches
	route  *route
	who    core.Principal
	// source is what a sender sends to, nil on all routes but one.
	source *inbound.Open
	// credential is what who was authenticated by. It is a part of the request's
	// buffer.
	credential []byte
	id         []byte
	start      time.Time
	// small and reserved are how much of the server's memory the request's body takes:
	// what is counted for all together, and what in the shares of who makes the request.
	small, reserved int64
	// left is how long the client has for the rest of its request while the clock
	// stands, and 0 while it runs.
	left time.Duration
	// limited says that the answer tells the client a limit, and remaining how many
	// requests it leaves.
	limited   bool
	remaining int
	// asking says that the client waits for "100 Continue" and nothing of the body
	// may be read yet. granted says that the guard has let the call through.
	asking, granted bool
	// trace follows the call, if it is not nil.
	trace Trace
}

type callKey struct{}

var calls = sync.Pool{New: func() any { return &call{id: make([]byte, 0, 64)} }}

// callOf returns the call that begin attached to a request.
func callOf(ctx *fasthttp.RequestCtx) *call { return ctx.UserValue(callKey{}).(*call) }

// begin returns the call of a request. The call of a request whose body was
// asked for goes on.
func (s *Server) begin(ctx *fasthttp.RequestCtx) *call {
	if c, ok := ctx.UserValue(callKey{}).(*call); ok {
		c.stopClock()
		return c
	}
	c := calls.Get().(*call)
	*c = call{server: s, ctx: ctx, id: c.id[:0], start: time.Now()}
	c.id = appendRequestID(c.id, ctx.Request.Header.Peek(rest.HeaderRequestID))
	c.stopClock()
	ctx.SetUserValue(callKey{}, c)
	setHeaders(&ctx.Response.Header, c.id)
	if s.HTTPS {
		ctx.Response.Header.SetBytesKV(headerHSTS[0], headerHSTS[1])
	}
	if s.draining.Load() {
		ctx.SetConnectionClose()
	}
	return c
}

// context returns a context that belongs to the caller's organization and ends
// after the server's time-out. It is marked with the call's trace.
func (c *call) context() context.Context {
	ctx := c.traced(c.server.deadline.context(c.start))
	if c.who.Org.IsZero() {
		return ctx
	}
	return core.ContextWithOrganization(ctx, c.who.Org)
}

// param returns a decoded part of the path, copied out of Fiber's buffer.
func (c *call) param(name string) (string, error) {
	raw := c.fiber.Params(name)
	if strings.IndexByte(raw, '%') < 0 {
		return strings.Clone(raw), nil
	}
	text, err := url.PathUnescape(raw)
	if err != nil {
		return "", core.Invalid(name, "is not valid percent-encoding")
	}
	return text, nil
}

// answerJSON answers with any value; the hot paths write their bodies
// themselves.
func (c *call) answerJSON(status int, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.answer(status, contentJSON, encoded)
	return nil
}

// answer answers with a body that nobody changes afterwards.
func (c *call) answer(status int, contentType, body []byte) {
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.SetContentTypeBytes(contentType)
	c.ctx.Response.SetBodyRaw(body)
}

// abandon has the connection close after the answer, because the request's body
// was not read. It closes late enough for the client to read the answer.
func (c *call) abandon() {
	c.ctx.SetConnectionClose()
	if conn, ok := c.ctx.Conn().(*conn); ok {
		conn.linger.Store(true)
	}
}

// abandonBody abandons a request that has a body. The connection of one without
// a body can stay.
func (c *call) abandonBody() {
	if c.hasBody() {
		c.abandon()
	}
}

// hasBody reports whether the request says that it has a body.
func (c *call) hasBody() bool {
	const chunked = -1
	length := c.ctx.Request.Header.ContentLength()
	return length > 0 || length == chunked
}
