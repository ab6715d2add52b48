package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// A partition is full long before autovacuum has looked at it for the first time,
// every day anew. Nothing that a client waits for may depend on such statistics:
// every statement finds its rows by an index and in its order, whatever the
// planner believes about the tables, and whether it knows the arguments or plans
// once for all of them.
func TestNoPlanNeedsStatistics(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	s := openStorage(t, u)
	unanalyzed := newUnanalyzed(t, s)
	seen := &statements{of: map[string][]any{}}
	config := s.pool.Config()
	config.ConnConfig.Tracer = seen
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	plain := s.pool
	t.Cleanup(plain.Close)
	s.pool = traced
	unanalyzed.visit(t, s)
	unanalyzed.neverAnalyzed(t, plain)
	require.Greater(t, len(seen.of), 15)
	for sql, args := range inAdvance {
		seen.keep(sql, args)
	}
	seen.hold(t, t.Context(), plain)
	seen.hold(t, core.ContextWithOrganization(t.Context(), unanalyzed.org), plain)
}

// statements gathers what a pool is asked, with the arguments of the last time.
type statements struct {
	mu sync.Mutex
	of map[string][]any
}

// hold has every statement planned in a session as it is given to a context.
func (s *statements) hold(t *testing.T, ctx context.Context, pool *pgxpool.Pool) { //nolint:revive // t comes first in tests
	t.Helper()
	conn, err := pool.Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	for sql, args := range s.of {
		if !core.OrganizationOf(ctx).IsZero() && !readsForTenants(sql) {
			continue
		}
		for how, plan := range plans(t, conn, sql, args) {
			require.NotRegexp(t, reads, plan, "%s: %s", how, sql)
			if !maySort.MatchString(sql) {
				require.NotRegexp(t, sorts, plan, "%s: %s", how, sql)
			}
			require.NotContains(t, plan, "JIT:", "%s: %s", how, sql)
		}
	}
}

// inAdvance are the statements within eventflow_advance, which no client sends.
var inAdvance = map[string][]any{
	`update heads set next_offset = next_offset + $3, last_at = $4
		where stream = $1 and next_offset = $2 and (last_at is null or last_at <= $4)`: {[16]byte{3}, 1, 1, time.Now()},
	`select exists (select from segments where stream = $1 and day = $2)`: {[16]byte{3}, 20_000},
}

// reads is a step that reads more than what is asked for, and sorts one that puts
// it in order. Only few statements may sort: they sort their arguments, the rows
// that these name, and the days.
var (
	reads   = regexp.MustCompile(`Seq Scan on|Bitmap|Hash Join|Merge Join`)
	sorts   = regexp.MustCompile(`(?m)^\W*Sort {2}`)
	maySort = regexp.MustCompile(`unnest|for update|pg_inherits`)
)

// readsForTenants reports whether a statement is ever run for one organization.
func readsForTenants(sql string) bool {
	return strings.HasPrefix(sql, "select") && !strings.Contains(sql, "event_keys") && !strings.Contains(sql, "for update")
}

// unanalyzed is a log of two full days of which no statistics were gathered.
type unanalyzed struct {
	org, stream core.ID
	days        []time.Time
}

func newUnanalyzed(t *testing.T, s *Storage) *unanalyzed {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := &unanalyzed{org: core.ID{1}, stream: core.ID{3}, days: []time.Time{at, at.AddDate(0, 0, 1)}}
	for _, day := range f.days {
		_, err := s.pool.Exec(t.Context(), `select eventflow_partition($1)`, dayOf(day))
		require.NoError(t, err)
	}
	_, err := s.pool.Exec(t.Context(), `do $$ declare part regclass; begin
		for part in select oid from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' loop
			execute format('alter table %s set (autovacuum_enabled = false)', part);
		end loop; end $$`)
	require.NoError(t, err)
	for d, day := range f.days {
		for i := range 20 {
			require.NoError(t, s.Append(t.Context(), day.Add(time.Duration(i)*time.Second), []core.Batch{f.batch(f.stream, d, i, 500), f.batch(core.ID{4}, d, i, 50)}))
		}
	}
	return f
}

