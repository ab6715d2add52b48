package eventlog

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Audit is the trail of an organization: a stream of the log that nobody but
// the system writes, and no request can name.
type Audit struct {
	committer *Committer
	log       core.Reader
	query     *Query
	logger    *slog.Logger
	now       core.Clock

	mu    sync.Mutex
	tails map[core.ID]*auditTail
}

// auditTail is the end of an organization's trail, as far as this node knows.
type auditTail struct {
	mu       sync.Mutex
	known    bool
	sequence int64
	previous string
}

// NewAudit returns the use case over the log.
func NewAudit(committer *Committer, log core.Reader, query *Query, now func() time.Time, logger *slog.Logger) *Audit {
	return &Audit{committer: committer, log: log, query: query, logger: logger, now: now, tails: map[core.ID]*auditTail{}}
}

// AuditStream is the id of an organization's trail.
func AuditStream(org core.ID) core.ID {
	sum := sha256.Sum256(append([]byte("eventflow audit "), org[:]...))
	id := core.ID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: not one that is given to streams
	return id
}

// Record adds to the trail like Add. A record that cannot be stored is logged:
// what it is about has happened.
func (a *Audit) Record(ctx context.Context, record core.AuditRecord) {
	if err := a.Add(ctx, record); err != nil {
		a.logger.Error("the audit trail misses a record", "error", err, "action", record.Action, "org_id", record.Who.Org,
			"actor", record.Who.Label, "kind", record.Kind, "target", record.Target, "request_id", record.From.RequestID)
	}
}

// auditRounds bounds how often a record is made anew because another node's
// came first, auditFailures how often after a log that could not take it.
const (
	auditRounds   = 1000
	auditFailures = 5
)

// Add adds to the trail and returns when the record is durable, or why it could
// not be stored.
func (a *Audit) Add(ctx context.Context, record core.AuditRecord) error {
	org := record.Who.Org
	a.mu.Lock()
	tail := a.tails[org]
	if tail == nil {
		tail = &auditTail{}
		a.tails[org] = tail
	}
	a.mu.Unlock()
	tail.mu.Lock()
	defer tail.mu.Unlock()
	failures := 0
	for range auditRounds {
		if !tail.known {
			if err := a.readTail(ctx, org, tail); err != nil {
				return err
			}
		}
		stored, err := a.append(org, tail, record)
		if stored {
			return nil
		}
		tail.known = false // another node was faster, or it is not known what is there
		if err == nil {
			continue
		}
		if failures++; failures == auditFailures {
			return err
		}
		time.Sleep(time.Millisecond << failures)
	}
	return errors.New("other nodes write this trail too fast")
}

// auditRoot is what the first record names as the hash of the one before.
var auditRoot = strings.Repeat("0", 2*sha256.Size)

