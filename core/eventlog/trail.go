package eventlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Trail keeps the audit trail of each organization: a stream of the log that only
// the system writes, and that no request can name.
//
// Each record carries the hash of the record before it, so the records of an
// organization are added strictly one after the other: on one node under the lock
// of its auditTail, between nodes by the idempotency key (see append).
type Trail struct {
	TrailPorts

	// mu guards the map. The tails in it have turns of their own, so organizations
	// do not wait for one another.
	mu    sync.Mutex
	tails map[core.ID]*auditTail

	// refusals and counted count what is not recorded one by one, apart from each other,
	// so that requests which are refused crowd no deed out.
	refusals, counted counts
	deeds             deeds
}

// TrailPorts is what a Trail works with. Verifying a trail takes the Log alone.
type TrailPorts struct {
	Log        core.Reader
	Committer  *Committer
	Authorizer core.Authorizer
	Logger     *slog.Logger
	Now        core.Clock
	// Turns are what pages that go far back read in. Without them nobody waits.
	Turns *Turns
}

// auditTail is the end of an organization's trail, as far as this node knows.
type auditTail struct {
	// turn is a lock that can be waited for within a time; whoever has sent to it holds
	// it. It guards what follows. It is held until a record is durable, because the
	// next record needs its hash, which covers the time and the id that the commit
	// gives it. An organization has few records, so they may wait.
	turn chan struct{}
	// known says that sequence and previous are what this node last saw in the log.
	// Another node may have gone on since; then the next append fails, and the tail
	// is read again.
	known bool
	// sequence is the number of the next record, previous the hash of the record
	// before it.
	sequence int64
	previous string
}

// NewTrail returns the use case.
func NewTrail(ports TrailPorts) *Trail {
	return &Trail{TrailPorts: ports, tails: map[core.ID]*auditTail{}, refusals: newCounts(), counted: newCounts(), deeds: newDeeds()}
}

// Record adds to the trail like Add, and implements [core.Recorder]. It waits for that
// as long as ctx lasts, and has it done in any case: the deed that the record tells of
// has been done. For the same reason a record that cannot be stored is logged in full;
// there is nothing left to refuse. Of requests that are refused again and again, and of
// what somebody does more often than deeds are recorded one by one, the first one is
// recorded, and [Trail.Run] records how many there were.
func (t *Trail) Record(ctx context.Context, record core.AuditRecord) {
	if !t.alone(&record) {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.store(ctx, record)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// alone reports whether something is recorded by itself. Otherwise it is counted.
func (t *Trail) alone(record *core.AuditRecord) bool {
	now := t.Now()
	if record.Action == core.AuditRefused {
		return t.refusals.first(record, now)
	}
	return t.deeds.one(record, now) || t.counted.first(record, now)
}

// recordFor bounds how long a record is tried to be stored, the records of the same
// organization in front of it included.
const recordFor = time.Minute

// store adds a record, also when ctx has ended, or logs it.
func (t *Trail) store(ctx context.Context, record core.AuditRecord) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
	defer cancel()
	if err := t.Add(ctx, record); err != nil {
		t.Logger.ErrorContext(ctx, "an audit record could not be stored", "error", err, "action", record.Action, "org_id", record.Who.Org,
			"actor", record.Who.Label, "kind", record.Kind, "target", record.Target, "request_id", record.Who.From.RequestID)
	}
}

// auditRounds bounds how often a record is made again because another node's came
// first, auditFailures how often because the log could not take it.
const (
	auditRounds   = 1000
	auditFailures = 5
)

// Add adds to the trail and returns when the record is durable, or why it could
// not be stored.
func (t *Trail) Add(ctx context.Context, record core.AuditRecord) error {
	org := record.Who.Org
	t.mu.Lock()
	tail := t.tails[org]
	if tail == nil {
		tail = &auditTail{turn: make(chan struct{}, 1)}
		t.tails[org] = tail
	}
	t.mu.Unlock()
	select {
	case tail.turn <- struct{}{}:
	case <-ctx.Done():
		return core.StoreFailed(ctx.Err())
	}
	defer func() { <-tail.turn }()
	failures := 0
	// A round fails when another node's record has taken the number, which is usual
	// with several nodes, or when the log could not take the record, which is not.
	for range auditRounds {
		if !tail.known {
			if err := t.readTail(ctx, org, tail); err != nil {
				return err
			}
		}
		stored, err := t.append(ctx, org, tail, record)
		if stored {
			return nil
		}
		tail.known = false // another node was faster, or the outcome is not known
		if err == nil {
			continue
		}
		if failures++; failures == auditFailures {
			return err
		}
		time.Sleep(time.Millisecond << failures)
	}
	return errors.New("other nodes keep writing to this audit trail")
}

// readTail takes the tail from the newest record in the log.
func (t *Trail) readTail(ctx context.Context, org core.ID, tail *auditTail) error {
	tail.sequence, tail.previous = 0, auditRoot
	last, err := t.Log.Read(ctx, AuditStream(org), core.Scan{Backward: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(last) == 1 {
		tail.sequence, tail.previous = int64(last[0].Offset)+1, auditHash(&last[0])
	}
	tail.known = true
	return nil
}

// append stores a record at the tail, or reports false when there is one already.
// The record's number is its idempotency key. Of several nodes that store a record
// of one number, one succeeds, and the others learn that theirs is another.
func (t *Trail) append(ctx context.Context, org core.ID, tail *auditTail, record core.AuditRecord) (stored bool, err error) {
	record = record.Clipped()
	payload, err := json.Marshal(core.AuditEntry{
		Actor:   core.AuditActor{User: record.Who.User, Key: record.Who.Key, Label: record.Who.Label, Role: record.Who.Role},
		Target:  core.AuditTarget{Kind: record.Kind, ID: record.Target},
		Address: record.Who.From.Address, UserAgent: record.Who.From.Browser(), RequestID: record.Who.From.RequestID,
		Details: record.Details, Sequence: tail.sequence, Previous: tail.previous,
	})
	if err != nil {
		return false, err
	}
	now := t.Now.Stamp()
	entry := core.Entry{Event: core.Event{
		Type: string(record.Action), Version: auditVersion, OccurredAt: now, Source: auditSource, Subject: record.Target,
		Payload: payload, IdempotencyKey: fmt.Sprintf("audit-%d", tail.sequence),
	}}
	// A fingerprint of the payload would let two nodes that record the same words
	// count as one that tries again. A random one is never equal. Read never fails.
	_, _ = rand.Read(entry.Fingerprint[:])
	batch := core.Batch{Org: org, Stream: AuditStream(org), Entries: []core.Entry{entry}}
	if err := t.Committer.Commit(ctx, &batch); err != nil {
		return false, err
	}
	if batch.Entries[0].Outcome != core.Stored {
		return false, nil
	}
	tail.sequence, tail.previous = tail.sequence+1, auditHash(&batch.Entries[0].Event)
	return true, nil
}

// Page returns a page of the records of a principal's organization.
func (t *Trail) Page(ctx context.Context, who core.Principal, eq core.EventQuery) (core.EventPage, error) {
	if err := core.Authorize(t.Authorizer, who, core.ActionReadAudit, core.ID{}); err != nil {
		return core.EventPage{}, err
	}
	limit, err := core.PageLimit(eq.Limit)
	if err != nil {
		return core.EventPage{}, err
	}
	eq.Limit = limit
	walk, err := newStreamWalk(ctx, t.Log, AuditStream(who.Org), &eq, &stride{turns: t.Turns, org: who.Org, rests: walkRests})
	if err != nil {
		return core.EventPage{}, err
	}
	return walk.page(ctx)
}
