package memory_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	gapless    = "append/offsets are gapless in the order of batches and entries"
	fields     = "append/every field comes back as it was stored"
	clock      = "append/an earlier time is refused and stores nothing"
	duplicate  = "keys/a known key with the same payload answers with the first event"
	mismatch   = "keys/a known key with another payload stores nothing"
	keyWindow  = "keys/keys received before the window are free to be taken over"
	ranges     = "read/ranges, order and limit"
	filters    = "read/a filter matches by equality in every field"
	outputs    = "read/the answer belongs to the caller"
	readBytes  = "read/an answer ends with the event that fills its bytes"
	allSorted  = "read all/events are ordered by time, stream and offset"
	positions  = "read all/reading goes on from any event, both ends exclusive"
	follow     = "concurrent/a reader that follows by offset misses nothing and sees nothing late"
	acked      = "concurrent/what Append acknowledged the next Read sees"
	history    = "history/random histories agree with the model"
	walls      = "read/work for one organization sees and removes nothing of another one"
	closing    = "check and close/calls after Close fail and do not panic"
	reopening  = "reopen/events, bounds and the clock survive"
	secondSees = "second/what one appended the other sees and goes on from"
)

var faults = slices.Concat(appendFaults, keyFaults, readFaults, trimFaults, copyFaults, moveFaults, shardFaults, handleFaults)

var appendFaults = []fault{
	{"drops an entry", gapless, "offsets must be gapless", dropsEvery(2)},
	{"drops what is too much for one statement", "append/one call appends ten thousand entries", "offsets must be gapless", dropsEvery(2000)},
	{"drops one entry in fifty", follow, "must see every acknowledged event", dropsEvery(50)},
	{"leaves gaps", gapless, "offsets must be gapless", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			eachEntry(batches, func(e *core.Entry) { e.Offset *= 2 })
			return err
		}
		f.event = func(e *core.Event) { e.Offset *= 2 }
	}},
	{"turns the batches round", gapless, "offsets must be gapless", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			batches = slices.Clone(batches)
			slices.Reverse(batches)
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"keeps milliseconds", fields, "OccurredAt of the event", func(f *faulty) {
		f.event = func(e *core.Event) { e.OccurredAt = e.OccurredAt.Truncate(time.Millisecond) }
	}},
	{"answers in local time", fields, "OccurredAt of the event", func(f *faulty) {
		f.event = func(e *core.Event) { e.OccurredAt = e.OccurredAt.In(time.FixedZone("", 3600)) }
	}},
	{"counts occurred_at in nanoseconds", fields, "OccurredAt of the event", func(f *faulty) {
		f.event = func(e *core.Event) { e.OccurredAt = time.Unix(0, e.OccurredAt.UnixNano()).UTC() }
	}},
	{"forgets the producer", fields, "APIKeyID of the event", func(f *faulty) {
		f.event = func(e *core.Event) { e.APIKeyID = core.ID{} }
	}},
	{"makes an empty context an object", "append/empty fields come back empty", "context must be kept", func(f *faulty) {
		f.event = func(e *core.Event) { e.Context = json.RawMessage(cmp.Or(string(e.Context), "{}")) }
	}},
	{"trims text", "append/text is kept whatever characters it has", "Type of the event", func(f *faulty) {
		f.event = func(e *core.Event) { e.Type = strings.TrimSpace(e.Type) }
	}},
	{"serialises the payload anew", "append/payload and context are kept byte for byte", "the payload must be kept byte for byte", func(f *faulty) {
		f.event = func(e *core.Event) {
			var value any
			if json.Unmarshal(e.Payload, &value) == nil {
				e.Payload, _ = json.Marshal(value)
			}
		}
	}},
	{"compacts the context", "append/payload and context are kept byte for byte", "the context must be kept byte for byte", func(f *faulty) {
		f.event = func(e *core.Event) {
			var b bytes.Buffer
			if json.Compact(&b, e.Context) == nil {
				e.Context = b.Bytes()
			}
		}
	}},
	{"stores seconds", "append/the time given is the time received", "ReceivedAt must be the time given", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return f.shared.Append(ctx, at.Truncate(time.Second), batches)
		}
	}},
	{"trusts the outcome that an entry comes with", "append/what an entry's outcome was before means nothing", "must be stored whatever Outcome", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return without(ctx, f.shared, at, batches, func(_ core.ID, e *core.Entry) bool { return e.Outcome != core.Stored })
		}
	}},
	{"ignores the clock", clock, "must be refused with a *core.ClockError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return late(ctx, f.shared, at, batches)
		}
	}},
	{"stores half a call", clock, "events must be read", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			for i := range batches {
				if err != nil {
					_ = f.shared.Append(ctx, at, batches[i:i+1])
				}
			}
			return err
		}
	}},
	{"refuses an equal time", "append/an equal time is taken", "Append: unexpected error", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if last := f.boundsOf(batches[0].Stream).Last; last.Equal(at) {
				return &core.ClockError{Last: last.Add(time.Microsecond)}
			}
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"stores what was cancelled", "append/a cancelled call stores nothing", "must store nothing", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return errors.Join(f.shared.Append(context.WithoutCancel(ctx), at, batches), ctx.Err())
		}
	}},
	{"stops in the middle", "append/a call cut at any moment stores all or nothing", "failed for certain", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for i := range batches {
				if err := f.shared.Append(ctx, at, batches[i:i+1]); err != nil {
					return err
				}
				if _, cut := ctx.Deadline(); cut {
					<-ctx.Done()
				}
			}
			return nil
		}
	}},
	{"keeps the caller's memory", "append/nothing of the batches is kept", "the log changed with the caller's memory", func(f *faulty) {
		kept := map[core.ID]json.RawMessage{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			eachEntry(batches, func(e *core.Entry) { kept[e.ID] = e.Payload })
			return f.shared.Append(ctx, at, batches)
		}
		f.event = func(e *core.Event) { e.Payload = kept[e.ID] }
	}},
}

func eachEntry(batches []core.Batch, do func(*core.Entry)) {
	for i := range batches {
		for j := range batches[i].Entries {
			do(&batches[i].Entries[j])
		}
	}
}

// dropsEvery acknowledges one entry in so many without storing it.
func dropsEvery(nth int) func(*faulty) {
	return func(f *faulty) {
		count := 0
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return without(ctx, f.shared, at, batches, func(core.ID, *core.Entry) bool {
				count++
				return count%nth == 0
			})
		}
	}
}

// without appends all entries but some.
func without(ctx context.Context, storage core.Storage, at time.Time, batches []core.Batch, some func(core.ID, *core.Entry) bool) error {
	rest := slices.Clone(batches)
	var from []*core.Entry
	for i := range rest {
		rest[i].Entries = nil
		for j := range batches[i].Entries {
			if entry := &batches[i].Entries[j]; !some(batches[i].Stream, entry) {
				rest[i].Entries = append(rest[i].Entries, *entry)
				from = append(from, entry)
			}
		}
	}
	if err := storage.Append(ctx, at, rest); err != nil {
		return err
	}
	for i := range rest {
		for j := range rest[i].Entries {
			*from[0], from = rest[i].Entries[j], from[1:]
		}
	}
	return nil
}

// late appends at the streams' time when the time given is before it.
func late(ctx context.Context, storage core.Storage, at time.Time, batches []core.Batch) error {
	for {
		var behind *core.ClockError
		err := storage.Append(ctx, at, batches)
		if !errors.As(err, &behind) {
			return err
		}
		at = behind.Last
	}
}