func (a *Audit) readTail(ctx context.Context, org core.ID, tail *auditTail) error {
	tail.sequence, tail.previous = 0, auditRoot
	last, err := a.log.Read(ctx, AuditStream(org), core.Scan{Backward: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(last) == 1 {
		tail.sequence, tail.previous = int64(last[0].Offset)+1, auditHash(&last[0])
	}
	tail.known = true
	return nil
}

// What every record says of itself. It is in no hash, and held to this instead.
const (
	auditSource  = "eventflow"
	auditVersion = 1
)

// append stores a record at the tail. Its sequence is its idempotency key, so
// that of several nodes that store the same one, one succeeds.
func (a *Audit) append(org core.ID, tail *auditTail, record core.AuditRecord) (stored bool, err error) {
	payload, err := json.Marshal(core.AuditEntry{
		Actor:   core.AuditActor{User: record.Who.User, Key: record.Who.Key, Label: record.Who.Label, Role: record.Who.Role},
		Target:  core.AuditTarget{Kind: record.Kind, ID: record.Target},
		Address: record.From.Address, UserAgent: record.From.Browser(), RequestID: record.From.RequestID,
		Details: record.Details, Sequence: tail.sequence, Previous: tail.previous,
	})
	if err != nil {
		return false, err
	}
	now := a.now.Stamp()
	entry := core.Entry{Event: core.Event{
		Type: string(record.Action), Version: auditVersion, OccurredAt: now, Source: auditSource, Subject: record.Target,
		Payload: payload, IdempotencyKey: fmt.Sprintf("audit-%d", tail.sequence),
	}}
	_, _ = rand.Read(entry.Fingerprint[:]) // never fails; two nodes' records are never the same
	batch := core.Batch{Org: org, Stream: AuditStream(org), Entries: []core.Entry{entry}}
	if err := a.committer.Commit(batch); err != nil {
		return false, err
	}
	if batch.Entries[0].Outcome != core.Stored {
		return false, nil
	}
	tail.sequence, tail.previous = tail.sequence+1, auditHash(&batch.Entries[0].Event)
	return true, nil
}

// auditHash is the hash of a record: over everything that it says and others do
// not.
func auditHash(event *core.Event) string {
	sum := sha256.New()
	for _, part := range [][]byte{
		event.ID[:], []byte(event.Type), []byte(event.OccurredAt.UTC().Format(time.RFC3339Nano)), []byte(event.ReceivedAt.UTC().Format(time.RFC3339Nano)),
		[]byte(event.Subject), event.Payload,
	} {
		fmt.Fprintf(sum, "%d:", len(part)) // never fails: see the package's documentation
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Trail answers a page of the organization's audit records.
func (a *Audit) Trail(ctx context.Context, who core.Principal, eq core.EventQuery) (core.EventPage, error) {
	if err := core.Authorize(a.query.streams.authorizer, who, core.ActionReadAudit, core.ID{}); err != nil {
		return core.EventPage{}, err
	}
	limit, err := core.PageLimit(eq.Limit)
	if err != nil {
		return core.EventPage{}, err
	}
	eq.Limit = limit
	walk, err := a.query.walkStream(ctx, AuditStream(who.Org), &eq)
	if err != nil {
		return core.EventPage{}, err
	}
	return walk.page(ctx)
}

// AuditMark is a record's number and hash, which stand for it and all records
// before it: kept elsewhere, they show a trail that was cut off or written anew.
type AuditMark struct {
	Record core.Offset
	Hash   string
}

// String is the mark as [ParseAuditMark] reads it.
func (m AuditMark) String() string { return fmt.Sprintf("%d:%s", m.Record, m.Hash) }

// ParseAuditMark reads a mark.
func ParseAuditMark(text string) (AuditMark, error) {
	number, hash, _ := strings.Cut(text, ":")
	record, err := strconv.ParseInt(number, 10, 64)
	if raw, malformed := hex.DecodeString(hash); err != nil || record < 0 || malformed != nil || len(raw) != sha256.Size {
		return AuditMark{}, errors.New("must be a record's number and its whole hash, like 11: and 64 hexadecimal digits")
	}
	return AuditMark{core.Offset(record), strings.ToLower(hash)}, nil
}

// Verified is what a look at a whole trail found.
type Verified struct {
	Records int64
	// Newest is the last record, where there is one.
	Newest AuditMark
	// Fault says what is wrong with the record at At; empty when nothing is.
	Fault string
	At    core.Offset
}

// Verify reads an organization's trail from its beginning and holds each record
// to the one before it, and to the mark that was expected of it. A trail that
// grows meanwhile is checked as far as it is read.
func (a *Audit) Verify(ctx context.Context, org core.ID, expected ...AuditMark) (Verified, error) {
	stream := AuditStream(org)
	bounds, err := a.log.Bounds(ctx, []core.ID{stream}) // before the reading: what comes later is not missed
	if err != nil {
		return Verified{}, err
	}
	verified := Verified{}
	for {
		events, err := a.log.Read(ctx, stream, core.Scan{From: core.Offset(verified.Records), Limit: core.MaxPageSize})
		if err != nil {
			return Verified{}, err
		}
		for i := range events {
			if !verified.follow(&events[i], expected) {
				return verified, nil
			}
		}
		if len(events) < core.MaxPageSize {
			verified.complete(bounds[0].Next, expected)
			return verified, nil
		}
	}
}

// follow goes on to the next record, or notes what is wrong with it.
func (v *Verified) follow(event *core.Event, expected []AuditMark) bool {
	at, previous := core.Offset(v.Records), auditRoot
	if at > 0 {
		previous = v.Newest.Hash
	}
	if v.Fault = checkRecord(event, at, previous); v.Fault != "" {
		v.At = at
		return false
	}
	newest := AuditMark{at, auditHash(event)}
	for _, mark := range expected {
		if mark.Record == at && mark != newest {
			v.At, v.Fault = at, "its hash is not the expected one: the trail up to here was written anew, or is another one"
			return false
		}
	}
	v.Newest, v.Records = newest, v.Records+1
	return true
}

// complete checks that the trail ends where the store says, and not before what
// is expected.
func (v *Verified) complete(next core.Offset, expected []AuditMark) {
	end := core.Offset(v.Records)
	if next > end {
		v.Fault, v.At = "the records from here to the end are missing", end
	}
	for _, mark := range expected {
		if v.Fault == "" && mark.Record >= end {
			v.Fault, v.At = "it is expected and missing: the trail was cut off, or is another one", mark.Record
		}
	}
}

func checkRecord(event *core.Event, offset core.Offset, previous string) string {
	var entry core.AuditEntry
	switch {
	case event.Offset != offset:
		return "it is missing"
	case event.Source != auditSource || event.Version != auditVersion || len(event.Context) > 0 || !event.APIKeyID.IsZero(),
		json.Unmarshal(event.Payload, &entry) != nil:
		return "it is not a record"
	case entry.Sequence != int64(offset):
		return fmt.Sprintf("it says that it is record %d", entry.Sequence)
	case entry.Previous != previous:
		return "it does not follow from the record before it: one of the two was changed, or one in between was removed"
	}
	return ""
}
