package server_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// hole is a black hole between the server and its databases: while it is there, nothing
// comes through, and nobody is told. Those who ask give up when their context ends.
type hole struct {
	mu   sync.Mutex
	gone chan struct{} // closed when the hole has gone; nil while there is none
}

func (h *hole) open() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = make(chan struct{})
}

func (h *hole) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.gone)
	h.gone = nil
}

func (h *hole) pass(ctx context.Context) error {
	h.mu.Lock()
	gone := h.gone
	h.mu.Unlock()
	if gone == nil {
		return nil
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// swallowedLog is a log behind a black hole. As in an adapter, nothing but its own
// time-out ends an append.
type swallowedLog struct {
	core.EventLog
	hole *hole
}

func (l swallowedLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := l.hole.pass(ctx); err != nil {
		return err
	}
	return l.EventLog.Append(ctx, at, batches)
}

func (l swallowedLog) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if err := l.hole.pass(ctx); err != nil {
		return nil, err
	}
	return l.EventLog.Read(ctx, stream, scan)
}

func (l swallowedLog) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	if err := l.hole.pass(ctx); err != nil {
		return nil, err
	}
	return l.EventLog.Bounds(ctx, streams)
}

func (c *catalog) KeyByHash(ctx context.Context, hash core.KeyHash) (core.APIKey, error) {
	if err := c.everything.pass(ctx); err != nil {
		return core.APIKey{}, err
	}
	return c.Catalog.KeyByHash(ctx, hash)
}

func (c *catalog) Advance(ctx context.Context, group core.ID, step core.Step) error {
	if err := c.steps.pass(ctx); err != nil {
		return err
	}
	return c.Catalog.Advance(ctx, group, step)
}

// TestEveryRequestEndsWithinItsLimit holds that no wait for others comes on top of a
// request's time, and that an answer never says more than is known.
func TestEveryRequestEndsWithinItsLimit(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]bool{"log and groups": false, "everything": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &hole{}
			f := start(t, withLimits(server.Limits{HandlerTimeout: time.Second}), withLog(func(inner core.EventLog) core.EventLog {
				return swallowedLog{inner, log}
			}))
			f.stream("orders")
			for range 5 {
				_, err := f.client.Publish(t.Context(), "orders", rest.NewEvent{Type: "made", Payload: []byte("1")})
				require.NoError(t, err)
			}
			_, err := f.client.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "mail", Mode: core.Shared, Start: core.Start{Offset: new(core.Offset(0))}})
			require.NoError(t, err)
			lease, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{Limit: 2})
			require.NoError(t, err)
			require.Len(t, lease.Events, 2)

			log.open()
			f.catalog.steps.open()
			if all {
				f.catalog.everything.open()
			}
			f.swallowed(lease)
			log.close()
			f.catalog.steps.close()
			if all {
				f.catalog.everything.close()
			}
			require.Eventually(t, func() bool {
				_, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{})
				return err == nil
			}, patience, 50*time.Millisecond)
			_, err = f.client.Publish(t.Context(), "orders", rest.NewEvent{Type: "made", Payload: []byte("1")})
			require.NoError(t, err)
		})
	}
}

// swallowed makes requests of all kinds, of which each must end in time.
func (f *fixture) swallowed(lease rest.Delivery) {
	ctx := f.t.Context()
	event := rest.NewEvent{Type: "made", Payload: []byte("1"), IdempotencyKey: "1"}
	requests := map[string]func() error{
		"event": func() error { _, err := f.client.Publish(ctx, "orders", event); return err },
		"batch": func() error { _, err := f.client.PublishBatch(ctx, "orders", []rest.NewEvent{event}); return err },
		"page":  func() error { _, err := f.client.EventsPage(ctx, "orders", core.EventQuery{}); return err },
		"poll": func() error {
			_, err := f.client.Poll(ctx, "orders", "mail", rest.PollOptions{Wait: time.Second})
			return err
		},
		"ack": func() error { return f.client.Ack(ctx, "orders", "mail", lease.Lease.ID) },
		"nack": func() error {
			return f.client.Nack(ctx, "orders", "mail", lease.Lease.ID, rest.Nack{Offset: new(core.Offset(1))})
		},
		"reset": func() error {
			_, err := f.client.ResetGroup(ctx, "orders", "mail", core.Start{Offset: new(core.Offset(0))})
			return err
		},
		"commit": func() error {
			_, err := f.client.Commit(ctx, "orders", "mail", rest.CommitRequest{Offset: new(core.Offset(0))})
			return err
		},
	}
	var all sync.WaitGroup
	for range 3 { // the later ones wait for the earlier ones
		for name, request := range requests {
			all.Go(func() {
				begun := time.Now()
				err := request()
				if took := time.Since(begun); took > 15*time.Second || core.CodeOf(err) != core.CodeUnavailable {
					f.t.Errorf("%s: %v after %s, want 503 after 1 to 2 s", name, err, took)
				}
				if err != nil && strings.Contains(err.Error(), "nothing was stored") && strings.Contains(err.Error(), "event_id") {
					f.t.Errorf("%s: an event that was not stored has an id: %v", name, err)
				}
			})
		}
	}
	all.Wait()
}
