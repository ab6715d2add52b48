package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// census is what is counted in the catalog, for all nodes. It is taken when somebody
// scrapes, and seldom: it reads much, and several may scrape.
type census[T any] struct {
	ask func(context.Context) (T, error)
	// what is counted, for the log.
	what   string
	every  time.Duration
	logger *slog.Logger

	// mu guards what is below. It is not held during a census.
	mu sync.Mutex
	// counted is the newest census. It is not known when the last one failed: old values
	// would look like new ones.
	counted T
	known   bool
	// at is when the newest census that succeeded ended, or when the server started.
	at time.Time
	// next is when there is to be another one. One that failed counts as one that did
	// not: a database in trouble is not asked more often than one in health.
	next time.Time
	// running is closed at the end of the census that is being taken; nil when none is.
	running chan struct{}
}

const (
	censusTimeout = 30 * time.Second
	// censusPatience is how long a scrape waits for a census. After that it has the
	// values of the one before: Prometheus gives a scrape ten seconds for everything.
	censusPatience = 500 * time.Millisecond
)

func newCensus[T any](what string, every time.Duration, logger *slog.Logger, ask func(context.Context) (T, error)) *census[T] {
	return &census[T]{ask: ask, what: what, every: every, logger: logger, at: time.Now()}
}

// count returns the newest census, after a moment for one that is being taken.
func (c *census[T]) count() (counted T, known bool) {
	if running := c.begin(); running != nil {
		patience := time.NewTimer(censusPatience)
		defer patience.Stop()
		select {
		case <-running:
		case <-patience.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counted, c.known
}

// age is the time since the newest census that succeeded, in seconds.
func (c *census[T]) age() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.at).Seconds()
}

// begin begins a census if it is time for one, and returns what ends with the one that is
// being taken.
func (c *census[T]) begin() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil && !time.Now().Before(c.next) {
		c.running = make(chan struct{})
		go c.take(c.running)
	}
	return c.running
}

// take takes a census. One that takes long is taken less often: it may keep the catalog
// busy for a fifth of the time at most.
func (c *census[T]) take(running chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), censusTimeout)
	defer cancel()
	started := time.Now()
	counted, err := c.ask(ctx)
	if err != nil {
		c.logger.Warn("counting for the metrics failed; it will be tried again", "what", c.what, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err == nil {
		c.at = now
	}
	c.counted, c.known = counted, err == nil
	c.next, c.running = now.Add(max(c.every, 4*now.Sub(started))), nil
	close(running)
}
