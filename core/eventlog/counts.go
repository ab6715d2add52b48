package eventlog

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// counts has the numbers of what is not recorded one by one: requests that are refused, and deeds of
// whoever does very many. Each record stays for ever, and a record of each would let any
// key fill the disk.
//
// The first of a kind is recorded at once. Those that follow are counted, and recorded
// together when a minute is over. A node that crashes loses the count of a minute.
type counts struct {
	// mu guards the map, and all that it leads to.
	mu   sync.Mutex
	orgs map[core.ID]map[countKind]*counted
}

func newCounts() counts { return counts{orgs: map[core.ID]map[countKind]*counted{}} }

// countKind is what is counted as one: the same key or person refused at the same route,
// or who has done the same.
type countKind struct {
	actor core.ID
	what  string
}

// counted is how often that happened.
type counted struct {
	// last is the newest one. It has happened more times since the record before.
	last  core.AuditRecord
	more  int
	since time.Time
	// several says that it was not one actor alone.
	several bool
}

const (
	// countWindow is how long something is counted before it is recorded.
	countWindow = time.Minute
	// maxKinds bounds how many kinds of refusals, and of deeds, of an organization are
	// counted apart. The other refusals count as one, the other deeds by what was done.
	maxKinds = 20
	// otherRefusals stands for the routes of those.
	otherRefusals = "other requests"
)

// kindOf says what a record counts as.
func kindOf(record *core.AuditRecord) countKind {
	if record.Action == core.AuditRefused {
		return countKind{record.Who.Creator(), record.Target}
	}
	return countKind{doer(record), string(record.Action)}
}

// other says what a record counts as that is of one kind too many.
func other(record *core.AuditRecord) countKind {
	if record.Action == core.AuditRefused {
		record.Target = otherRefusals
		return countKind{what: otherRefusals}
	}
	return countKind{what: string(record.Action)}
}

// first reports whether something is the first one of its kind in a while, which is to
// be recorded. Others are counted. The record says what kind that is.
func (c *counts) first(record *core.AuditRecord, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kinds := c.orgs[record.Who.Org]
	if kinds == nil {
		kinds = map[countKind]*counted{}
		c.orgs[record.Who.Org] = kinds
	}
	kind := kindOf(record)
	if kinds[kind] == nil && len(kinds) >= maxKinds {
		kind = other(record)
	}
	if known := kinds[kind]; known != nil {
		known.last = *record
		known.more++
		return false
	}
	kinds[kind] = &counted{since: now, several: kind.actor.IsZero()}
	return true
}

// due takes out what was counted for a minute, or all of it, and forgets what did not
// happen again.
func (c *counts) due(now time.Time, all bool) (records []core.AuditRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for org, kinds := range c.orgs {
		for kind, known := range kinds {
			switch {
			case !all && now.Sub(known.since) < countWindow:
			case known.more == 0:
				delete(kinds, kind)
			default:
				records = append(records, known.record())
				known.more, known.since = 0, now
			}
		}
		if len(kinds) == 0 {
			delete(c.orgs, org)
		}
	}
	return records
}

// record returns the record of all that was counted: the newest one, and how many there
// were.
func (c *counted) record() core.AuditRecord {
	record := c.last
	record.Details = maps.Clone(record.Details)
	if record.Details == nil {
		record.Details = map[string]string{}
	}
	record.Details["count"], record.Details["since"] = strconv.Itoa(c.more), c.since.UTC().Format(time.RFC3339)
	if c.several {
		record.Details["actors"] = "several"
	}
	return record
}

// Run records what was counted each minute until ctx ends, and then the rest.
func (t *Trail) Run(ctx context.Context) {
	const look = 10 * time.Second
	tick := time.NewTicker(look)
	defer tick.Stop()
	// What was counted is in no map any more while it is stored, so the end of ctx must
	// not interrupt that.
	storing := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			t.recordCounts(storing, true)
			return
		case <-tick.C:
			t.recordCounts(storing, false)
		}
	}
}

func (t *Trail) recordCounts(ctx context.Context, all bool) {
	now := t.Now()
	t.deeds.forget(now)
	for _, records := range [][]core.AuditRecord{t.refusals.due(now, all), t.counted.due(now, all)} {
		for _, record := range records {
			t.store(ctx, record)
		}
	}
}
