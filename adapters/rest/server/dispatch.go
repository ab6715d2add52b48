package server

import (
	"github.com/gofiber/fiber/v2"

	"github.com/eventflow-go/eventflow/core"
)

func (s *Server) newApp() *fiber.App {
	limits := s.Limits
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		CaseSensitive:         true,
		StrictRouting:         true,
		StreamRequestBody:     true,
		// Without this, fasthttp reads multipart bodies of any size by itself.
		DisablePreParseMultipartForm: true,
		DisableDefaultContentType:    true,
		BodyLimit:                    core.MaxBatchBytes,
		ReadBufferSize:               limits.HeaderBytes,
		ReadTimeout:                  limits.ReadTimeout,
		WriteTimeout:                 limits.WriteTimeout,
		IdleTimeout:                  limits.IdleTimeout,
		// The listener counts connections and refuses with a readable answer;
		// fasthttp's own limit must not come first.
		Concurrency:  limits.Connections + 1024,
		ErrorHandler: func(c *fiber.Ctx, err error) error { s.failed(callOf(c.Context()), err); return nil },
	})
	for i := range table {
		s.mount(app, &table[i])
	}
	return app
}

// mount adds a route to the router; HEAD works wherever GET does.
func (s *Server) mount(app *fiber.App, r *route) {
	handle := func(c *fiber.Ctx) error { return s.dispatch(c, r) }
	app.Add(r.Method, r.Path, handle)
	if r.Method == fiber.MethodGet {
		app.Add(fiber.MethodHead, r.Path, handle)
	}
}

// dispatch runs a route for whoever presents a credential, or anybody when the
// route is public.
func (s *Server) dispatch(c *fiber.Ctx, r *route) error {
	call := callOf(c.Context())
	call.fiber, call.route = c, r
	if r.Action == Public && !exempt[r.Path] {
		if err := s.admitAddress(call); err != nil {
			return err
		}
	}
	if r.Action != Public {
		who, err := s.authenticate(call)
		if core.CodeOf(err) == core.CodeUnauthorized {
			if limited := s.admitAddress(call); limited != nil {
				return limited
			}
		}
		if err != nil {
			return err
		}
		call.who = who
		if err := s.admit(call); err != nil {
			return err
		}
		if err := s.allow(call, r); err != nil {
			return err
		}
		if !r.hasQuery && len(call.ctx.URI().QueryString()) > 0 {
			if _, err := call.query(); err != nil {
				return err
			}
		}
	}
	return r.handle(s, call)
}

// allow holds a call to what its role permits. A refusal is recorded.
func (s *Server) allow(c *call, r *route) error {
	if r.Action == Anybody {
		return nil
	}
	err := s.Authorizer.Allow(c.who, c.who.Org, r.Action)
	if err != nil {
		c.abandon()
		c.record(core.AuditRefused, "route", r.Method+" "+r.Path)
	}
	return err
}
