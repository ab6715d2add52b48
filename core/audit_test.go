package core_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// newTrail writes n records by two nodes at once and returns the log.
func newTrail(t *testing.T, org core.ID, n int) core.Storage {
	t.Helper()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	var nodes sync.WaitGroup
	for node := range 2 {
		committer := core.NewCommitter(log, core.CommitOptions{})
		t.Cleanup(committer.Close)
		audit := core.NewAudit(committer, log, nil, time.Now, slog.New(slog.NewTextHandler(t.Output(), nil)))
		nodes.Go(func() {
			for i := range n / 2 {
				audit.Record(context.Background(), core.AuditRecord{
					Who: core.Principal{Org: org, Label: fmt.Sprint("node ", node)}, Action: core.AuditLogin, Kind: "user", Target: fmt.Sprint(i),
				})
			}
		})
	}
	nodes.Wait()
	return log
}

func verify(t *testing.T, log core.Reader, org core.ID) core.Verified {
	t.Helper()
	verified, err := core.NewAudit(nil, log, nil, time.Now, slog.New(slog.DiscardHandler)).Verify(t.Context(), org)
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
	require.Equal(t, core.Verified{Records: 2*core.MaxPageSize + 2}, verify(t, log, org))
	require.Zero(t, verify(t, log, core.ID{2}))
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
	committer := core.NewCommitter(log, core.CommitOptions{Logger: slog.New(slog.DiscardHandler)})
	committer.Close()
	var said lines
	audit := core.NewAudit(committer, log, nil, time.Now, slog.New(slog.NewTextHandler(&said, nil)))
	audit.Record(t.Context(), core.AuditRecord{Who: core.Principal{Org: core.ID{1}, Label: "ann"}, Action: core.AuditLogout})
	require.Contains(t, said.text, "misses a record")
	require.Contains(t, said.text, "actor=ann")
}

// lines collects a log.
type lines struct{ text string }

func (l *lines) Write(b []byte) (int, error) {
	l.text += string(b)
	return len(b), nil
}
