package eventlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// misfits decides what becomes of events that do not fit their schema.
type misfits struct {
	store  core.SchemaStore
	shares *Shares
	now    core.Clock
	told   func(core.Enforcement)

	// mu guards reported: how many events each stream took that did not fit, since they
	// were last noted in the store.
	mu       sync.Mutex
	reported map[core.ID]int64
}

// misfitEvent is an event that did not fit.
type misfitEvent struct {
	stream *OpenStream
	event  core.Event
	why    *core.Error
}

// meet looks at a refusal by a schema. It returns nil where the event is to be stored all
// the same. Otherwise a misfit without an error is to be kept in quarantine.
func (m *misfits) meet(who core.Principal, stream *OpenStream, draft *eventjson.Draft, err error) (*misfitEvent, error) {
	why, is := errors.AsType[*core.Error](err)
	if !is || why.Code != core.CodeSchemaMismatch {
		return nil, err
	}
	enforcement := stream.Enforcement
	if enforcement == "" || m.store == nil {
		enforcement = core.EnforceReject
	}
	if m.told != nil {
		m.told(enforcement)
	}
	switch enforcement {
	case core.EnforceReport:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.reported[stream.ID]++
		return nil, nil //nolint:nilnil // nothing is wrong
	case core.EnforceQuarantine:
		return &misfitEvent{stream, entry(who, draft).Event, why}, nil
	case core.EnforceReject:
	}
	return nil, err
}

// keep puts events into quarantine and returns an answer for each. Those for which there
// is no room are refused as they would be without a quarantine.
func (m *misfits) keep(ctx context.Context, org core.ID, all []*misfitEvent) []Item {
	items, now := make([]Item, len(all)), m.now.Stamp()
	room, err := m.room(ctx, org)
	kept := make([]core.Quarantined, 0, len(all))
	for i, one := range all {
		event := one.event
		event.Stream, event.ReceivedAt = one.stream.ID, now
		if event.OccurredAt.IsZero() {
			event.OccurredAt = now
		}
		if int64(len(kept)) >= room || err != nil {
			items[i].Err = full(one.why, err)
			continue
		}
		kept = append(kept, core.Quarantined{ID: core.RandomID(now), Org: org, Event: event, Reasons: one.why.Details})
	}
	stored := slices.Clone(kept)
	if failed := m.store.Quarantine(ctx, kept); failed != nil {
		err = core.StoreFailed(failed)
	}
	next := 0
	for i := range items {
		if items[i].Err != nil {
			continue
		}
		if items[i].Err = err; err == nil {
			items[i].Receipt = core.Receipt{
				Status: core.InQuarantine, Offset: core.NoOffset, Quarantine: kept[next].ID, ReceivedAt: now, Reasons: kept[next].Reasons,
				Duplicate: kept[next].ID != stored[next].ID,
			}
		}
		next++
	}
	return items
}

// room returns how many events an organization may still put into quarantine.
func (m *misfits) room(ctx context.Context, org core.ID) (int64, error) {
	allowed, err := m.shares.Allowed(ctx, org)
	if err != nil || m.shares == nil {
		return allowed.Quarantine, err
	}
	held, err := m.shares.Holdings.Held(ctx, org)
	return allowed.Quarantine - held.Quarantine, core.StoreFailed(err)
}

// full refuses an event for which the quarantine has no room.
func full(why *core.Error, err error) error {
	if err != nil {
		return err
	}
	refused := *why
	refused.Message += "; and the quarantine is full: ingest or discard what is there"
	refused.Details = append(slices.Clone(why.Details), core.Detail{Field: string(core.ShareQuarantine), Reason: "is full"})
	return &refused
}

// note stores how many events were reported since the last time.
func (m *misfits) note(ctx context.Context) error {
	m.mu.Lock()
	counts := m.reported
	m.reported = map[core.ID]int64{}
	m.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	err := m.store.NoteReported(ctx, counts)
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		for id, count := range counts {
			m.reported[id] += count
		}
	}
	return err
}

// noteInterval is how often reports are noted in the store, and so how many of them get
// lost with a node at most.
const noteInterval = 2 * time.Second

// Run notes how many events were taken that do not fit, until ctx ends and once more
// then. It tells ran of `reports`.
func (s *Streams) Run(ctx context.Context, ran core.Ran) {
	tick := time.NewTicker(noteInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			ran.Tell("reports", s.misfits.note(ctx))
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteInterval)
	defer cancel()
	_ = s.misfits.note(last) // nobody is left to tell
}

// versionSchema is a registered version, compiled when the first event needs it.
type versionSchema struct {
	core.SchemaVersion
	compiler core.SchemaCompiler
	once     sync.Once
	compiled core.Schema
}

// schema returns what the payloads must fit.
func (v *versionSchema) schema() core.Schema {
	v.once.Do(func() { v.compiled = reopen(v.compiler, v.SchemaVersion.Schema) })
	return v.compiled
}

// typeSchemas are the versions of one type.
type typeSchemas map[int32]*versionSchema

// unknown refuses an event of a version that the type does not have.
func (t typeSchemas) unknown(event *core.Event) error {
	const shown = 10
	versions := slices.Sorted(maps.Keys(t))
	text := fmt.Sprint(versions[max(0, len(versions)-shown):])
	if len(versions) > shown {
		text = "… " + text
	}
	reason := fmt.Sprintf("%d is no version of %q that has a schema; there are %s", event.Version, event.Type, text)
	return &core.Error{
		Code: core.CodeSchemaMismatch, Message: "event_version: " + reason,
		Details: []core.Detail{{Field: "event_version", Reason: reason}},
	}
}

// versions returns the schemas of a stream by type, and takes over what is compiled.
func (s *Streams) versions(ctx context.Context, stream *core.Stream, old *OpenStream) (map[string]typeSchemas, error) {
	if stream.SchemaVersions == 0 || s.Versions == nil {
		return nil, nil
	}
	all, err := s.Versions.Schemas(ctx, stream.ID)
	if err != nil {
		return nil, err
	}
	types := map[string]typeSchemas{}
	for i := range all {
		of, version := all[i].EventType, all[i].Version
		if types[of] == nil {
			types[of] = typeSchemas{}
		}
		made := &versionSchema{SchemaVersion: all[i], compiler: s.Schemas}
		if old != nil {
			if known := old.types[of][version]; known != nil && known.ID == made.ID {
				made = known
			}
		}
		types[of][version] = made
	}
	return types, nil
}

func reopen(compiler core.SchemaCompiler, schema []byte) core.Schema {
	compiled, err := compiler.Reopen(schema)
	if err != nil {
		return refusedSchema{err}
	}
	return compiled
}
