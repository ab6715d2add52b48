package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// payload is 300 bytes of JSON, an order as a shop would send it.
const payload = `{"order_id":"ord_8f14e45fceea167a","customer":{"id":"cus_45c48cce2e2d7fbd","plan":"business","country":"AT"},` +
	`"items":[{"sku":"SKU-1001","quantity":2,"price":19.90},{"sku":"SKU-2040","quantity":1,"price":149.00}],` +
	`"total":188.80,"currency":"EUR","paid":true,"coupon":null,"note":"leave at the door"}`

// benchSchema is a schema of ten fields that the payload fits.
const benchSchema = `{"type":"object","required":["order_id","customer","items","total","currency"],"properties":{` +
	`"order_id":{"type":"string","pattern":"^ord_"},"customer":{"type":"object","required":["id"],"properties":{` +
	`"id":{"type":"string"},"plan":{"enum":["free","business"]},"country":{"type":"string","minLength":2,"maxLength":2}}},` +
	`"items":{"type":"array","minItems":1},"total":{"type":"number","minimum":0},"currency":{"type":"string"},` +
	`"paid":{"type":"boolean"},"coupon":{"type":["string","null"]},"note":{"type":"string"}}}`

func event() []byte {
	return []byte(`{"event_type":"order.paid","occurred_at":"2026-01-02T03:04:05Z","subject":"cus_45c48cce2e2d7fbd","payload":` + payload + `}`)
}

// batchEvents is the size of the batches and pages that are measured.
const batchEvents = 1000

func batchBody() []byte {
	events := slices.Repeat([][]byte{event()}, batchEvents)
	return slices.Concat([]byte("["), bytes.Join(events, []byte(",")), []byte("]"))
}

func (b *bench) sqliteStore(name string) string { return "sqlite:" + filepath.Join(b.folder, name) }

func (b *bench) posts(name, figure string, s *server, stream string) measured {
	return b.httpLoad(name, figure, s, b.connections, 202, httpRequest("POST", "/api/v1/streams/"+stream+"/events", s.key, "application/json", event()), 1)
}

// post measures single-event requests.
func (b *bench) post(ctx context.Context) error {
	onPostgres, err := b.startOnPostgres(ctx, "post")
	if err != nil {
		return err
	}
	onSQLite, err := startServer(ctx, b.sqliteStore("post"))
	if err != nil {
		return err
	}
	if err := makeSchema(ctx, b.postgresStore("naive")); err != nil {
		return err
	}
	oneByOne, err := startServer(ctx, "naive"+b.postgresStore("naive")[len("postgres"):], "EVENTFLOW_CATALOG="+b.sqliteStore("naive"))
	if err != nil {
		return err
	}
	if err := createSchemaStream(ctx, onPostgres); err != nil {
		return err
	}
	noop := b.httpLoad("no-op route", "noop", onPostgres, b.connections, 200, httpRequest("GET", "/livez", "", "", nil), 1)
	rates, err := b.rounded(noop, b.posts("POST on Postgres", "post_postgres", onPostgres, "bench"),
		b.posts("POST on Postgres, schema", "post_schema", onPostgres, "schema"),
		b.posts("POST on SQLite", "post_sqlite", onSQLite, "bench"),
		b.posts("transaction per request", "post_naive", oneByOne, "bench"))
	if err != nil {
		return err
	}
	report(figure{Name: "post_postgres_over_noop", Value: ratio(rates[1], rates[0]), Goal: 0.50})
	report(figure{Name: "post_postgres_over_naive", Value: ratio(rates[1], rates[4]), Goal: 30})
	report(figure{Name: "post_sqlite_over_noop", Value: ratio(rates[3], rates[0]), Goal: 0.40})
	report(figure{Name: "post_schema_over_bare", Value: ratio(rates[2], rates[1]), Goal: 0.75})
	return stopAll(onPostgres, onSQLite, oneByOne)
}

func (b *bench) batches(name, figure string, s *server) measured {
	return b.httpLoad(name, figure, s, 4, 202, httpRequest("POST", "/api/v1/streams/bench/events/batch", s.key, "application/json", batchBody()), batchEvents)
}

// batch measures batches of 1,000 against the databases' own bulk loading.
func (b *bench) batch(ctx context.Context) error {
	onPostgres, err := b.startOnPostgres(ctx, "batch")
	if err != nil {
		return err
	}
	onSQLite, err := startServer(ctx, b.sqliteStore("batch"))
	if err != nil {
		return err
	}
	copies, err := newCopier(ctx, b.postgresStore("batch"))
	if err != nil {
		return err
	}
	defer copies.close()
	inserts, err := newInserter(ctx, filepath.Join(b.folder, "insert"))
	if err != nil {
		return err
	}
	defer inserts.close()
	rates, err := b.rounded(
		floor("plain COPY", func() (float64, error) { return b.repeat(ctx, "plain COPY", copies.copy) }),
		b.batches("batch POST on Postgres", "batch_postgres", onPostgres),
		floor("prepared inserts", func() (float64, error) { return b.repeat(ctx, "prepared inserts", inserts.insert) }),
		b.batches("batch POST on SQLite", "batch_sqlite", onSQLite),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "batch_postgres_over_copy", Value: ratio(rates[1], rates[0]), Goal: 0.70})
	report(figure{Name: "batch_sqlite_over_insert", Value: ratio(rates[3], rates[2]), Goal: 0.70})
	return stopAll(onPostgres, onSQLite)
}

