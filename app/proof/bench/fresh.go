package main

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// fresh measures page reads on a day's partition that PostgreSQL has gathered no
// statistics of, as after every midnight, against one of which it has.
func (b *bench) fresh(ctx context.Context) error {
	const events = 200_000
	fresh, err := b.startOnPostgres(ctx, "fresh")
	if err != nil {
		return err
	}
	analyzed, err := b.startOnPostgres(ctx, "analyzed")
	if err != nil {
		return err
	}
	for _, s := range []*server{fresh, analyzed} {
		if err := fill(s, batchEvents); err != nil { // makes the day's partition
			return err
		}
	}
	if err := b.inSchema(ctx, "fresh", `do $$ declare part regclass; begin
		for part in select inhrelid from pg_inherits where inhparent = 'events'::regclass loop
			execute format('alter table %s set (autovacuum_enabled = false)', part);
		end loop; end $$`); err != nil {
		return err
	}
	for _, s := range []*server{fresh, analyzed} {
		if err := fill(s, events-batchEvents); err != nil {
			return err
		}
	}
	if err := b.inSchema(ctx, "analyzed", `analyze events`); err != nil {
		return err
	}
	rates, err := b.rounded(b.pages("pages, never analyzed", "read_fresh", fresh, events),
		b.pages("pages, analyzed", "read_analyzed", analyzed, events))
	if err != nil {
		return err
	}
	report(figure{Name: "read_fresh_over_analyzed", Value: ratio(rates[0], rates[1]), Goal: 0.90})
	return stopAll(fresh, analyzed)
}

// inSchema runs a statement in the database of a part.
func (b *bench) inSchema(ctx context.Context, schema, statement string) error {
	conn, err := pgx.Connect(ctx, b.postgresStore(schema))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	_, err = conn.Exec(ctx, statement)
	return err
}
