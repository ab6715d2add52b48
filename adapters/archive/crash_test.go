package archive_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	org    = core.ID{1}
	stream = core.ID{2}
)

// noted is what the catalog knows of the archive, under a name that none of its methods has.
type noted = core.Segments

// crashing fails a call of the store or of the catalog, as a process does that ends there.
type crashing struct {
	core.Storage
	noted
	trim, add error
	// onAdd is called before a segment is noted.
	onAdd func(core.Segment)
}

func (c *crashing) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	if c.trim != nil {
		return c.trim
	}
	return c.Storage.Trim(ctx, stream, before)
}

func (c *crashing) AddSegment(ctx context.Context, segment core.Segment) error {
	if c.add != nil {
		return c.add
	}
	if c.onAdd != nil {
		c.onAdd(segment)
	}
	return c.noted.AddSegment(ctx, segment)
}

// world is a tier with all that it stands on.
type world struct {
	t *testing.T
	*crashing
	box  *box
	tier core.Storage
}

func newWorld(t *testing.T) *world {
	t.Helper()
	under, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	w := &world{t: t, crashing: &crashing{Storage: under, noted: memory.NewCatalog()}, box: newBox()}
	w.tier = opened(t, w.crashing, w.crashing, w.box)
	return w
}

// fill stores ten events a day for some days.
func (w *world) fill(days int) {
	w.t.Helper()
	for i := range days {
		w.append(noon.Add(time.Duration(i)*day), 10)
	}
}

// append stores some events at a time.
func (w *world) append(at time.Time, events int) {
	w.t.Helper()
	entries := make([]core.Entry, events)
	for n := range entries {
		entries[n].Event = core.Event{ID: core.RandomID(at), Type: "t", Version: 1, OccurredAt: at, Source: "s", Payload: fmt.Appendf(nil, `{"n": %d}`, n)}
	}
	require.NoError(w.t, w.tier.Append(w.t.Context(), at, []core.Batch{{Org: org, Stream: stream, Entries: entries}}))
}

// handOver hands all but the last day over.
func (w *world) handOver(days int) (core.HandedOver, error) {
	return w.tier.(core.Tiered).HandOver(w.t.Context(), org, stream, noon.Add(time.Duration(days-1)*day))
}

// whole checks that each event is there once, in both directions, in the stream and among
// all.
func (w *world) whole(events int) {
	w.t.Helper()
	read, err := w.tier.Read(w.t.Context(), stream, core.Scan{Limit: 1 << 20})
	require.NoError(w.t, err)
	require.Len(w.t, read, events)
	for i := range read {
		require.EqualValues(w.t, i, read[i].Offset)
	}
	all, err := w.tier.ReadAll(w.t.Context(), org, core.AllScan{Limit: 1 << 20})
	require.NoError(w.t, err)
	require.Equal(w.t, read, all)
	bounds, err := w.tier.Bounds(w.t.Context(), []core.ID{stream})
	require.NoError(w.t, err)
	require.Equal(w.t, core.Offset(0), bounds[0].First)
}

// kept is how many events are in the store itself.
func (w *world) kept() int {
	w.t.Helper()
	events, err := w.Storage.Read(w.t.Context(), stream, core.Scan{Limit: 1 << 20})
	require.NoError(w.t, err)
	return len(events)
}

func TestACrashAtAnyPointLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	crash := errors.New("the process ended")
	points := map[string]func(*world, error){
		"before an object is there":   func(w *world, err error) { w.box.set(func() { w.box.broken, w.box.after = err, false }) },
		"after an object is there":    func(w *world, err error) { w.box.set(func() { w.box.broken, w.box.after = err, true }) },
		"after it is known to be so":  func(w *world, err error) { w.add = err },
		"before the store is shorter": func(w *world, err error) { w.trim = err },
	}
	for name, set := range points {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill(3)
			set(w, crash)
			_, err := w.handOver(3)
			require.ErrorIs(t, err, crash)
			require.Equal(t, 30, w.kept(), "nothing may leave the store")
			set(w, nil)
			w.whole(30)
			_, err = w.handOver(3)
			require.NoError(t, err)
			w.whole(30)
			require.Equal(t, 10, w.kept())
			require.Len(t, w.box.names(), 2, "a repeated hand-over replaces the object with itself")
		})
	}
}

// A bucket that takes what it does not keep is found out before the store is shorter.
func TestNothingLeavesTheStoreThatCannotBeReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	w.tier = opened(t, w.crashing, w.crashing, forgetful{w.box})
	_, err := w.handOver(3)
	require.ErrorContains(t, err, "is not what was written")
	require.Equal(t, 30, w.kept())
	w.whole(30)
}

// forgetful alters objects on their way.
type forgetful struct{ *box }

func (f forgetful) Put(ctx context.Context, name string, content []byte) error {
	return f.box.Put(ctx, name, append(content, 0))
}

