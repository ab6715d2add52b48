package server

import (
	"context"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// readiness keeps the last report for a moment. Anybody may ask for it, and
// must not be able to keep the databases busy by asking.
type readiness struct {
	mu     sync.Mutex
	report rest.Health
	at     time.Time
}

// How long a report is kept, and how long the checks may take.
const (
	readyFor     = time.Second
	readyTimeout = 3 * time.Second
)

// getReady answers whether requests can be served. It answers 503 when they
// cannot, and from the moment the server drains.
func (s *Server) getReady(c *call) error {
	report := s.readyReport(c.start)
	if s.draining.Load() {
		report.Status = rest.StatusUnavailable
		report.Checks = map[string]rest.Check{"server": {Status: rest.StatusUnavailable, Message: "is stopping"}}
	}
	status := fasthttp.StatusOK
	if report.Status == rest.StatusUnavailable {
		status = fasthttp.StatusServiceUnavailable
	}
	return c.answerJSON(status, report)
}

func (s *Server) readyReport(now time.Time) rest.Health {
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if s.ready.at.IsZero() || now.Sub(s.ready.at) >= readyFor {
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		s.ready.report, s.ready.at = s.Ready(ctx), time.Now()
	}
	return s.ready.report
}

var live = []byte(`{"status":"` + rest.StatusOK + `"}`)

// getAlive answers that the process answers.
func (s *Server) getAlive(c *call) error {
	c.answer(fasthttp.StatusOK, contentJSON, live)
	return nil
}
