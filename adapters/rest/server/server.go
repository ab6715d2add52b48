// Package server is EventFlow's HTTP server: it turns requests into calls of
// core's use cases and their outcomes into answers. It is the only package
// that knows Fiber.
//
// What comes in is held to limits before it costs anything: framing, then the
// credential, then media types and sizes, then the body. Fiber and fasthttp
// reuse their buffers, so whatever outlives a handler is copied first.
package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Options is what a server serves and how. The use cases and Ready are
// required.
type Options struct {
	Ingest  *core.Ingest
	Query   *core.Query
	Streams *core.Streams
	Access  *core.Access
	Keys    *core.Keys
	// Authorizer decides, before anything of a request's body is read, whether
	// the credential permits the route's action. Core asks it again.
	Authorizer core.Authorizer
	Accounts   *core.Accounts
	Audit      *core.Audit
	// Consumers, Letters and Tails are what delivers.
	Consumers *core.Consumers
	Letters   *core.Letters
	Tails     *core.Tails
	// Ready reports whether requests can be served. Its answer is public, and
	// is asked for at most once a second.
	Ready func(ctx context.Context) rest.Health
	// System says what the server is, to whoever asks; without it there is no such
	// path.
	System func(who core.Principal) rest.System
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// HTTPS: clients reach the server by TLS, here or at a proxy. Browsers are
	// told to insist on it.
	HTTPS bool
	// Site returns the dashboard's file or page at a path, where it has one; html
	// says that a page is wanted. Without it there is no dashboard. It is asked
	// only for what no route matches.
	Site func(path string, html bool) (Page, bool)
	// Metrics serves /metrics; without it there is no such path. MetricsToken is
	// what opens it; where that is empty, only this machine may read it.
	Metrics      http.Handler
	MetricsToken string
	// Observe is told of every answer. route is the pattern of its path,
	// [RouteSite] or [RouteUnmatched]; both texts come from small fixed sets.
	Observe func(method, route string, status int, took time.Duration)
	// Logger defaults to [slog.Default]. Requests are logged at info level, or
	// at debug level when they succeeded and LogSuccess is not set.
	Logger     *slog.Logger
	LogSuccess bool
	Limits     Limits
	// Limiter counts requests by Rates; without it there is no limit. Its error
	// is the answer.
	Limiter core.RateLimiter
	Rates   Rates
}

// Limits keeps slow, lying and too many clients from using up the server.
// Zero fields take the defaults.
type Limits struct {
	// ReadTimeout bounds the arrival of one request, body included: default 10 s.
	ReadTimeout time.Duration
	// WriteTimeout bounds how long a client may leave a part of an answer
	// unread: default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout closes a connection without requests: default 60 s.
	IdleTimeout time.Duration
	// HandlerTimeout bounds what storage and catalog may take for one request,
	// exports excepted: default 20 s. Beyond it the answer is 503.
	HandlerTimeout time.Duration
	// Connections is how many may be open: default 16,384. One more is answered
	// 503 and closed.
	Connections int
	// HeaderBytes bounds a request's line and headers: default 8 KiB.
	HeaderBytes int
	// InflightBytes bounds the request bodies held in memory, over all requests:
	// default 256 MiB. Beyond it the answer is 503.
	InflightBytes int64
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.ReadTimeout, 10*time.Second)
	setDefault(&l.WriteTimeout, 30*time.Second)
	setDefault(&l.IdleTimeout, 60*time.Second)
	setDefault(&l.HandlerTimeout, 20*time.Second)
	setDefault(&l.Connections, 16_384)
	setDefault(&l.HeaderBytes, 8<<10)
	setDefault(&l.InflightBytes, 256<<20)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server answers HTTP requests. It is made by New.
type Server struct {
	Options
	http     *fasthttp.Server
	routes   fasthttp.RequestHandler
	inflight atomic.Int64
	draining atomic.Bool
	deadline deadline
	ready    readiness
	// tails are the live tails, whose connections fasthttp has given up.
	tails sync.WaitGroup
	polls atomic.Int64
}

// Polls returns how many polls are being answered, most of them waiting.
func (s *Server) Polls() int64 { return s.polls.Load() }

// New returns a server that is ready to Serve.
func New(options Options) *Server {
	options.Limits = options.Limits.withDefaults()
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	s := &Server{Options: options}
	s.deadline.after = options.Limits.HandlerTimeout
	app := s.newApp()
	s.routes = app.Handler()
	s.http = app.Server()
	s.http.Handler = s.serve
	s.http.ErrorHandler = s.refuse
	s.http.CloseOnShutdown = true
	s.http.SecureErrorLogMessage = true
	return s
}

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

// record adds to the audit trail what the caller did.
func (c *call) record(action core.AuditAction, kind, target string) {
	if c.server.Audit != nil {
		c.server.Audit.Record(c.context(), core.AuditRecord{
			Who: c.who, Action: action, Kind: kind, Target: target, From: c.visitor(),
		})
	}
}

// Serve answers the listener's connections until Shutdown, and returns nil
// then.
func (s *Server) Serve(ln net.Listener) error {
	return s.http.Serve(&listener{Listener: ln, limit: int64(s.Limits.Connections)})
}

// Drain makes the server report that it is not ready, so that no new requests
// are sent its way, and closes each connection after its next answer. Requests
// are still answered.
//
// Polls that wait and live tails end: their clients come back, to another node.
func (s *Server) Drain() {
	if s.draining.Swap(true) {
		return
	}
	s.Consumers.Close()
	s.Tails.Close()
}

// Shutdown drains, refuses new connections and returns when all requests in
// flight are answered, or with ctx's error when it ends before.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	err := s.http.ShutdownWithContext(ctx)
	ended := make(chan struct{})
	go func() {
		s.tails.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return err
}

// deadline gives requests a context with a time-out. Requests of the same
// second share one: a timer per request would cost the hot path more than its
// routing.
type deadline struct {
	after  time.Duration
	shared atomic.Pointer[sharedDeadline]
}

type sharedDeadline struct {
	context.Context
	cancel context.CancelFunc
	since  time.Time
}

// context returns a context that ends between after and a second more from now.
func (d *deadline) context(now time.Time) context.Context {
	if current := d.shared.Load(); current != nil && now.Sub(current.since) < time.Second {
		return current
	}
	next := &sharedDeadline{since: now}
	//nolint:gosec // the deadline itself cancels: nobody knows when the last request that shares it ends
	next.Context, next.cancel = context.WithDeadline(context.Background(), now.Add(d.after+time.Second))
	context.AfterFunc(next, next.cancel)
	d.shared.Store(next)
	return next
}
