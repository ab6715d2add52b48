package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// archivedEvents is how many events a stream has that is read from an archive.
const archivedEvents = 200_000

// archived measures how fast a group that lags reads old events from an archive, against
// the same events in SQLite. Each round reads the objects anew.
func (b *bench) archived(ctx context.Context) (err error) {
	folder := filepath.Join(b.folder, "archived")
	log, err := sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: folder})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	old := time.Now().UTC().Add(-72 * time.Hour).Truncate(24 * time.Hour)
	hot, cold := core.ID{1}, core.ID{2}
	for range archivedEvents / batchEvents {
		if err := errors.Join(appendTo(ctx, log, hot, old, batchEvents), appendTo(ctx, log, cold, old, batchEvents)); err != nil {
			return err
		}
	}
	segments := memory.NewCatalog()
	open := func() (core.Storage, error) {
		bucket, err := archive.Open("file://"+folder, archive.Keys{})
		return archive.New(log, archive.Options{Segments: segments, Bucket: bucket, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}), err
	}
	tier, err := open()
	if err != nil {
		return err
	}
	begun := time.Now()
	// The last event of a stream keeps its period in the store.
	if err := appendTo(ctx, log, cold, time.Now().UTC(), 1); err != nil {
		return err
	}
	done, err := tier.(core.Tiered).HandOver(ctx, core.ID{9}, cold, time.Now())
	if err != nil {
		return err
	}
	note("%d events handed over in %s, %d objects, %d bytes an event", done.Events, time.Since(begun).Round(time.Millisecond),
		done.Objects, done.Bytes/max(1, done.Events))
	rates, err := b.rounded(
		floor("pages from SQLite", func() (float64, error) { return readThrough(ctx, log, hot) }),
		floor("pages from the archive", func() (float64, error) {
			fresh, err := open()
			if err != nil {
				return 0, err
			}
			return readThrough(ctx, fresh, cold)
		}),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "archive_read_over_hot", Value: ratio(rates[1], rates[0]), Goal: 0.30})
	return nil
}

// readThrough reads a stream page by page, and returns the events a second.
func readThrough(ctx context.Context, log core.Reader, stream core.ID) (float64, error) {
	begun := time.Now()
	for from := core.Offset(0); from < archivedEvents; {
		events, err := log.Read(ctx, stream, core.Scan{From: from, To: archivedEvents, Limit: batchEvents})
		if err != nil {
			return 0, err
		}
		if len(events) == 0 {
			return 0, errors.New("events are missing")
		}
		from = events[len(events)-1].Offset + 1
	}
	rate := archivedEvents / time.Since(begun).Seconds()
	note("%-28s %9.0f/s", "pages of 1,000", rate)
	return rate, nil
}
