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
		// The listener counts connections, and refuses them with an answer that people
		// can read. fasthttp's own limit must not come first.
		Concurrency:  limits.Connections + 1024,
		ErrorHandler: func(c *fiber.Ctx, err error) error { s.failed(callOf(c.Context()), err); return nil },
	})
	for i := range table {
		s.mount(app, &table[i])
	}
	return app
}

// mount adds a route to the router. HEAD is allowed wherever GET is, and OPTIONS
// wherever CloudEvents and webhooks may be delivered.
func (s *Server) mount(app *fiber.App, r *route) {
	handle := func(c *fiber.Ctx) error { return s.dispatch(c, r) }
	app.Add(r.Method, r.Path, handle)
	if r.Method == fiber.MethodGet {
		app.Add(fiber.MethodHead, r.Path, handle)
	}
	if r.takesWebhooks() {
		app.Add(fiber.MethodOptions, r.Path, handle)
	}
}

// dispatch runs a route for a call that its guard lets through.
func (s *Server) dispatch(c *fiber.Ctx, r *route) error {
	call := callOf(c.Context())
	call.fiber, call.route = c, r
	if call.granted { // before the body was asked for
		return s.answer(call)
	}
	s.follow(call)
	if err := s.guard(call); err != nil {
		return err
	}
	if call.ctx.IsHead() && getOnly[r.Path] {
		return errNoHead
	}
	if string(call.ctx.Method()) == fiber.MethodOptions {
		return s.shakeHands(call)
	}
	if call.asking {
		err := call.checkLength()
		call.granted = err == nil
		return err
	}
	return s.answer(call)
}

// answer has the route's handler answer a call that its guard has let through.
func (s *Server) answer(c *call) error {
	if !c.route.paced() {
		return c.route.handle(s, c)
	}
	return s.Reads.Answer(c.context(), c.who.Org, func() error { return c.route.handle(s, c) })
}

// guard lets a call through that is within its rate and, unless its route is
// public, comes with a credential that permits the route's action.
func (s *Server) guard(c *call) error {
	if c.isProbe() {
		return nil
	}
	if c.route.inbound() {
		return s.admitSource(c)
	}
	if c.route.Action == Public {
		return s.admitAddress(c)
	}
	if err := s.identify(c); err != nil {
		return err
	}
	if err := s.admit(c); err != nil {
		return err
	}
	if err := s.allow(c); err != nil {
		return err
	}
	if c.route.hasQuery || len(c.ctx.URI().QueryString()) == 0 {
		return nil
	}
	_, err := c.query() // of no parameters: any is refused
	return err
}

// identify finds out who calls. Guesses count against their address.
func (s *Server) identify(c *call) error {
	who, err := s.authenticate(c)
	if core.CodeOf(err) == core.CodeUnauthorized {
		if limited := s.admitAddress(c); limited != nil {
			return limited
		}
	}
	if err != nil {
		return err
	}
	c.who = who
	if !unrecorded(c.route.Action) {
		c.who.From = c.visitor()
	}
	return nil
}

// unrecorded reports whether nothing that an action does is recorded. These are
// the actions that every event takes, which need not know where it comes from.
func unrecorded(action core.Action) bool {
	return action == core.ActionIngest || action == core.ActionConsume
}

// allow refuses a call that the caller's role does not permit, and records the
// refusal.
func (s *Server) allow(c *call) error {
	r := c.route
	if r.Action == Anybody {
		return nil
	}
	err := s.Authorizer.Allow(c.who, c.who.Org, r.Action)
	if err != nil {
		c.abandon()
		s.recordRefusal(c)
	}
	return err
}

// recordRefusal records that a role does not permit a call. Core does not know
// of the call.
func (s *Server) recordRefusal(c *call) {
	if s.Trail == nil {
		return
	}
	s.Trail.Record(c.context(), core.AuditRecord{
		Who: c.who.At(c.visitor()), Action: core.AuditRefused, Kind: "route", Target: c.route.Method + " " + c.route.Path,
	})
}
