package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// fanout measures what producers notice of those who watch, and of upkeep.
func (b *bench) fanout(ctx context.Context) error {
	s, err := startServer(ctx, b.sqliteStore("fanout"))
	if err != nil {
		return err
	}
	ignored := b.posts("POST, 500 unread tails", "post_with_unread_tails", s, "bench")
	ignored.beside = func() (leave func(), err error) { return ignoring(s, unreadTails) }
	rates, err := b.rounded(b.posts("POST", "post_without_tails", s, "bench"), ignored)
	if err != nil {
		return err
	}
	report(figure{Name: "post_with_unread_tails_over_without", Value: ratio(rates[1], rates[0]), Goal: 0.80})
	if err := stopAll(s); err != nil {
		return err
	}
	return b.trimming(ctx)
}

// unreadTails is how many clients follow a stream and read nothing.
const unreadTails = 500

// ignoring has clients follow the stream that read nothing, until they leave.
func ignoring(s *server, tails int) (leave func(), err error) {
	conns := make([]net.Conn, 0, tails)
	leave = func() {
		for _, conn := range conns {
			_ = conn.Close() // it was only there to be ignored
		}
	}
	for range tails {
		conn, err := unread(s)
		if err != nil {
			leave()
			return nil, err
		}
		conns = append(conns, conn)
	}
	return leave, nil
}

// unread begins a tail, and reads no more of it than shows that it has begun.
func unread(s *server) (net.Conn, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(httpRequest("GET", "/api/v1/streams/bench/events/live", s.key, "", nil)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 200"))); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// trimmedEvents is how many events a trim removes while appends are measured.
const trimmedEvents = 50_000

// trimming measures how long appends take while SQLite removes old events.
func (b *bench) trimming(ctx context.Context) (err error) {
	log, err := sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: filepath.Join(b.folder, "trim")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	old, now := core.ID{1}, time.Now().UTC()
	for range trimmedEvents / batchEvents {
		if err := appendTo(ctx, log, old, now.Add(-72*time.Hour), batchEvents); err != nil {
			return err
		}
	}
	quiet, err := appending(ctx, log, time.After(b.slice))
	if err != nil {
		return err
	}
	trimmed := make(chan time.Time, 1)
	var failed error
	begun := time.Now()
	go func() {
		failed = log.Trim(ctx, old, now)
		trimmed <- time.Now()
	}()
	during, err := appending(ctx, log, trimmed)
	note("append p99 %.1f ms, during a trim of %d events in %s %.1f ms, longest %.1f ms", quiet.p99, trimmedEvents, time.Since(begun).Round(time.Millisecond), during.p99, during.longest)
	report(figure{Name: "append_during_trim_p99_ms", Value: round(during.p99), Goal: 50, AtMost: true})
	return errors.Join(err, failed)
}

// appendTo appends events to a stream.
func appendTo(ctx context.Context, log core.Appender, stream core.ID, at time.Time, n int) error {
	at = at.Truncate(time.Microsecond)
	entries := make([]core.Entry, n)
	for i := range entries {
		entries[i].Event = core.Event{ID: core.RandomID(at), Type: "order.paid", Version: 1, OccurredAt: at, Source: "bench", Payload: []byte(payload)}
	}
	return log.Append(ctx, at, []core.Batch{{Org: core.ID{9}, Stream: stream, Entries: entries}})
}

// appended is how long appends took, in milliseconds.
type appended struct{ p99, longest float64 }

// appending appends one event after the other until it is to end.
func appending(ctx context.Context, log core.Appender, end <-chan time.Time) (appended, error) {
	var took []float64
	for {
		begun := time.Now()
		if err := appendTo(ctx, log, core.ID{2}, begun.UTC(), 1); err != nil {
			return appended{}, err
		}
		took = append(took, float64(time.Since(begun))/float64(time.Millisecond))
		select {
		case <-end:
			slices.Sort(took)
			return appended{p99: took[len(took)*99/100], longest: took[len(took)-1]}, nil
		default:
		}
	}
}
