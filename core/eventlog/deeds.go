package eventlog

import (
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// deeds bounds how many deeds are recorded one by one, on each node. Whoever does more
// than anybody does by hand, or by a script that sets an installation up, has them
// counted from then on. Nobody is refused for it: a trail that could be full would keep
// an organization from revoking the key that has filled it.
//
// Each actor has a bound besides the organization's, so that nobody's deeds hide
// somebody else's.
type deeds struct {
	// mu guards the map, and all that it leads to.
	mu   sync.Mutex
	orgs map[core.ID]*deedsOf
}

// deedsOf are an organization's buckets: when each is full again.
type deedsOf struct {
	all time.Time
	by  map[core.ID]time.Time
}

// How many deeds are recorded one by one, in the long run and at once.
var (
	deedsOfOne = core.Limit{PerMinute: 6, Burst: 2_000}
	deedsOfAll = core.Limit{PerMinute: 30, Burst: 10_000}
)

func newDeeds() deeds { return deeds{orgs: map[core.ID]*deedsOf{}} }

// doer says whose deed a record counts as. What a key does counts for the first of the
// keys above it, as new keys would be new actors otherwise. A failed sign-in is a
// stranger's, whomever it is about; so is all else that nobody does who is known.
func doer(record *core.AuditRecord) core.ID {
	switch record.Action {
	case core.AuditLoginFailed, core.AuditPasswordForgotten:
		return core.ID{}
	}
	if makers := record.Who.Makers; len(makers) > 0 {
		return makers[len(makers)-1].Key
	}
	return record.Who.Creator()
}

// one reports whether a deed is to be recorded by itself.
func (d *deeds) one(record *core.AuditRecord, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	of := d.orgs[record.Who.Org]
	if of == nil {
		of = &deedsOf{by: map[core.ID]time.Time{}}
		d.orgs[record.Who.Org] = of
	}
	actor := doer(record)
	full, allowed := take(deedsOfOne, of.by[actor], now)
	of.by[actor] = full
	if allowed {
		of.all, allowed = take(deedsOfAll, of.all, now)
	}
	return allowed
}

// take takes a permit out of a bucket that is full again at a time.
func take(limit core.Limit, full, now time.Time) (after time.Time, allowed bool) {
	missing, state := limit.Take(full.Sub(now), 1)
	return now.Add(missing), state.Allowed
}

// forget lets go of the buckets that are full again.
func (d *deeds) forget(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for org, of := range d.orgs {
		for actor, full := range of.by {
			if !full.After(now) {
				delete(of.by, actor)
			}
		}
		if len(of.by) == 0 && !of.all.After(now) {
			delete(d.orgs, org)
		}
	}
}
