package app

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// bench measures how fast a server stores events.
type bench struct {
	client             *rest.Client
	stream             string
	duration           time.Duration
	connections, batch int
	size               int // bytes of a payload
}

// measured is what a measurement has found. Times are in milliseconds.
type measured struct {
	Events    int64   `json:"events"`
	Requests  int64   `json:"requests"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"events_per_second"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	// Errors are the requests that failed, by the code of their error.
	Errors map[string]int64 `json:"errors,omitempty"`
}

// noAnswer stands for the code of a request that got none.
const noAnswer = "NO_ANSWER"

// run sends until the time is up, or ctx ends.
func (b *bench) run(ctx context.Context) measured {
	started := time.Now()
	until, cancel := context.WithTimeout(ctx, b.duration)
	defer cancel()
	var mu sync.Mutex // guards all, which each connection adds to when it has ended
	all := tally{errors: map[string]int64{}}
	var group sync.WaitGroup
	for range b.connections {
		group.Go(func() {
			one := b.send(until)
			mu.Lock()
			defer mu.Unlock()
			all.add(one)
		})
	}
	group.Wait()
	return all.measured(time.Since(started))
}

// send is what one connection does. A request that was begun in time is waited for.
func (b *bench) send(until context.Context) tally {
	one := tally{errors: map[string]int64{}}
	event := rest.NewEvent{Type: "bench.event", Payload: []byte(`{"filling":"` + strings.Repeat("x", b.size-minBenchSize) + `"}`)}
	events := make([]rest.NewEvent, b.batch)
	for i := range events {
		events[i] = event
	}
	for until.Err() == nil {
		began := time.Now()
		stored, err := b.request(context.WithoutCancel(until), events)
		if err == nil {
			one.events += stored
			one.took.note(time.Since(began))
			continue
		}
		code, wait := failure(err)
		one.errors[code]++
		if !retryable(code) {
			return one // the next one fails as well
		}
		pause(until, wait)
	}
	return one
}

// requestTimeout bounds a request to a server that hangs.
const requestTimeout = 30 * time.Second

func (b *bench) request(ctx context.Context, events []rest.NewEvent) (stored int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if len(events) == 1 {
		_, err := b.client.Publish(ctx, b.stream, events[0])
		return 1, err
	}
	result, err := b.client.PublishBatch(ctx, b.stream, events)
	for i := range result.Results {
		if result.Results[i].Error == nil {
			stored++
		} else if err == nil && stored == 0 {
			err = &core.Error{Code: result.Results[i].Error.Code, Message: result.Results[i].Error.Message}
		}
	}
	if stored > 0 {
		err = nil
	}
	return stored, err
}

// failure returns the code of a request's error, and how long to wait after it.
func failure(err error) (code string, wait time.Duration) {
	const moment = 100 * time.Millisecond
	known, ok := errors.AsType[*core.Error](err)
	if !ok {
		return noAnswer, moment
	}
	return string(known.Code), max(known.RetryAfter, moment)
}

// retryable reports whether another request may fare better.
func retryable(code string) bool {
	switch core.Code(code) {
	case core.CodeRateLimited, core.CodeUnavailable, core.CodeStorageFull, noAnswer:
		return true
	}
	return false
}

// tally is what one connection, or all, have counted.
type tally struct {
	events int64
	took   histogram
	errors map[string]int64
}

func (t *tally) add(other tally) {
	t.events += other.events
	for code, n := range other.errors {
		t.errors[code] += n
	}
	for i := range other.took.counts {
		t.took.counts[i] += other.took.counts[i]
	}
	t.took.max = max(t.took.max, other.took.max)
}

func (t *tally) measured(took time.Duration) measured {
	m := measured{
		Events: t.events, Requests: t.took.total(), Seconds: took.Seconds(), PerSecond: float64(t.events) / took.Seconds(),
		P50: inMillis(t.took.quantile(0.50)), P95: inMillis(t.took.quantile(0.95)), P99: inMillis(t.took.quantile(0.99)), Max: inMillis(t.took.max),
	}
	if len(t.errors) > 0 {
		m.Errors = t.errors
	}
	return m
}

func inMillis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// histogram counts durations in buckets, each a sixteenth of a power of two wide, so
// that any number of them takes little memory.
type histogram struct {
	counts [64 * 16]int64
	max    time.Duration
}

func (h *histogram) note(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.max = max(h.max, d)
}

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 16))
	power := bits.Len64(n) - 1
	return power*16 + int(n>>(power-4)&15)
}

// upper is the longest duration of a bucket.
func upper(bucket int) time.Duration {
	power, part := bucket/16, bucket%16
	return time.Duration((16+part+1)<<(power-4)) - 1
}

func (h *histogram) total() (n int64) {
	for _, count := range &h.counts {
		n += count
	}
	return n
}

// quantile returns a duration that a part of all does not exceed.
func (h *histogram) quantile(part float64) time.Duration {
	wanted, seen := int64(part*float64(h.total())+0.5), int64(0)
	for bucket, n := range &h.counts {
		if seen += n; n > 0 && seen >= wanted {
			return min(upper(bucket), h.max)
		}
	}
	return h.max
}
