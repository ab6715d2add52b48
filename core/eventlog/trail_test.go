package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// newTrail writes n records by two nodes at once and returns the log.
func newTrail(t *testing.T, org core.ID, n int) core.Storage {
	t.Helper()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	var nodes sync.WaitGroup
	for node := range 2 {
		committer := eventlog.NewCommitter(log, eventlog.CommitOptions{})
		t.Cleanup(committer.Close)
		trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now})
		nodes.Go(func() {
			for i := range n / 2 {
				trail.Record(context.Background(), core.AuditRecord{
					Who: core.Principal{Org: org, Label: fmt.Sprint("node ", node)}, Action: core.AuditLogin, Kind: "user", Target: fmt.Sprint(i),
				})
			}
		})
	}
	nodes.Wait()
	return log
}

func verify(t *testing.T, log core.Reader, org core.ID, expected ...eventlog.AuditMark) eventlog.Verified {
	t.Helper()
	verified, err := eventlog.NewTrail(eventlog.TrailPorts{Log: log, Logger: slog.New(slog.DiscardHandler), Now: time.Now}).Verify(t.Context(), org, expected...)
	require.NoError(t, err)
	return verified
}

// tampered is a log whose events somebody has changed behind its back.
type tampered struct {
	core.Reader
	change func([]core.Event) []core.Event
}

func (l tampered) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	all, err := l.Reader.Read(ctx, stream, core.Scan{Limit: 1 << 20})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(l.change(all), func(e core.Event) bool { return e.Offset < scan.From })
	return all[:min(len(all), scan.Limit)], nil
}

// However many nodes write, there is one chain; another organization's is
// another.
func TestATrailIsOneChain(t *testing.T) {
	t.Parallel()
	org := core.ID{1}
	log := newTrail(t, org, 2*core.MaxPageSize+2)
	whole := verify(t, log, org)
	require.Empty(t, whole.Fault)
	require.Equal(t, []int64{2*core.MaxPageSize + 2, 2*core.MaxPageSize + 1}, []int64{whole.Records, int64(whole.Newest.Record)})
	require.Equal(t, whole, verify(t, log, org, whole.Newest))
	require.Zero(t, verify(t, log, core.ID{2}))
}

// cut is a log that has lost events together with what counted them.
type cut struct {
	core.Reader
	left int
}

func (l cut) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	scan.To = core.Offset(l.left)
	return l.Reader.Read(ctx, stream, scan)
}

func (l cut) Bounds(context.Context, []core.ID) ([]core.Bounds, error) {
	return []core.Bounds{{Next: core.Offset(l.left)}}, nil
}

// What the trail alone cannot show, because its end was cut off without a trace
// or all of it was written anew, shows who has kept the mark of a record.
func TestAKeptMarkShowsATrailThatWasCutOrWrittenAnew(t *testing.T) {
	t.Parallel()
	org := core.ID{1}
	log := newTrail(t, org, 20)
	var marks []eventlog.AuditMark
	for _, n := range []int{1, 12, 20} {
		marks = append(marks, verify(t, cut{log, n}, org).Newest)
	}
	require.Equal(t, core.Offset(11), marks[1].Record)
	require.Empty(t, verify(t, log, org, marks...).Fault, "a trail that has grown")

	require.Empty(t, verify(t, cut{log, 12}, org).Fault, "it is whole in itself")
	short := verify(t, cut{log, 12}, org, marks...)
	require.Equal(t, core.Offset(19), short.At)
	require.Contains(t, short.Fault, "expected and missing")
	require.Empty(t, verify(t, cut{log, 12}, org, marks[:2]...).Fault)
	require.Contains(t, verify(t, log, core.ID{2}, marks[0]).Fault, "expected and missing", "nothing is left")

	forged := newTrail(t, org, 20)
	require.Empty(t, verify(t, forged, org).Fault, "it is whole in itself")
	for i, mark := range marks {
		found := verify(t, forged, org, marks[i:]...)
		require.Equal(t, mark.Record, found.At)
		require.Contains(t, found.Fault, "rewritten")
	}
}

// While the trail is checked, it grows.
func TestATrailThatGrowsIsWhole(t *testing.T) {
	t.Parallel()
	org := core.ID{1}
	log := newTrail(t, org, 20)
	found := verify(t, &growing{cut: cut{log, 12}}, org)
	require.Empty(t, found.Fault)
	require.Equal(t, int64(12), found.Records)
}

// growing is a log to which others write as soon as it was read.
type growing struct {
	cut
	read bool
}

func (l *growing) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	l.read = true
	return l.cut.Read(ctx, stream, scan)
}

