package eventlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// gate is a trail that requests are refused at.
type gate struct {
	*testing.T
	*eventlog.Trail
	log  core.Storage
	stop func()
}

func newGate(t *testing.T) *gate {
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{})
	trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var worker sync.WaitGroup
	worker.Go(func() { trail.Run(ctx) })
	g := &gate{T: t, Trail: trail, log: log, stop: sync.OnceFunc(func() { stop(); worker.Wait() })}
	t.Cleanup(func() {
		g.stop()
		committer.Close()
	})
	return g
}

func (g *gate) refuse(org, key byte, route string) {
	g.Record(g.Context(), core.AuditRecord{
		Who: core.Principal{Org: core.ID{org}, Key: core.ID{key}}, Action: core.AuditRefused, Kind: "route", Target: route,
	})
}

// records returns the targets of an organization's records, each with its count.
func (g *gate) records(org byte) (all []string) {
	events, err := g.log.Read(g.Context(), eventlog.AuditStream(core.ID{org}), core.Scan{Limit: 1000})
	require.NoError(g, err)
	for i := range events {
		entry := g.entry(&events[i])
		all = append(all, strings.TrimSpace(entry.Target.ID+" "+entry.Details["count"]))
	}
	return all
}

func (g *gate) entry(event *core.Event) (entry core.AuditEntry) {
	require.NoError(g, json.Unmarshal(event.Payload, &entry))
	return entry
}

// The first refusal of a key at a route is recorded at once, and those of a minute
// together.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for range 1000 {
			g.refuse(1, 1, "GET /a")
			time.Sleep(time.Millisecond)
		}
		g.refuse(1, 2, "GET /a")
		g.refuse(1, 1, "GET /b")
		g.refuse(2, 1, "GET /a")
		require.Equal(t, []string{"GET /a", "GET /a", "GET /b"}, g.records(1))
		require.Equal(t, []string{"GET /a"}, g.records(2))
		time.Sleep(75 * time.Second)
		require.Equal(t, []string{"GET /a", "GET /a", "GET /b", "GET /a 999"}, g.records(1))
		g.refuse(1, 1, "GET /a")
		g.refuse(1, 2, "GET /a")
		require.Equal(t, []string{"GET /a", "GET /a", "GET /b", "GET /a 999", "GET /a"}, g.records(1), "one that is refused again after a while is a first one")
		g.stop()
		require.Equal(t, []string{"GET /a", "GET /a", "GET /b", "GET /a 999", "GET /a", "GET /a 1"}, g.records(1), "and the rest when the server stops")
	})
}

// However long and by whatever many keys somebody tries, a minute has so many records.
func TestRefusalsDoNotFillTheTrail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for range 10 * 60 {
			for key := range byte(100) {
				g.refuse(1, key, "GET /a")
			}
			time.Sleep(time.Second)
		}
		g.stop()
		records := g.records(1)
		require.LessOrEqual(t, len(records), 12*21)
		refused := 0
		for _, record := range records {
			count := 1
			if _, text, more := strings.Cut(strings.TrimPrefix(record, "GET "), " "); more && text != "requests" {
				_, _ = fmt.Sscanf(strings.TrimPrefix(text, "requests "), "%d", &count)
			}
			refused += count
		}
		require.Equal(t, 10*60*100, refused, "each of them is counted")
	})
}

// What clients choose is cut.
func TestARecordIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		long := strings.Repeat("ä", 100_000)
		g.Record(t.Context(), core.AuditRecord{
			Who:    core.Principal{Org: core.ID{1}, Label: long, From: core.Visitor{Address: long, UserAgent: long, RequestID: long}},
			Action: core.AuditLogin, Kind: "user", Target: long, Details: map[string]string{"path": long},
		})
		events, err := g.log.Read(t.Context(), eventlog.AuditStream(core.ID{1}), core.Scan{Limit: 1})
		require.NoError(t, err)
		require.Less(t, len(events[0].Payload), 2000)
		require.Contains(t, string(events[0].Payload), "ää")
		require.NotContains(t, string(events[0].Payload), "\ufffd")
	})
}