// repeat calls a step that handles 1,000 events until the slice is over.
func (b *bench) repeat(ctx context.Context, name string, step func(context.Context) error) (float64, error) {
	if err := step(ctx); err != nil {
		return 0, err
	}
	started, steps := time.Now(), 0
	for time.Since(started) < b.slice {
		if err := step(ctx); err != nil {
			return 0, err
		}
		steps++
	}
	rate := float64(steps*batchEvents) / time.Since(started).Seconds()
	note("%-28s %9.0f/s", name, rate)
	return rate, nil
}

// fill stores n events through the batch route.
func fill(s *server, n int) error {
	l := load{addr: s.addr, status: 202, request: httpRequest("POST", "/api/v1/streams/bench/events/batch", s.key, "application/json", batchBody())}
	return l.send((n + batchEvents - 1) / batchEvents)
}

// pageConnections is how many readers read pages at once.
const pageConnections = 2

// pages reads pages of 1,000 from somewhere in the first n events.
func (b *bench) pages(name, figure string, s *server, n int) measured {
	after := strconv.Itoa(n / 2)
	path := "/api/v1/streams/bench/events?limit=1000&after=" + after
	return b.httpLoad(name, figure, s, pageConnections, 200, httpRequest("GET", path, s.key, "", nil), batchEvents)
}

// read measures pages of 1,000 against a plain SELECT of the same page.
func (b *bench) read(ctx context.Context) error {
	const events = 20_000
	s, err := b.startOnPostgres(ctx, "read")
	if err != nil {
		return err
	}
	if err := fill(s, events); err != nil {
		return err
	}
	selects, err := newSelecter(ctx, b.postgresStore("read"), events/2+1)
	if err != nil {
		return err
	}
	defer selects.close()
	rates, err := b.rounded(
		floor("plain SELECT", func() (float64, error) { return selects.rate(ctx, b.slice, pageConnections) }),
		b.pages("page reads on Postgres", "read_postgres", s, events),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "read_postgres_over_select", Value: ratio(rates[1], rates[0]), Goal: 0.60})
	return stopAll(s)
}

// full measures an empty log against one with many events.
func (b *bench) full(ctx context.Context) error {
	if b.stored == 0 {
		return nil
	}
	empty, err := b.startOnPostgres(ctx, "empty")
	if err != nil {
		return err
	}
	full, err := b.startOnPostgres(ctx, "full")
	if err != nil {
		return err
	}
	const few = 20_000
	if err := fill(empty, few); err != nil {
		return err
	}
	started := time.Now()
	if err := fill(full, b.stored); err != nil {
		return err
	}
	note("stored %d events in %s", b.stored, time.Since(started).Round(time.Second))
	rates, err := b.rounded(b.posts("POST, log empty", "ingest_empty", empty, "bench"), b.posts("POST, log full", "ingest_full", full, "bench"),
		b.pages("pages, log empty", "read_empty", empty, few), b.pages("pages, log full", "read_full", full, b.stored))
	if err != nil {
		return err
	}
	report(figure{Name: fmt.Sprintf("ingest_at_%dm_over_empty", b.stored/1_000_000), Value: ratio(rates[1], rates[0]), Goal: 0.90})
	report(figure{Name: fmt.Sprintf("read_at_%dm_over_empty", b.stored/1_000_000), Value: ratio(rates[3], rates[2]), Goal: 0.90})
	return errors.Join(b.restart(ctx, full), stopAll(empty))
}

// restart kills a server with many events and starts it again.
func (b *bench) restart(ctx context.Context, full *server) error {
	if err := full.process.Process.Kill(); err != nil {
		return err
	}
	_ = full.process.Wait() // it was killed
	again, _, err := launch(ctx, b.postgresStore("full"))
	if err != nil {
		return err
	}
	report(figure{Name: "restart_ms", Value: round(float64(again.started.Microseconds()) / 1000), Goal: 2000, AtMost: true})
	return stopAll(again)
}

// idle measures a server that has nothing to do.
func (b *bench) idle(ctx context.Context) error {
	s, err := startServer(ctx, b.sqliteStore("idle"))
	if err != nil {
		return err
	}
	report(figure{Name: "start_ms", Value: round(float64(s.started.Microseconds()) / 1000), Goal: 300, AtMost: true})
	time.Sleep(2 * time.Second) // idle means: after what a start leaves to the collector
	rss, err := s.rssMiB()
	if err != nil {
		return err
	}
	report(figure{Name: "idle_rss_mib", Value: round(rss), Goal: 64, AtMost: true})
	return stopAll(s)
}

// postgresStore is the URL of a schema of its own in the bench's database.
func (b *bench) postgresStore(schema string) string {
	u, err := url.Parse(b.postgres)
	if err != nil {
		return b.postgres // the server refuses it by name
	}
	query := u.Query()
	query.Set("search_path", "bench_"+schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// startOnPostgres starts a server in a new schema.
func (b *bench) startOnPostgres(ctx context.Context, schema string, settings ...string) (*server, error) {
	if err := makeSchema(ctx, b.postgresStore(schema)); err != nil {
		return nil, err
	}
	return startServer(ctx, b.postgresStore(schema), settings...)
}

func stopAll(servers ...*server) error {
	for _, s := range servers {
		if err := s.stop(); err != nil {
			return err
		}
	}
	return nil
}

// createSchemaStream makes a stream whose payloads must fit a schema.
func createSchemaStream(ctx context.Context, s *server) error {
	_, err := s.client.CreateStream(ctx, core.StreamSpec{Name: "schema", Schema: []byte(benchSchema)})
	return err
}
