package server

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// Server answers HTTP requests. [New] makes one.
type Server struct {
	Options
	http     *fasthttp.Server
	routes   fasthttp.RequestHandler
	table    []route // because handlers, which it names, ask what it allows
	uploads  *pool   // memory for bodies
	lasting  *pool   // connections of requests that last
	draining atomic.Bool
	rates    atomic.Pointer[Rates] // instead of those of Options, see SetRates
	deadline deadline
	ready    readiness
	// tails are the live tails, and the exports that end with their connection.
	// Shutdown waits for them here: fasthttp has handed over their connections and
	// does not know them any more.
	tails  sync.WaitGroup
	frames frames
	polls  atomic.Int64
}

// New returns a server, to be started by [Server.Serve].
func New(options Options) *Server {
	options.Limits = options.Limits.withDefaults()
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{Options: options, table: table}
	s.SetRates(options.Rates)
	s.uploads = newPool(core.ShareUploads, options.Limits.InflightBytes, core.MaxBatchBytes,
		"the server is handling as many requests as it can; slow down and try again", time.Second)
	s.lasting = newPool(core.ShareLasting, int64(options.Limits.Connections), 1,
		"the server is answering as many requests that last as it can; try again later", 5*time.Second)
	s.deadline.after = options.Limits.HandlerTimeout
	app := s.newApp()
	s.routes = app.Handler()
	s.http = app.Server()
	s.http.Handler = s.serve
	s.http.ExpectHandler = s.expect
	s.http.ErrorHandler = s.refuse
	s.http.ConnState = follow
	s.http.CloseOnShutdown = true
	s.http.SecureErrorLogMessage = true
	return s
}

// Serve answers the connections of a listener until [Server.Shutdown], and then
// returns nil.
func (s *Server) Serve(ln net.Listener) error {
	return s.http.Serve(listen(ln, &s.Limits, s.Logger))
}

// Polls returns how many polls are being answered. Most of them wait for
// events.
func (s *Server) Polls() int64 { return s.polls.Load() }

// Drain makes the server report that it is not ready, so that it is sent no new
// requests. It still answers requests, and closes each connection after the
// next answer.
//
// Polls that wait and live tails end. Their clients come back, to another node.
func (s *Server) Drain() {
	if s.draining.Swap(true) {
		return
	}
	s.Delivery.Consumers.Close()
	s.Tails.Close()
}

// Shutdown drains the server and refuses new connections. It returns when all
// requests in flight are answered. If ctx ends first, it returns the error of
// ctx.
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
