package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// serve is the way of every request that could be parsed: around the router,
// so that it also covers what no route matches.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	c := s.begin(ctx)
	defer s.end(c)
	if err := checkFraming(&ctx.Request.Header); err != nil {
		c.abandon()
		c.fail(err)
		return
	}
	if methodName(ctx.Method()) == methodOther {
		c.ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD, POST, PATCH, DELETE")
		c.fail(core.Errorf(core.CodeMethodNotAllowed, "this method is not allowed here"))
		return
	}
	s.routes(ctx)
}

// end closes a call: it turns a panic into an answer, and logs and counts.
func (s *Server) end(c *call) {
	if cause := recover(); cause != nil {
		s.Logger.Error("panic while answering a request", "request_id", string(c.id), "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		c.abandon()
		c.fail(fmt.Errorf("panic: %v", cause))
	}
	s.release(c)
	took := time.Since(c.start)
	status := c.ctx.Response.StatusCode()
	if s.Observe != nil {
		s.Observe(methodName(c.ctx.Method()), c.pattern(), status, took)
	}
	s.log(c, status, took)
	c.ctx.RemoveUserValue(callKey{})
	c.ctx, c.fiber = nil, nil
	calls.Put(c)
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
		slog.String("path", string(c.ctx.URI().PathOriginal())),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", c.address()),
	}
	switch {
	case !c.who.User.IsZero():
		attrs = append(attrs, slog.String("org_id", c.who.Org.String()), slog.String("user_id", c.who.User.String()))
	case !c.who.Org.IsZero():
		attrs = append(attrs, slog.String("org_id", c.who.Org.String()), slog.String("api_key_id", c.who.Key.String()))
	}
	s.Logger.LogAttrs(context.Background(), level, "request", attrs...)
}

// methodOther stands for every method that HTTP does not define.
const methodOther = "OTHER"

// methodName returns a method as a text that outlives the request.
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

// The headers of every answer, in the form that needs no work.
var (
	headerRequestID = []byte(rest.HeaderRequestID)
	headerHSTS      = [2][]byte{[]byte("Strict-Transport-Security"), []byte("max-age=31536000; includeSubDomains")}
	contentJSON     = []byte(rest.TypeJSON)
	contentProblem  = []byte(rest.TypeProblem)
	fixedHeaders    = [][2][]byte{
		{[]byte("X-Content-Type-Options"), []byte("nosniff")},
		{[]byte("X-Frame-Options"), []byte("DENY")},
		{[]byte("Referrer-Policy"), []byte("no-referrer")},
		{[]byte("Cache-Control"), []byte("no-store")},
		{[]byte("Content-Security-Policy"), []byte("default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")},
	}
)

func setHeaders(header *fasthttp.ResponseHeader, requestID []byte) {
	header.SetCanonical(headerRequestID, requestID)
	for i := range fixedHeaders {
		header.SetCanonical(fixedHeaders[i][0], fixedHeaders[i][1])
	}
}

var (
	errNoCredential = core.Errorf(core.CodeUnauthorized, "an API key is required, in the X-API-Key or the Authorization: Bearer header")
	errCredentials  = core.Errorf(core.CodeUnauthorized, "the request presents two different credentials")
)

// authenticate finds out who makes a request. Only headers are looked at: a
// key in an address ends up in logs and histories.
func (s *Server) authenticate(c *call) (core.Principal, error) {
	key := c.ctx.Request.Header.Peek(rest.HeaderAPIKey)
	authorization := c.ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	if len(authorization) > 0 {
		token := bearerToken(authorization)
		if len(key) > 0 && !bytes.Equal(key, token) {
			return core.Principal{}, errCredentials
		}
		key = token
	}
	if len(key) == 0 {
		return core.Principal{}, errNoCredential
	}
	if isAccessToken(key) {
		return s.Accounts.Authenticate(c.context(), string(key))
	}
	return s.Access.Authenticate(c.context(), string(key))
}

// isAccessToken tells a JSON Web Token from a key, which has no dots.
func isAccessToken(credential []byte) bool { return bytes.Count(credential, []byte(".")) == 2 }

// bearerToken returns the token of an Authorization header, or nothing when it
// is of another scheme.
func bearerToken(authorization []byte) []byte {
	const scheme = "Bearer "
	if len(authorization) < len(scheme) || !bytes.EqualFold(authorization[:len(scheme)], []byte(scheme)) {
		return nil
	}
	return bytes.TrimLeft(authorization[len(scheme):], " ")
}
