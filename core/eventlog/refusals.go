package eventlog

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// refusals counts the requests that are refused. Whoever is refused may try again as often
// as the rate allows, and each record stays for ever: a record of each would let any key
// fill the disk.
//
// The first refusal is recorded at once. Those that follow are counted, and recorded
// together when a minute is over. A node that crashes loses the count of a minute.
type refusals struct {
	// mu guards the map, and all that it leads to.
	mu   sync.Mutex
	orgs map[core.ID]map[refusal]*refused
}

// refusal is what is counted as one: the same key or person at the same route.
type refusal struct {
	actor  core.ID
	target string
}

// refused is how often that happened.
type refused struct {
	// last is the newest one. It has happened more times since the record before.
	last  core.AuditRecord
	more  int
	since time.Time
}

const (
	// refusalWindow is how long refusals are counted before they are recorded.
	refusalWindow = time.Minute
	// maxRefusals bounds how many kinds of refusals of an organization are counted
	// apart. The others count as one.
	maxRefusals = 20
	// otherRefusals stands for the routes of those.
	otherRefusals = "other requests"
)

// first reports whether a refusal is the first one of its kind in a while, which is to be
// recorded. Others are counted. The record says what kind that is.
func (r *refusals) first(record *core.AuditRecord, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := r.orgs[record.Who.Org]
	if kinds == nil {
		kinds = map[refusal]*refused{}
		r.orgs[record.Who.Org] = kinds
	}
	kind := refusal{record.Who.Creator(), record.Target}
	if kinds[kind] == nil && len(kinds) >= maxRefusals {
		kind, record.Target = refusal{target: otherRefusals}, otherRefusals
	}
	if known := kinds[kind]; known != nil {
		known.last = *record
		known.more++
		return false
	}
	kinds[kind] = &refused{since: now}
	return true
}

// due takes out what was counted for a minute, or all of it, and forgets what did not
// happen again.
func (r *refusals) due(now time.Time, all bool) (records []core.AuditRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for org, kinds := range r.orgs {
		for kind, counted := range kinds {
			switch {
			case !all && now.Sub(counted.since) < refusalWindow:
			case counted.more == 0:
				delete(kinds, kind)
			default:
				records = append(records, counted.record())
				*counted = refused{since: now}
			}
		}
		if len(kinds) == 0 {
			delete(r.orgs, org)
		}
	}
	return records
}

// record returns the record of all that was counted: the newest refusal, and how many
// there were.
func (r *refused) record() core.AuditRecord {
	record := r.last
	record.Details = map[string]string{"count": strconv.Itoa(r.more), "since": r.since.UTC().Format(time.RFC3339)}
	return record
}

// Run records the refusals of each minute until ctx ends, and then the rest.
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
			t.recordRefusals(storing, true)
			return
		case <-tick.C:
			t.recordRefusals(storing, false)
		}
	}
}

func (t *Trail) recordRefusals(ctx context.Context, all bool) {
	for _, record := range t.refusals.due(t.Now(), all) {
		t.store(ctx, record)
	}
}