func TestAnArchiveThatIsAwayKeepsNobodyFromNewEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	_, err := w.handOver(3)
	require.NoError(t, err)
	tiered := w.tier.(core.Tiered)
	require.NoError(t, tiered.CheckArchive(t.Context()))
	w.box.set(func() { w.box.broken = errors.New("no route to host") })

	_, err = w.tier.Read(t.Context(), stream, core.Scan{From: 5, Limit: 10})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "events until 2026-03-01T12:00:00Z are in the archive, which does not answer")
	require.NotContains(t, err.Error(), "no route", "what the network looks like is nobody's business")
	recent, err := w.tier.Read(t.Context(), stream, core.Scan{From: 20, Limit: 10})
	require.NoError(t, err)
	require.Len(t, recent, 10)
	newest, err := w.tier.ReadAll(t.Context(), org, core.AllScan{Limit: 10, Backward: true})
	require.NoError(t, err)
	require.Len(t, newest, 10)
	bounds, err := w.tier.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Offset(0), bounds[0].First)
	event := core.Event{ID: core.RandomID(noon), Type: "t", Version: 1, OccurredAt: noon, Source: "s", Payload: []byte(`1`)}
	require.NoError(t, w.tier.Append(t.Context(), noon.Add(3*day), []core.Batch{{Org: org, Stream: stream, Entries: []core.Entry{{Event: event}}}}))
}

func TestNothingLeavesTheStoreWhileTheArchiveIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	tiered := w.tier.(core.Tiered)
	w.box.set(func() { w.box.broken = errors.New("no route to host") })
	_, err := w.handOver(3)
	require.ErrorContains(t, err, "no route to host")
	require.Equal(t, 30, w.kept())
	err = tiered.CheckArchive(t.Context())
	require.ErrorIs(t, err, core.ErrDegraded)
	require.ErrorContains(t, err, "the archive does not answer since")
	require.NoError(t, w.tier.Trim(t.Context(), stream, noon.Add(day)), "what retention removes goes all the same")
	require.Equal(t, 20, w.kept())
	w.box.set(func() { w.box.broken = nil })
	require.NoError(t, tiered.CheckArchive(t.Context()))
	_, err = w.handOver(3)
	require.NoError(t, err)
	require.Equal(t, 10, w.kept())
}

func TestObjectsThatCouldNotBeRemovedAreRemovedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	_, err := w.handOver(3)
	require.NoError(t, err)
	w.box.set(func() { w.box.broken = errors.New("away") })
	require.NoError(t, w.tier.Trim(t.Context(), stream, noon.Add(2*day)))
	bounds, err := w.tier.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Equal(t, core.Offset(20), bounds[0].First, "nobody reads them any more")
	require.Len(t, w.box.names(), 2)
	require.ErrorIs(t, w.tier.(core.Tiered).CheckArchive(t.Context()), core.ErrDegraded)
	w.box.set(func() { w.box.broken = nil })
	require.ErrorContains(t, w.tier.(core.Tiered).CheckArchive(t.Context()), "objects of removed events are still in the archive")
	require.NoError(t, w.tier.Trim(t.Context(), stream, noon))
	require.Empty(t, w.box.names())
	require.NoError(t, w.tier.(core.Tiered).CheckArchive(t.Context()))
}

func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(4)
	_, err := w.handOver(4)
	require.NoError(t, err)
	names := w.box.names()
	require.Len(t, names, 3)
	w.tier = opened(t, w.crashing, w.crashing, w.box) // which has read nothing yet
	w.box.set(func() {
		w.box.objects[names[0]][100] ^= 1
		delete(w.box.objects, names[1])
	})
	_, err = w.tier.Read(t.Context(), stream, core.Scan{From: 0, Limit: 1})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "missing or damaged")
	var found []string
	require.NoError(t, w.tier.(core.Examiner).Examine(t.Context(), func(f core.Finding) { found = append(found, string(f.State)+" "+f.Text) }))
	require.Len(t, found, 2)
	require.Contains(t, found[0], "problem the object "+names[0])
	require.Contains(t, found[0], "SHA-256")
	require.Contains(t, found[1], names[1])
	require.Contains(t, found[1], archive.ErrMissing.Error())
}

// A page in the middle of an object reads the page and not all of it, and the object is
// fetched once.
func TestAnObjectIsFetchedOnceForManyPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	_, err := w.handOver(3)
	require.NoError(t, err)
	before := w.box.gets
	for range 20 {
		for from := range core.Offset(10) {
			events, err := w.tier.Read(t.Context(), stream, core.Scan{From: from, Limit: 3})
			require.NoError(t, err)
			require.Len(t, events, 3)
		}
	}
	require.Equal(t, 2, w.box.gets-before)
}

func TestObjectsAreBoundedAndSortedByDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entries := make([]core.Entry, 50_001)
	for n := range entries {
		entries[n].Event = core.Event{ID: core.RandomID(noon), Type: "t", Version: 1, OccurredAt: noon, Source: "s", Payload: []byte(`1`)}
	}
	require.NoError(t, w.tier.Append(t.Context(), noon, []core.Batch{{Org: org, Stream: stream, Entries: entries}}))
	at := noon.Add(day)
	large := make([]core.Entry, 20)
	for n := range large {
		large[n].Event = core.Event{ID: core.RandomID(at), Type: "t", Version: 1, OccurredAt: at, Source: "s", Payload: []byte(`"` + strings.Repeat("x", 1<<20-2) + `"`)}
	}
	require.NoError(t, w.tier.Append(t.Context(), at, []core.Batch{{Org: org, Stream: stream, Entries: large}}))
	_, err := w.tier.(core.Tiered).HandOver(t.Context(), org, stream, noon.Add(2*day))
	require.NoError(t, err)
	names := w.box.names()
	require.Len(t, names, 4)
	folder := "org=" + org.String() + "/stream=" + stream.String() + "/"
	require.Regexp(t, "^"+folder+`date=2026-03-01/0{20}-0{15}49999-[0-9a-f]{16}\.ndjson\.gz$`, names[0])
	require.Regexp(t, "^"+folder+`date=2026-03-01/0{15}50000-0{15}50000-`, names[1])
	require.Regexp(t, "^"+folder+`date=2026-03-02/0{15}50001-0{15}50016-`, names[2])
	w.whole(50_021)
	for _, name := range names { // two ways to compress the same must not have one name
		sum := sha256.Sum256(w.box.objects[name])
		require.Contains(t, name, hex.EncodeToString(sum[:8]))
	}
}

// overtaken lets others do something before the store is asked, once each.
type overtaken struct {
	core.Storage
	onRead, onOffsetAt, onTrim func()
}

func first(do *func()) {
	if *do != nil {
		(*do)()
		*do = nil
	}
}

func (o *overtaken) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	first(&o.onRead)
	return o.Storage.Read(ctx, stream, scan)
}

func (o *overtaken) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	first(&o.onOffsetAt)
	return o.Storage.OffsetAt(ctx, stream, at)
}

func (o *overtaken) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	first(&o.onTrim)
	return o.Storage.Trim(ctx, stream, before)
}

// A server that hands events over and finds them gone, because another one was faster, has
// nothing to complain of.
func TestAServerThatIsOvertakenIsDone(t *testing.T) {
	t.Parallel()
	for name, days := range map[string]int{"by one that is done": 4, "by one that is half done": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill(4)
			late := opened(t, &overtaken{Storage: w.crashing, onRead: func() {
				_, err := w.handOver(days)
				require.NoError(t, err)
			}}, w.crashing, w.box)
			done, err := late.(core.Tiered).HandOver(t.Context(), org, stream, noon.Add(3*day))
			require.NoError(t, err)
			require.EqualValues(t, 10*(4-days), done.Events)
			require.EqualValues(t, 30, done.Kept)
			require.Len(t, w.box.names(), 3)
			w.whole(40)
		})
	}
}

// Two versions of the program may give objects of the same events two names. The one that is
// not noted goes away.
func TestTheObjectOfAServerThatIsOvertakenIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	w.onAdd = func(segment core.Segment) {
		content, err := w.box.Get(t.Context(), segment.Object)
		require.NoError(t, err)
		segment.Object += ".of-the-other"
		require.NoError(t, w.box.Put(t.Context(), segment.Object, content))
		require.NoError(t, w.noted.AddSegment(t.Context(), segment))
	}
	_, err := w.handOver(3)
	require.NoError(t, err)
	names := w.box.names()
	require.Len(t, names, 2)
	for _, name := range names {
		require.Contains(t, name, ".of-the-other")
	}
	w.whole(30)
}

// What the store has lost is no other server's work, and nothing else leaves the store.
func TestWhatTheStoreHasLostIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	late := opened(t, &overtaken{Storage: w.crashing, onRead: func() { require.NoError(t, w.Storage.Trim(t.Context(), stream, noon.Add(day))) }}, w.crashing, w.box)
	_, err := late.(core.Tiered).HandOver(t.Context(), org, stream, noon.Add(2*day))
	require.ErrorContains(t, err, "the event at offset 0 of the stream "+stream.String()+" is in the store no more")
	require.Empty(t, w.box.names())
	require.Equal(t, 20, w.kept())
}

// Events that are stored while all that is there is handed over stay, however wrong the
// clock is by which that is old enough.
func TestWhatIsStoredMeanwhileStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	newest := noon.Add(2 * day)
	late := opened(t, &overtaken{
		Storage: w.crashing, onOffsetAt: func() { w.append(newest, 1) }, onTrim: func() { w.append(newest, 1) },
	}, w.crashing, w.box)
	_, err := late.(core.Tiered).HandOver(t.Context(), org, stream, noon.Add(10*day))
	require.NoError(t, err)
	w.whole(32)
	require.Equal(t, 12, w.kept(), "the newest period")
}
