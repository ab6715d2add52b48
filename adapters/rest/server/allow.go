package server

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// getOnly lists the routes that answer GET but not HEAD: without the body of the
// answer, what it hands out would be lost.
var getOnly = map[string]bool{groupPath + "/events": true, streamEventsPath + "/live": true}

// errNoHead refuses HEAD at those.
var errNoHead = core.Errorf(core.CodeMethodNotAllowed, "only GET is allowed at this address: every answer hands out events")

// allowed lists the methods that a path answers, for the Allow header. It is
// empty for a path without any.
func (s *Server) allowed(path string) string {
	var methods []string
	for _, method := range []string{fiber.MethodGet, fiber.MethodPost, fiber.MethodPatch, fiber.MethodDelete} {
		r := s.routeOf(method, path)
		if r == nil {
			continue
		}
		methods = append(methods, method)
		if method == fiber.MethodGet && !getOnly[r.Path] {
			methods = append(methods, fiber.MethodHead)
		}
	}
	if r := s.routeOf(fiber.MethodPost, path); r != nil && r.takesWebhooks() {
		methods = append(methods, fiber.MethodOptions)
	}
	return strings.Join(methods, ", ")
}

// routeOf returns the route that the router takes.
func (s *Server) routeOf(method, path string) *route {
	for i := range s.table {
		if s.table[i].Method == method && matches(s.table[i].Path, path) {
			return &s.table[i]
		}
	}
	return nil
}

// matches reports whether a path fits a pattern, part by part.
func matches(pattern, path string) bool {
	for {
		want, patternRest, more := strings.Cut(pattern, "/")
		got, pathRest, moreOfPath := strings.Cut(path, "/")
		switch {
		case more != moreOfPath:
			return false
		case strings.HasPrefix(want, ":") && got == "", !strings.HasPrefix(want, ":") && got != want:
			return false
		case !more:
			return true
		}
		pattern, path = patternRest, pathRest
	}
}

// acceptable says, in the headers of a refusal, what would have been taken
// instead of a body's media type or encoding (RFC 9110, section 15.5.16).
func (c *call) acceptable(err *core.Error) {
	header := &c.ctx.Response.Header
	if len(err.Details) > 0 && err.Details[0].Field == fasthttp.HeaderContentEncoding {
		header.Set(fasthttp.HeaderAcceptEncoding, "gzip, identity")
		return
	}
	media := c.route.media()
	header.Set(fasthttp.HeaderAccept, media)
	if c.route.Method == fiber.MethodPatch {
		header.Set("Accept-Patch", media) // RFC 5789, section 2.2
	}
}

// media lists the media types of the bodies that a route takes.
func (r *route) media() string {
	const comma = ", "
	switch {
	case r.inbound():
		return rest.TypeJSON + comma + rest.TypeForm
	case r.Action != core.ActionIngest:
		return rest.TypeJSON
	case strings.HasSuffix(r.Path, "/batch"):
		return rest.TypeJSON + comma + rest.TypeNDJSON + comma + cloudevents.TypeBatch
	}
	return rest.TypeJSON + comma + cloudevents.TypeEvent
}
