package eventlog_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// archived is a stream with an archive in a folder.
type archived struct {
	*bounded
	folder string
	handed []core.HandedOver
}

func newArchived(t *testing.T, stream core.Stream) *archived {
	t.Helper()
	a := &archived{bounded: newBounded(t, stream), folder: filepath.Join(t.TempDir(), "archive")}
	require.NoError(t, os.Mkdir(a.folder, 0o700))
	bucket, err := archive.Open("file://"+a.folder, archive.Keys{})
	require.NoError(t, err)
	a.log = archive.New(a.log, archive.Options{Segments: a.catalog, Bucket: bucket, Logger: slog.New(slog.DiscardHandler)})
	ports := a.retention.RetentionPorts
	ports.Log, ports.Archive, ports.HotDays = a.log, a.log.(core.Tiered), 7
	ports.HandedOver = func(done core.HandedOver) { a.handed = append(a.handed, done) }
	a.retention = eventlog.NewRetention(ports)
	return a
}

// days stores an event of 100 bytes at noon on so many days, the last one today.
func (a *archived) days(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if i > 0 {
			a.now = a.now.AddDate(0, 0, 1)
		}
		a.append(t, 1, 100)
	}
}

func (a *archived) there(t *testing.T) core.Archived {
	t.Helper()
	there, err := a.log.(core.Tiered).Archived(t.Context(), []core.ID{a.stream.ID})
	require.NoError(t, err)
	return there[0]
}

// objects counts the files in the archive.
func (a *archived) objects(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(a.folder, "*", "*", "*", "*.ndjson.gz"))
	require.NoError(t, err)
	return len(files)
}

func TestOldEventsGoIntoTheArchiveAndThenForGood(t *testing.T) {
	t.Parallel()
	a := newArchived(t, core.Stream{RetentionDays: 20})
	a.days(t, 12)
	require.Zero(t, a.sweep(t), "a reader sees all of them")
	require.EqualValues(t, 4, a.there(t).Next, "those of days that were over a week ago are in the archive")
	require.Equal(t, 4, a.objects(t))
	require.Len(t, a.handed, 1)
	require.EqualValues(t, 4, a.handed[0].Events)
	require.Empty(t, a.removed)
	a.days(t, 12)
	require.EqualValues(t, 2, a.sweep(t), "retention removes from the archive")
	require.EqualValues(t, 2, a.there(t).First)
	require.EqualValues(t, a.there(t).Objects, a.objects(t))
	require.Len(t, a.removed, 1)
	require.Equal(t, core.Removal{At: a.now, Reason: core.ReasonAge, Events: 2, ApproximateBytes: 200, UntilOffset: 2}, a.removed[0])
	require.Equal(t, a.stored[2].ReceivedAt, a.sweeps[1].Oldest)
}

func TestAStreamSaysForHowLongItsEventsStay(t *testing.T) {
	t.Parallel()
	a := newArchived(t, core.Stream{RetentionDays: 365, HotDays: 2})
	a.days(t, 12)
	a.sweep(t)
	require.EqualValues(t, 9, a.there(t).Next)
	kept, err := eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: a.catalog, Log: a.log, Archive: a.log.(core.Tiered), Authorizer: coretest.Everything{}, Now: time.Now,
	}).Retained(t.Context(), core.Principal{Org: a.stream.Org}, a.stream.ID.String())
	require.NoError(t, err)
	require.EqualValues(t, 9, kept.ArchivedEvents)
	require.Positive(t, kept.ArchivedBytes)
	require.EqualValues(t, 1200, kept.ApproximateBytes)
	require.Equal(t, a.stored[0].ReceivedAt, *kept.OldestReceivedAt)
	require.Equal(t, a.stored[8].ReceivedAt, *kept.ArchivedUntil)
	require.EqualValues(t, 9, kept.ArchivedNextOffset)
	require.Equal(t, 2, kept.ArchiveAfterDays)
}

func TestADeletedStreamLeavesTheArchive(t *testing.T) {
	t.Parallel()
	a := newArchived(t, core.Stream{RetentionDays: 365})
	a.days(t, 12)
	a.sweep(t)
	require.Equal(t, 4, a.objects(t))
	stream := a.stream
	stream.Revision, stream.DeletedAt = 2, &a.now
	require.NoError(t, a.catalog.UpdateStream(t.Context(), stream))
	a.sweep(t)
	require.Zero(t, a.objects(t))
	require.Zero(t, a.there(t))
}

func TestNothingLeavesTheStoreForAnArchiveThatIsAway(t *testing.T) {
	t.Parallel()
	a := newArchived(t, core.Stream{RetentionDays: 10})
	require.NoError(t, os.Rename(a.folder, a.folder+"-away"))
	a.days(t, 12)
	err := a.retention.Sweep(t.Context(), a.now)
	require.ErrorContains(t, err, "the folder of the archive cannot be used")
	require.EqualValues(t, 1, a.removed[0].UntilOffset, "what retention removes goes all the same")
	require.Zero(t, a.there(t))
	require.NoError(t, os.Rename(a.folder+"-away", a.folder))
	a.sweep(t)
	require.EqualValues(t, 4, a.there(t).Next)
}
