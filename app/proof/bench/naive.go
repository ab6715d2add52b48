package main

import (
	"context"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/core"
)

// naive is the store that group commit is compared with: one transaction of
// four statements for each event, through the same server.
type naive struct {
	core.Storage
	pool *pgxpool.Pool
}

// naiveConnections is how many transactions the naive store runs at once.
const naiveConnections = 16

const naiveTables = `
create table naive_heads (stream uuid primary key, next_offset bigint not null);
create table naive_events (stream uuid, "offset" bigint, id uuid, type text, version int, occurred_at timestamptz,
	received_at timestamptz, source text, payload json, primary key (stream, "offset"))`

func openNaive(ctx context.Context, u *url.URL) (core.Storage, error) {
	target := *u
	target.Scheme = "postgres"
	storage, err := postgres.Open(ctx, &target)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, target.String())
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, naiveTables)
	return naive{storage, pool}, err
}

// Append implements core.Appender, a transaction for each event.
func (n naive) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	transactions, ctx := errgroup.WithContext(ctx)
	transactions.SetLimit(naiveConnections)
	for _, batch := range batches {
		for i := range batch.Entries {
			transactions.Go(func() error { return n.one(ctx, batch.Stream, at, &batch.Entries[i]) })
		}
	}
	return transactions.Wait()
}

func (n naive) one(ctx context.Context, stream core.ID, at time.Time, entry *core.Entry) error {
	return pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `insert into naive_heads values ($1, 1)
			on conflict (stream) do update set next_offset = naive_heads.next_offset + 1
			returning next_offset - 1`, [16]byte(stream)).Scan(&entry.Offset)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into naive_events values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			[16]byte(stream), entry.Offset, [16]byte(entry.ID), entry.Type, entry.Version, entry.OccurredAt, at, entry.Source, string(entry.Payload))
		return err
	})
}

// Close implements core.Storage.
func (n naive) Close() error {
	n.pool.Close()
	return n.Storage.Close()
}
