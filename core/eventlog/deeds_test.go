package eventlog_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// did records deeds of one kind by a key of organization 1.
func (g *gate) did(times int, who core.Principal, action core.AuditAction) {
	who.Org = core.ID{1}
	for range times {
		g.Record(g.Context(), who.Did(action, "thing", core.ID{2}))
	}
}

func key(id uint16, makers ...byte) core.Principal {
	who := core.Principal{Key: core.ID{1, byte(id >> 8), byte(id)}}
	for _, maker := range makers {
		who.Makers = append(who.Makers, core.Maker{Key: core.ID{maker}})
	}
	return who
}

// trail returns what the trail of organization 1 holds of a key's deeds: the records, and
// the deeds that they stand for.
func (g *gate) trail(of func(*core.AuditEntry, core.AuditAction) bool) (records, deeds int) {
	for from := core.Offset(0); ; {
		events, err := g.log.Read(g.Context(), eventlog.AuditStream(core.ID{1}), core.Scan{From: from, Limit: 1000})
		require.NoError(g, err)
		for i := range events {
			entry := g.entry(&events[i])
			if !of(&entry, core.AuditAction(events[i].Type)) {
				continue
			}
			records++
			count, err := strconv.Atoi(entry.Details["count"])
			if err != nil {
				count = 1
			}
			deeds += count
		}
		if len(events) == 0 {
			return records, deeds
		}
		from = events[len(events)-1].Offset + 1
	}
}

func all(*core.AuditEntry, core.AuditAction) bool { return true }

// What a key does is recorded one by one up to a number that nobody needs, and counted
// after that. Something else that it does is recorded when it happens for the first time.
func TestDeedsBeyondNumberAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		g.did(2000, key(1), core.AuditGroupReset)
		records, deeds := g.trail(all)
		require.Equal(t, []int{2000, 2000}, []int{records, deeds})
		g.did(3000, key(1), core.AuditGroupReset)
		g.did(10, key(1), core.AuditKeyCreated)
		records, _ = g.trail(all)
		require.Equal(t, 2002, records)
		time.Sleep(75 * time.Second)
		records, deeds = g.trail(all)
		require.Equal(t, []int{2004, 5010}, []int{records, deeds})
		time.Sleep(24 * time.Hour)
		g.did(2000, key(1), core.AuditGroupReset)
		records, _ = g.trail(all)
		require.Equal(t, 4004, records, "who rests may again")
	})
}

// Nobody hides what others do: neither a key by what it makes, nor a stranger by signing
// in as somebody.
func TestNobodysDeedsHideAnothers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		for child := range uint16(50) {
			for _, action := range core.AuditActions {
				if action != core.AuditRefused && action != core.AuditLoginFailed {
					g.did(10, key(child, 5, 9), action)
				}
			}
		}
		ann := core.Principal{User: core.ID{7}}
		g.did(5000, ann, core.AuditLoginFailed)
		g.did(500, ann, core.AuditUserChanged)
		g.did(500, key(1000, 8), core.AuditKeyRevoked)
		records, _ := g.trail(func(entry *core.AuditEntry, action core.AuditAction) bool {
			return entry.Actor.User == ann.User && action == core.AuditUserChanged || entry.Actor.Key == key(1000).Key
		})
		require.Equal(t, 1000, records, "each by itself")
		g.stop()
		_, deeds := g.trail(all)
		require.Equal(t, 50*10*(len(core.AuditActions)-2)+6000, deeds, "each is counted")
	})
}

// However many keys of an organization do whatever they may: the trail grows by so many
// records and no more.
func TestDeedsDoNotFillTheTrail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		const minutes = 4
		for range minutes {
			for id := range uint16(50) {
				g.did(100, key(id), core.AuditActions[int(id)%len(core.AuditActions)])
			}
			time.Sleep(time.Minute)
		}
		g.stop()
		records, deeds := g.trail(all)
		require.LessOrEqual(t, records, 10_000+30*minutes+(20+len(core.AuditActions))*(minutes+1))
		require.Equal(t, minutes*50*100, deeds)
	})
}