func (l *growing) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	if l.read {
		return l.Reader.Bounds(ctx, streams)
	}
	return l.cut.Bounds(ctx, streams)
}

func TestAMarkIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0f", 32)
	for _, mark := range []eventlog.AuditMark{{Record: 0, Hash: hash}, {Record: 1 << 40, Hash: hash}} {
		read, err := eventlog.ParseAuditMark(mark.String())
		require.NoError(t, err)
		require.Equal(t, mark, read)
	}
	for _, text := range []string{"", "11", ":", "11:", "11:ab", ":" + hash, "-1:" + hash, "x:" + hash, "1:" + hash + "00", "1:" + hash[:63] + "g"} {
		_, err := eventlog.ParseAuditMark(text)
		require.ErrorContains(t, err, "a record's number, a colon and its full hash", text)
	}
}

func TestAChangedTrailIsFound(t *testing.T) {
	t.Parallel()
	org := core.ID{1}
	log := newTrail(t, org, 20)
	for name, change := range map[string]func([]core.Event) []core.Event{
		"a changed payload": func(e []core.Event) []core.Event { e[7].Payload[len(e[7].Payload)-3] ^= 1; return e },
		"another actor": func(e []core.Event) []core.Event {
			e[7].Payload = []byte(`{"actor":{"label":"eve","role":"admin"},"target":{"kind":"user","id":"1"},"sequence":7}`)
			return e
		},
		"another action":         func(e []core.Event) []core.Event { e[7].Type = "logout"; return e },
		"another target":         func(e []core.Event) []core.Event { e[7].Subject = "x"; return e },
		"another time":           func(e []core.Event) []core.Event { e[7].ReceivedAt = e[7].ReceivedAt.Add(time.Second); return e },
		"a record less":          func(e []core.Event) []core.Event { return slices.Delete(e, 7, 8) },
		"the first record gone":  func(e []core.Event) []core.Event { return e[1:] },
		"the last record gone":   func(e []core.Event) []core.Event { return e[:len(e)-1] },
		"one record twice":       func(e []core.Event) []core.Event { return slices.Insert(e, 7, e[7]) },
		"two records swapped":    func(e []core.Event) []core.Event { e[7], e[8] = e[8], e[7]; return e },
		"swapped and renumbered": func(e []core.Event) []core.Event { e[7].Payload, e[8].Payload = e[8].Payload, e[7].Payload; return e },
		"removed and closed up": func(e []core.Event) []core.Event {
			e = slices.Delete(e, 7, 8)
			for i := range e {
				e[i].Offset = core.Offset(i)
			}
			return e
		},
	} {
		found := verify(t, tampered{log, change}, org)
		require.NotEmpty(t, found.Fault, name)
		require.Less(t, int64(found.At), int64(20), name)
	}
}

// What cannot be recorded is logged, and holds nobody up.
func TestALostRecordIsLogged(t *testing.T) {
	t.Parallel()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{Logger: slog.New(slog.DiscardHandler)})
	committer.Close()
	var said lines
	trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.NewTextHandler(&said, nil)), Now: time.Now})
	trail.Record(t.Context(), core.AuditRecord{Who: core.Principal{Org: core.ID{1}, Label: "ann"}, Action: core.AuditLogout})
	require.Contains(t, said.text, "could not be stored")
	require.Contains(t, said.text, "actor=ann")
}

// Who is there to be told learns why a record was not stored.
func TestALostRecordIsAnError(t *testing.T) {
	t.Parallel()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{Logger: slog.New(slog.DiscardHandler)})
	committer.Close()
	trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	err = trail.Add(t.Context(), core.AuditRecord{Who: core.Principal{Org: core.ID{1}, Label: "ann"}, Action: core.AuditLogout})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
}

// lines collects a log.
type lines struct{ text string }

func (l *lines) Write(b []byte) (int, error) {
	l.text += string(b)
	return len(b), nil
}

// A record waits for a store that does not answer, and for the records in front of it,
// no longer than the request lasts. It is stored all the same.
func TestARecordHoldsNoRequestUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := heldLog{coretest.OpenLog(t), make(chan struct{})}
		committer := eventlog.NewCommitter(log, eventlog.CommitOptions{})
		defer committer.Close()
		trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				trail.Record(ctx, core.AuditRecord{Who: core.Principal{Org: core.ID{1}}, Action: core.AuditLogin, Kind: "user", Target: fmt.Sprint(i)})
			})
		}
		all.Wait()
		require.Equal(t, 20*time.Second, time.Since(begun))
		for range 3 {
			log.hold <- struct{}{}
		}
		synctest.Wait()
		require.EqualValues(t, 3, verify(t, log, core.ID{1}).Records)
	})
}
