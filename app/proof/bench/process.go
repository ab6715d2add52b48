package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// How many events the measurements of processors are about.
const (
	routedEvents    = 100_000
	webhookEvents   = 20_000
	hostileCount    = 100
	webhookParallel = 64
)

// process measures processors: events into another stream against events that come by
// HTTP, webhooks one by one, how soon an event is on its way, and what hostile
// expressions take from producers.
func (b *bench) process(ctx context.Context) error {
	s, err := startServer(ctx, b.sqliteStore("process"), "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true")
	if err != nil {
		return err
	}
	if err := fill(s, routedEvents); err != nil {
		return err
	}
	if err := b.routes(ctx, s); err != nil {
		return err
	}
	to, err := receive()
	if err != nil {
		return err
	}
	defer to.close()
	if err := b.webhooks(ctx, s, to); err != nil {
		return err
	}
	if err := b.webhookLatency(ctx, s, to); err != nil {
		return err
	}
	if err := b.hostile(ctx, s); err != nil {
		return err
	}
	return stopAll(s)
}

// routes measures a processor that copies a stream as it is.
func (b *bench) routes(ctx context.Context, s *server) error {
	round := 0
	rates, err := b.rounded(
		b.batches("batch POST on SQLite", "batch_beside_route", s),
		measured{name: "stream to stream", of: s, figure: "route", run: func() (outcome, error) {
			round++
			name := "copy-" + strconv.Itoa(round)
			if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: name}); err != nil {
				return outcome{}, err
			}
			return b.drained(ctx, s, name, routedEvents, map[string]any{"type": "stream", "stream": name}, nil)
		}})
	if err != nil {
		return err
	}
	report(figure{Name: "route_over_batch", Value: ratio(rates[1], rates[0]), Goal: 0.5})
	return nil
}

// drained makes a processor that is so many events behind, and returns the rate at which
// it works them off. change may be nil.
func (b *bench) drained(ctx context.Context, s *server, name string, n int, to map[string]any, change func(*core.ProcessorSpec)) (outcome, error) {
	status, err := s.client.StreamStats(ctx, "bench")
	if err != nil {
		return outcome{}, err
	}
	destination, err := json.Marshal(to)
	if err != nil {
		return outcome{}, err
	}
	from := status.NextOffset - core.Offset(n)
	spec := core.ProcessorSpec{Destination: destination, Start: &core.Start{Offset: &from}}
	spec.Name = name
	if change != nil {
		change(&spec)
	}
	began := time.Now()
	if _, err := s.client.CreateProcessor(ctx, "bench", spec); err != nil {
		return outcome{}, err
	}
	for {
		lag, err := s.client.Lag(ctx, "bench", name)
		if err != nil {
			return outcome{}, err
		}
		if lag.Lag == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(began)
	rate := float64(n) / took.Seconds()
	note("%-28s %9.0f/s", name, rate)
	return outcome{rate, float64(n)}, s.client.DeleteProcessor(ctx, "bench", name, 0)
}

// receiver takes webhooks.
type receiver struct {
	url      string
	server   *http.Server
	arrivals chan time.Time
}

func receive() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/", arrivals: make(chan time.Time, latencyEvents)}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case r.arrivals <- time.Now():
		default:
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	go r.server.Serve(listener) //nolint:errcheck // close ends it
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

// webhooks measures single deliveries.
func (b *bench) webhooks(ctx context.Context, s *server, to *receiver) error {
	round := 0
	rates, err := b.rounded(measured{name: "webhooks", of: s, figure: "webhook", run: func() (outcome, error) {
		round++
		settings := map[string]any{"type": "webhook", "url": to.url, "parallel": webhookParallel}
		return b.drained(ctx, s, "webhook-"+strconv.Itoa(round), webhookEvents, settings, nil)
	}})
	if err != nil {
		return err
	}
	report(figure{Name: "webhook_deliveries_per_second", Value: math.Round(median(rates[0])), Goal: 5000})
	return nil
}

// webhookLatency measures how long it takes from the producer's request to the webhook's.
func (b *bench) webhookLatency(ctx context.Context, s *server, to *receiver) error {
	if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: "quiet"}); err != nil {
		return err
	}
	destination, err := json.Marshal(map[string]any{"type": "webhook", "url": to.url})
	if err != nil {
		return err
	}
	spec := core.ProcessorSpec{Destination: destination}
	spec.Name = "soon"
	if _, err := s.client.CreateProcessor(ctx, "quiet", spec); err != nil {
		return err
	}
	for len(to.arrivals) > 0 {
		<-to.arrivals
	}
	p99, err := publishing(ctx, s, to.arrivals)
	if err != nil {
		return err
	}
	report(figure{Name: "publish_to_webhook_p99_ms", Value: p99, Goal: 10, AtMost: true})
	return nil
}

// hostile measures a producer beside processors whose expressions never end by
// themselves.
func (b *bench) hostile(ctx context.Context, s *server) error {
	if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: "victim"}); err != nil {
		return err
	}
	alone := b.posts("POST alone", "post_alone", s, "victim")
	beside := b.posts("POST beside hostile ones", "post_beside_hostile", s, "victim")
	beside.beside = func() (func(), error) { return b.attackByExpressions(ctx, s) }
	rates, err := b.rounded(alone, beside)
	if err != nil {
		return err
	}
	report(figure{Name: "post_with_100_hostile_processors_over_without", Value: ratio(rates[1], rates[0]), Goal: 0.9})
	return nil
}

// attackByExpressions starts processors that work on everything in the stream.
func (b *bench) attackByExpressions(ctx context.Context, s *server) (stop func(), err error) {
	var names []string
	stop = func() {
		for _, name := range names {
			if err := s.client.DeleteProcessor(ctx, "bench", name, 0); err != nil {
				note("%s: %v", name, err)
			}
		}
	}
	for i := range hostileCount {
		spec := core.ProcessorSpec{
			// The event that a transform is tried with has no order, so it passes.
			Destination: []byte(`{"type":"log"}`), Start: &core.Start{},
			Transform: `def f: if . > 1e12 then . else (. + 1 | f) end; .payload = {n: (if .payload.order_id then (0 | f) else 0 end)}`,
		}
		spec.Name = fmt.Sprintf("hostile-%d", i)
		if _, err := s.client.CreateProcessor(ctx, "bench", spec); err != nil {
			return stop, err
		}
		names = append(names, spec.Name)
	}
	return stop, nil
}
