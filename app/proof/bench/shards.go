package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// shards measures what it costs to have two primaries behind one server, against one
// primary, and what is left to the streams of two shards while a third one is away.
func (b *bench) shards(ctx context.Context) (err error) {
	var clusters []*pgtest.Cluster
	var stops []func()
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	for range 3 {
		cluster, stop, err := startPostgres(ctx)
		if err != nil {
			return err
		}
		clusters, stops = append(clusters, cluster), append(stops, stop)
	}
	return errors.Join(b.overShards(ctx, clusters[:2]), b.oneDown(ctx, clusters))
}

func startPostgres(ctx context.Context) (*pgtest.Cluster, func(), error) {
	folder, err := os.MkdirTemp("", "eventflow-bench-")
	if err != nil {
		return nil, nil, err
	}
	cluster, err := pgtest.Start(ctx, folder)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(folder))
	}
	return cluster, func() {
		if err := errors.Join(cluster.Stop(), os.RemoveAll(folder)); err != nil {
			note("stopping a cluster: %v", err)
		}
	}, nil
}

// shardedStore is a store of a schema on each of the clusters.
func shardedStore(ctx context.Context, schema string, clusters ...*pgtest.Cluster) (string, error) {
	urls := make([]string, len(clusters))
	for i, cluster := range clusters {
		urls[i] = cluster.URL() + "&search_path=" + schema
		if err := makeSchema(ctx, urls[i]); err != nil {
			return "", err
		}
	}
	if len(urls) == 1 {
		return urls[0], nil
	}
	return "sharded:" + strings.Join(urls, ","), nil
}

// startOnShards starts a server with a stream on each shard, s0, s1 and so on; on one
// primary it has as many.
func startOnShards(ctx context.Context, schema string, streams int, clusters ...*pgtest.Cluster) (*server, error) {
	store, err := shardedStore(ctx, schema, clusters...)
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, store)
	if err != nil {
		return nil, err
	}
	for i := range streams {
		spec := core.StreamSpec{Name: fmt.Sprintf("s%d", i)}
		if len(clusters) > 1 {
			spec.Shard = &i
		}
		if _, err := s.client.CreateStream(ctx, spec); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// overShards compares two primaries with one, for single events and for batches. Two
// processors cannot show a gain: what is looked for is a loss.
func (b *bench) overShards(ctx context.Context, clusters []*pgtest.Cluster) error {
	one, err := startOnShards(ctx, "one", 2, clusters[0])
	if err != nil {
		return err
	}
	two, err := startOnShards(ctx, "two", 2, clusters...)
	if err != nil {
		return err
	}
	rates, err := b.rounded(
		b.toStreams("POST, one primary", one, b.connections/2, "events", event(), 1, 0, 1),
		b.toStreams("POST, two primaries", two, b.connections/2, "events", event(), 1, 0, 1),
		b.toStreams("batch POST, one primary", one, 2, "events/batch", batchBody(), batchEvents, 0, 1),
		b.toStreams("batch POST, two primaries", two, 2, "events/batch", batchBody(), batchEvents, 0, 1),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "sharded2_over_one", Value: ratio(rates[1], rates[0]), Goal: 0.90})
	report(figure{Name: "sharded2_over_one_batch", Value: ratio(rates[3], rates[2]), Goal: 0.90})
	return stopAll(one, two)
}

// toStreams sends to several streams at once, with so many connections each, and sums up.
func (b *bench) toStreams(name string, s *server, connections int, route string, body []byte, per float64, streams ...int) measured {
	return measured{name: name, run: func() (outcome, error) {
		results, errs := make([]result, len(streams)), make([]error, len(streams))
		var all sync.WaitGroup
		for i, stream := range streams {
			request := httpRequest("POST", fmt.Sprintf("/api/v1/streams/s%d/%s", stream, route), s.key, "application/json", body)
			all.Go(func() {
				results[i], errs[i] = load{addr: s.addr, connections: connections, request: request, status: 202}.run(b.slice)
			})
		}
		all.Wait()
		var sum outcome
		for _, one := range results {
			sum.rate += one.perSecond * per
			sum.events += float64(one.answered) * per
		}
		note("%-28s %9.0f/s", name, sum.rate)
		return sum, errors.Join(errs...)
	}}
}

// oneDown kills the third of three primaries again and again, and measures the streams of
// the other two. Its own stream's producers go on asking. It comes back each time, and the
// server has to find that out by itself.
func (b *bench) oneDown(ctx context.Context, clusters []*pgtest.Cluster) error {
	s, err := startOnShards(ctx, "three", 3, clusters...)
	if err != nil {
		return err
	}
	all := b.toStreams("POST, three of three shards", s, 64, "events", event(), 1, 0, 1)
	all.beside = func() (func(), error) { return b.besides(s), nil }
	down := b.toStreams("POST, two of three shards", s, 64, "events", event(), 1, 0, 1)
	down.beside = func() (func(), error) {
		clusters[2].Kill()
		if err := namesShard(ctx, s, 2); err != nil {
			return nil, err
		}
		stop := b.besides(s)
		return func() {
			stop()
			if err := errors.Join(clusters[2].Restart(ctx), back(ctx, s, "s2")); err != nil {
				note("the shard did not come back: %v", err)
			}
		}, nil
	}
	rates, err := b.rounded(all, down)
	if err != nil {
		return err
	}
	report(figure{Name: "shards_one_down_over_all", Value: ratio(rates[1], rates[0]), Goal: 0.90})
	return stopAll(s)
}

// besides has producers of the third shard's stream send, whatever they are answered. They
// come back ten times as soon as a refusal tells them to.
func (b *bench) besides(s *server) (stop func()) {
	request := httpRequest("POST", "/api/v1/streams/s2/events", s.key, "application/json", event())
	var sending sync.WaitGroup
	sending.Go(func() {
		turnedAway := load{addr: s.addr, connections: 64, request: request, status: 202, patient: true, rest: 100 * time.Millisecond}
		_, _ = turnedAway.run(b.slice) // counts for nothing
	})
	return sending.Wait
}

// namesShard waits until health says which shard is away, while the server stays ready.
func namesShard(ctx context.Context, s *server, shard int) error {
	want := fmt.Sprintf("shard %d of the store cannot be reached: its streams have to wait, all others go on", shard)
	return eventually("health names the shard that is away", func() error {
		health, err := s.client.Health(ctx)
		if err == nil && (health.Status != "degraded" || health.Checks["store"].Message != want) {
			err = fmt.Errorf("it says %s: %s", health.Status, health.Checks["store"].Message)
		}
		return err
	})
}

// back waits until a stream can be written to again.
func back(ctx context.Context, s *server, stream string) error {
	begun := time.Now()
	request := load{addr: s.addr, status: 202, request: httpRequest("POST", "/api/v1/streams/"+stream+"/events", s.key, "application/json", event())}
	err := eventually("the shard takes events again", func() error { return errors.Join(ctx.Err(), request.send(1)) })
	note("a shard that was away took events again %s after it answered", time.Since(begun).Round(time.Millisecond))
	return err
}

// eventually tries for a minute.
func eventually(what string, try func() error) (err error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err = try(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}