func (f *unanalyzed) batch(stream core.ID, d, i, n int) core.Batch {
	batch := core.Batch{Org: f.org, Stream: stream}
	for j := range n {
		event := core.Event{ID: core.ID{byte(d), byte(i), byte(j), byte(j >> 8), stream[0]}, Type: "made", Version: 1, Payload: []byte(`{"some":"payload"}`)}
		if j < 50 {
			event.IdempotencyKey = fmt.Sprint(stream[0], d, i, j)
		}
		batch.Entries = append(batch.Entries, core.Entry{Event: event})
	}
	return batch
}

// visit does all that clients wait for, in every form that makes a statement of
// its own.
func (f *unanalyzed) visit(t *testing.T, s *Storage) {
	t.Helper()
	ctx := t.Context()
	for _, scan := range []core.Scan{
		{From: 7, Limit: 100},
		{From: 7, To: 5000, Limit: 100},
		{Backward: true, Limit: 100},
		{Backward: true, To: 9000, Limit: 100},
		{From: 7, Limit: 100, Filter: core.Filter{Type: "made"}},
		{From: 7, To: 20_000, Limit: 100, Filter: core.Filter{ID: core.ID{1}}},
		{Limit: 20_000},
	} {
		_, err := s.Read(ctx, f.stream, scan)
		require.NoError(t, err)
	}
	at := core.Position{ReceivedAt: f.days[0].Add(3 * time.Second), Stream: f.stream, Offset: 10}
	end := core.Position{ReceivedAt: f.days[1].Add(3 * time.Second), Stream: f.stream, Offset: 10}
	for _, scan := range []core.AllScan{{Limit: 100}, {Limit: 100, Backward: true}, {After: at, Before: end, Limit: 100}, {Before: end, Backward: true, Limit: 100}} {
		_, err := s.ReadAll(ctx, f.org, scan)
		require.NoError(t, err)
	}
	_, err := s.Bounds(ctx, []core.ID{f.stream, {4}})
	require.NoError(t, err)
	_, err = s.OffsetAt(ctx, f.stream, at.ReceivedAt)
	require.NoError(t, err)
	last := f.days[1].Add(time.Minute)
	require.NoError(t, s.Append(ctx, last, []core.Batch{f.batch(core.ID{5}, 1, 0, 500)})) // a new stream
	s.heads.contend([]core.ID{f.stream})
	require.NoError(t, s.Append(ctx, last, []core.Batch{f.batch(f.stream, 1, 0, 500)})) // known keys
	require.NoError(t, s.Append(ctx, last, []core.Batch{f.batch(f.stream, 2, 0, 500)}))
}

// neverAnalyzed holds the log to what it is for.
func (*unanalyzed) neverAnalyzed(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var analyzed int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from pg_statistic join pg_class on pg_class.oid = starelid
		where relnamespace = current_schema()::regnamespace`).Scan(&analyzed))
	require.Zero(t, analyzed)
}

// plans is how PostgreSQL goes about a statement with these arguments, and with
// any.
func plans(t *testing.T, conn *pgxpool.Conn, sql string, args []any) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "explain "+sql, append([]any{pgx.QueryExecModeDescribeExec}, args...)...)
	require.NoError(t, err, sql)
	custom, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err, sql)
	found := map[string]string{"with its arguments": strings.Join(custom, "\n")}
	if len(args) > 0 {
		nulls := strings.TrimSuffix(strings.Repeat("null,", len(args)), ",")
		_, err := conn.Conn().PgConn().Exec(t.Context(), "set plan_cache_mode = force_generic_plan; prepare for_all as "+sql).ReadAll()
		require.NoError(t, err, sql)
		results, err := conn.Conn().PgConn().Exec(t.Context(), "explain execute for_all ("+nulls+")").ReadAll()
		require.NoError(t, err, sql)
		var generic []string
		for _, row := range results[0].Rows {
			generic = append(generic, string(row[0]))
		}
		found["with any arguments"] = strings.Join(generic, "\n")
		_, err = conn.Conn().PgConn().Exec(t.Context(), "deallocate for_all; reset plan_cache_mode").ReadAll()
		require.NoError(t, err)
	}
	return found
}

func (s *statements) keep(sql string, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range []string{"select", "insert", "update", "delete", "with"} {
		if strings.HasPrefix(sql, word) && !strings.Contains(sql, "set_config") {
			s.of[sql] = args
		}
	}
}

// TraceQueryStart implements [pgx.QueryTracer].
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.keep(data.SQL, data.Args)
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements [pgx.BatchTracer].
func (*statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.keep(data.SQL, data.Args)
}

// TraceBatchEnd implements [pgx.BatchTracer].
func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
