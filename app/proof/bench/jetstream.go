package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
)

// How the log in JetStream is set up, and how many connections send single events to it.
const (
	natsReplicas       = 3
	natsPartitions     = 1
	clusterConnections = 256
)

// jetstream measures a log on three servers of JetStream against one in PostgreSQL.
func (b *bench) jetstream(ctx context.Context) (err error) {
	onPostgres, err := b.startOnPostgres(ctx, "jetstream")
	if err != nil {
		return err
	}
	nodes, stop, err := startNATS(ctx, filepath.Join(b.folder, "nats"))
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	store := jetstreamtest.URL(nodes, "bench", natsPartitions, natsReplicas)
	if err := jetstream.Init(ctx, store, func(string) {}); err != nil {
		return err
	}
	if err := makeSchema(ctx, b.postgresStore("jetcatalog")); err != nil {
		return err
	}
	onNATS, err := startServer(ctx, store.String(), "EVENTFLOW_CATALOG="+b.postgresStore("jetcatalog"))
	if err != nil {
		return err
	}
	single := *b
	single.connections = clusterConnections
	rates, err := b.rounded(
		b.batches("batch POST on Postgres", "batch_beside_jetstream", onPostgres),
		b.batches("batch POST on JetStream R3", "batch_jetstream_r3", onNATS),
		single.posts("POST on Postgres", "post_beside_jetstream", onPostgres, "bench"),
		single.posts("POST on JetStream R3", "post_jetstream_r3", onNATS, "bench"),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "jetstream_r3_over_postgres", Value: ratio(rates[1], rates[0]), Goal: 0.7})
	report(figure{Name: "jetstream_r3_posts_over_postgres", Value: ratio(rates[3], rates[2]), Goal: 0.6})
	return stopAll(onPostgres, onNATS)
}

// startNATS starts servers of JetStream as processes. stop ends those that were
// started, also after an error.
func startNATS(ctx context.Context, folder string) (nodes []jetstreamtest.Node, stop func() error, err error) {
	var started []*jetstreamtest.Process
	stop = func() (err error) {
		for _, one := range started {
			err = errors.Join(err, one.Kill())
		}
		return err
	}
	program := os.Getenv("EVENTFLOW_TEST_NATS")
	if program == "" {
		return nil, stop, errors.New("EVENTFLOW_TEST_NATS is not set: run `make bench`")
	}
	if nodes, err = jetstreamtest.Nodes(folder, natsReplicas); err != nil {
		return nil, stop, err
	}
	for _, n := range nodes {
		one, err := n.StartBy(program)
		if err != nil {
			return nil, stop, err
		}
		started = append(started, one)
	}
	for _, n := range nodes {
		if err := n.Await(ctx); err != nil {
			return nil, stop, err
		}
	}
	return nodes, stop, nil
}
