package app_test

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// archiveOld makes a stream with an event on each of ten days in March, the first eight of
// which are in the archive that a URL names.
func archiveOld(t *testing.T, h home, place string) {
	t.Helper()
	folder, ctx := &url.URL{Scheme: "sqlite", Opaque: filepath.Join(h.folder, "eventflow_data")}, t.Context()
	log, err := sqlite.Open(ctx, folder)
	require.NoError(t, err)
	kept, err := catalog.Open(ctx, folder)
	require.NoError(t, err)
	bucket, err := archive.Open(place, archive.Keys{Access: "me", Secret: "a-secret-that-is-long-enough"})
	require.NoError(t, err)
	tier := archive.New(log, archive.Options{Segments: kept, Bucket: bucket, Logger: slog.New(slog.DiscardHandler)})
	org, err := kept.OldestOrganization(ctx)
	require.NoError(t, err)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	stream := core.Stream{ID: core.RandomID(at), Org: org.ID, Name: "orders", RetentionDays: 3650, Revision: 1, CreatedAt: at, UpdatedAt: at}
	require.NoError(t, kept.CreateStream(ctx, stream))
	for range 10 {
		event := core.Event{ID: core.RandomID(at), Type: "order.paid", Version: 1, OccurredAt: at, Source: "shop", Payload: []byte(`{"n": 1}`)}
		require.NoError(t, tier.Append(ctx, at, []core.Batch{{Org: org.ID, Stream: stream.ID, Entries: []core.Entry{{Event: event}}}}))
		at = at.AddDate(0, 0, 1)
	}
	done, err := tier.(core.Tiered).HandOver(ctx, org.ID, stream.ID, at.AddDate(0, 0, -2))
	require.NoError(t, err)
	require.EqualValues(t, 8, done.Events)
	require.NoError(t, tier.Close())
	require.NoError(t, kept.Close())
}

// What is in the archive is listed, restored, checked and backed up, and nobody overlooks
// it.
func TestTheArchiveIsSeenFromTheCommandLine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must("key", "create", "--label", "one")
	box := filepath.Join(h.folder, "box")
	require.NoError(t, os.Mkdir(box, 0o700))
	archiveOld(t, h, "file://"+box)
	setting := "--archive=file://" + box
	list := h.must("archive", "list", "orders")
	require.Contains(t, list, "/date=2026-03-08/")
	require.Contains(t, list, "8 events in 8 objects")
	require.Contains(t, h.must("archive", "list", "orders", "-o", "json"), `"first_offset":7`)

	restore := []string{"archive", "restore", "orders", "--from", "2026-03-05", "--to", "2026-03-10T00:00:00Z", "--into", "march", setting}
	for range 2 {
		require.Contains(t, h.must(restore...), "march holds 5 events at their offsets, 4 to 8")
	}
	other := h.run([]string{secret}, "archive", "restore", "orders", "--from", "2026-03-05", "--to", "2026-03-06", "--into", "march", setting)
	require.Equal(t, 5, other.code, other.stderr)
	require.Contains(t, other.stderr, "which is not this period")
	nothing := h.run([]string{secret}, "archive", "restore", "orders", "--from", "2025-03-05", "--to", "2025-03-06", "--into", "none", setting)
	require.Equal(t, 4, nothing.code, nothing.stderr)
	wrong := h.run([]string{secret}, "archive", "restore", "orders", "--from", "yesterday", "--to", "2025-03-06", "--into", "none", setting)
	require.Equal(t, 2, wrong.code, wrong.stderr)

	made := h.must("backup", "a.backup", setting)
	restored := h.must("restore", "a.backup", "--to", "sqlite:./b", setting)
	require.Equal(t, sumIn(t, made), sumIn(t, restored))
	require.Contains(t, h.must("doctor", setting), "8 objects with 8 events are as they were written")
	require.NotContains(t, h.must("doctor", setting, "--store=sqlite:./b"), "8 objects", "what was restored is in the store")

	for _, command := range [][]string{{"backup", "b.backup"}, {"serve", "--addr=127.0.0.1:0"}} {
		refused := h.run([]string{secret}, command...)
		require.NotZero(t, refused.code)
		require.Contains(t, refused.stderr, "old events of this installation are in an archive")
	}
	files, err := filepath.Glob(filepath.Join(box, "*", "*", "date=2026-03-03", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], []byte("something else"), 0o600))
	damaged := h.run([]string{secret}, "doctor", setting)
	require.Equal(t, 1, damaged.code)
	require.Contains(t, damaged.stdout, filepath.Base(files[0]))
}
