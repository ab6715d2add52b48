package server

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

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

// Serve answers the listener's connections until Shutdown, and returns nil
// then.
func (s *Server) Serve(ln net.Listener) error {
	return s.http.Serve(&listener{Listener: ln, limit: int64(s.Limits.Connections)})
}

// Polls returns how many polls are being answered, most of them waiting.
func (s *Server) Polls() int64 { return s.polls.Load() }

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
