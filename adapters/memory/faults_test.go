package memory_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	closing    = "check and close/calls after Close fail and do not panic"
	reopening  = "reopen/events, bounds and the clock survive"
	secondSees = "second/what one appended the other sees and goes on from"
)

var faults = slices.Concat(appendFaults, keyFaults, readFaults, trimFaults, handleFaults)

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

var keyFaults = []fault{
	{"stores a retry again", duplicate, "must be a Duplicate", forgetsKeys(always)},
	{"stores a retry again, in a history", history, "Features.Seed", forgetsKeys(always)},
	{"answers a retry with a new id", duplicate, "ID and Offset of the first event", answers(func(e *core.Entry, _ time.Time) {
		if e.Outcome == core.Duplicate {
			e.ID[15]++
		}
	})},
	{"answers a retry with the time of the retry", duplicate, "ReceivedAt of the first event", answers(func(e *core.Entry, at time.Time) { e.ReceivedAt = at })},
	{"takes a mismatch for a duplicate", mismatch, "must be a Mismatch", answers(func(e *core.Entry, _ time.Time) {
		if e.Outcome == core.Mismatch {
			e.Outcome = core.Duplicate
		}
	})},
	{"stores a mismatch", mismatch, "events must be read", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			for _, b := range batches {
				for _, e := range b.Entries {
					if e.Outcome == core.Mismatch {
						e.IdempotencyKey = ""
						b.Entries = []core.Entry{e}
						err = errors.Join(err, f.shared.Append(ctx, at, []core.Batch{b}))
					}
				}
			}
			return err
		}
	}},
	{"refuses a call with a known key", "keys/a refused entry takes no offset from its neighbours", "the other entries of the call must be stored", func(f *faulty) {
		known := map[string]bool{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			refuse := false
			eachEntry(batches, func(e *core.Entry) { refuse = refuse || known[e.IdempotencyKey] })
			return without(ctx, f.shared, at, batches, func(_ core.ID, e *core.Entry) bool {
				known[e.IdempotencyKey] = e.IdempotencyKey != ""
				e.Outcome = core.Mismatch
				if e.IdempotencyKey == "k" {
					e.Outcome = core.Duplicate
				}
				return refuse
			})
		}
	}},
	{"moves Last for a duplicate", "keys/an append that stores nothing moves no bound", "Bounds must be", func(f *faulty) {
		last := map[core.ID]time.Time{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				last[b.Stream] = at
			}
			return f.shared.Append(ctx, at, batches)
		}
		f.bounds = func(stream core.ID, b core.Bounds) core.Bounds { b.Last = last[stream]; return b }
	}},
	{"takes keys in any case", "keys/keys differ when their bytes do", "each must have an event of its own", renamesKeys(strings.ToLower)},
	{"takes keys without blanks", "keys/keys differ when their bytes do", "each must have an event of its own", renamesKeys(strings.TrimSpace)},
	{"knows keys across streams", "keys/keys belong to one stream", "must mean nothing to another", func(f *faulty) {
		known := map[string]core.ID{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return without(ctx, f.shared, at, batches, func(stream core.ID, e *core.Entry) bool {
				owner, taken := known[e.IdempotencyKey]
				if !taken && e.IdempotencyKey != "" {
					known[e.IdempotencyKey] = stream
				}
				e.Outcome = core.Duplicate
				return taken && owner != stream
			})
		}
	}},
	{"ignores the window", keyWindow, "must count as never seen", movesWindow(func(time.Time) time.Time { return time.Time{} })},
	{"ignores the window, in a history", history, "Features.Seed", movesWindow(func(time.Time) time.Time { return time.Time{} })},
	{"closes the window too early", keyWindow, "must be a Duplicate", movesWindow(func(since time.Time) time.Time { return since.Add(time.Microsecond) })},
	{"looks up a hundred keys at most", "keys/one call may hold a thousand known and a thousand new keys", "must be a Duplicate", forgetsKeys(
		func(_ *faulty, _ core.ID, e *core.Entry) bool { return len(e.IdempotencyKey) == len("key-100") })},
	{"remembers the keys of what was trimmed", "keys/keys go with the events that Trim removes", "must be forgotten", func(f *faulty) {
		known := map[string]core.Entry{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := without(ctx, f.shared, at, batches, func(stream core.ID, e *core.Entry) bool {
				old, ok := known[stream.String()+e.IdempotencyKey]
				if ok {
					e.Outcome, e.ID, e.Offset, e.ReceivedAt = core.Duplicate, old.ID, old.Offset, old.ReceivedAt
				}
				return ok
			})
			eachEntry(batches, func(e *core.Entry) {
				if e.IdempotencyKey != "" {
					known[e.Stream.String()+e.IdempotencyKey] = *e
				}
			})
			return err
		}
	}},
	{"forgets a key with its first event", "keys/a key taken over outlives its first event", "must outlive the first event", forgetsKeys(
		func(f *faulty, stream core.ID, _ *core.Entry) bool { return f.boundsOf(stream).First > 0 })},
	{"looks a key up outside of the transaction", "keys/a race for one key stores one event", "all who race for a key", ownKeys},
}

// answers changes what Append answers.
func answers(change func(*core.Entry, time.Time)) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			err := f.shared.Append(ctx, at, batches)
			eachEntry(batches, func(e *core.Entry) { change(e, at) })
			return err
		}
	}
}

func always(*faulty, core.ID, *core.Entry) bool { return true }

// forgetsKeys appends some entries as if they had no idempotency key.
func forgetsKeys(of func(*faulty, core.ID, *core.Entry) bool) func(*faulty) {
	return func(f *faulty) {
		keys := map[core.ID]string{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				eachEntry([]core.Batch{b}, func(e *core.Entry) {
					if of(f, b.Stream, e) {
						keys[e.ID], e.IdempotencyKey = e.IdempotencyKey, ""
					}
				})
			}
			err := f.shared.Append(ctx, at, batches)
			eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = cmp.Or(e.IdempotencyKey, keys[e.ID]) })
			return err
		}
		f.event = func(e *core.Event) { e.IdempotencyKey = cmp.Or(e.IdempotencyKey, keys[e.ID]) }
	}
}

func renamesKeys(rename func(string) string) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = rename(e.IdempotencyKey) })
			return f.shared.Append(ctx, at, batches)
		}
	}
}

func movesWindow(move func(time.Time) time.Time) func(*faulty) {
	return func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			batches = slices.Clone(batches)
			for i := range batches {
				batches[i].KeysSince = move(batches[i].KeysSince)
			}
			return f.shared.Append(ctx, at, batches)
		}
	}
}

// ownKeys lets each handle know only the keys that it stored itself.
func ownKeys(f *faulty) {
	handle := fmt.Sprintf("%p:", f)
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		eachEntry(batches, func(e *core.Entry) {
			if e.IdempotencyKey != "" {
				e.IdempotencyKey = handle + e.IdempotencyKey
			}
		})
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) { e.IdempotencyKey = strings.TrimPrefix(e.IdempotencyKey, handle) })
		return err
	}
	f.event = func(e *core.Event) { e.IdempotencyKey = e.IdempotencyKey[strings.Index(e.IdempotencyKey, ":")+1:] }
}

var readFaults = []fault{
	{"includes the end", ranges, "must answer the offsets", scans(func(scan *core.Scan) {
		if scan.To > 0 && scan.To < 100 {
			scan.To++
		}
	})},
	{"takes a range of nothing for one without an end", ranges, "must answer the offsets", scans(func(scan *core.Scan) {
		if scan.To <= scan.From {
			scan.To = 0
		}
	})},
	{"answers one event too many", ranges, "must answer the offsets", scans(func(scan *core.Scan) { scan.Limit++ })},
	{"turns the first events round", ranges, "must answer the offsets", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			turn := scan.Backward
			scan.Backward = false
			events, err := f.shared.Read(ctx, stream, scan)
			if turn {
				slices.Reverse(events)
			}
			return events, err
		}
	}},
	{"ignores the subject", filters, "must answer the offsets", scans(func(scan *core.Scan) { scan.Filter.Subject = "" })},
	{"filters by the id alone", filters, "must answer the offsets", scans(func(scan *core.Scan) {
		if !scan.Filter.ID.IsZero() {
			scan.Filter = core.Filter{ID: scan.Filter.ID}
		}
	})},
	{"filters regardless of case", filters, "must answer the offsets", scans(func(scan *core.Scan) {
		scan.Filter.Type = strings.ToLower(scan.Filter.Type)
	})},
	{"filters after the limit", "read/a limit counts the events that match", "must answer the first events that match", filtersLate},
	{"filters after the limit, in a history", history, "Features.Seed", filtersLate},
	{"ignores the bytes", readBytes, "brings the sum of the sizes to Bytes", scans(func(scan *core.Scan) { scan.Bytes = 0 })},
	{"ends before the bytes are full", readBytes, "brings the sum of the sizes to Bytes", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if scan.Bytes > 0 && len(events) > 1 {
				events = events[:len(events)-1]
			}
			return events, err
		}
	}},
	{"does not know a stream", "read/a stream never written to is empty", "Read: unexpected error", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			if f.boundsOf(stream).Next == 0 {
				return nil, core.Errorf(core.CodeNotFound, "no such stream")
			}
			return f.shared.Read(ctx, stream, scan)
		}
	}},
	{"mixes the bounds up", "read/bounds follow the order of the streams", "Bounds must follow the order", func(f *faulty) {
		var first *core.Bounds
		f.bounds = func(_ core.ID, b core.Bounds) core.Bounds {
			if first == nil {
				first = &b
			}
			return *first
		}
	}},
	{"gives its own memory away", outputs, "the payload must be kept", func(f *faulty) {
		own := map[core.ID]json.RawMessage{}
		f.event = func(e *core.Event) {
			if own[e.ID] == nil {
				own[e.ID] = e.Payload
			}
			e.Payload = own[e.ID]
		}
	}},
	{"cuts the events of a page from one buffer", outputs, "the payload must be kept", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			page := make([]byte, 0, 1<<20)
			for i := range events {
				from := len(page)
				page = append(page, events[i].Payload...)
				events[i].Payload = page[from:]
			}
			return events, err
		}
	}},
	{"answers a part when its time is up", "read/a call cut at any moment answers all or fails", "or fail when its context ends", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if ctx.Err() != nil {
				events = events[:len(events)/2]
			}
			return events, err
		}
	}},
	{"orders by stream first", allSorted, "must answer by time, then stream, then offset", reorders(func(a, b core.Event) int {
		return cmp.Or(bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
	})},
	{"orders streams by signed bytes", allSorted, "must answer by time, then stream, then offset", reorders(func(a, b core.Event) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(int8(a.Stream[0]), int8(b.Stream[0])), bytes.Compare(a.Stream[:], b.Stream[:]), cmp.Compare(a.Offset, b.Offset))
	})},
	{"repeats the last event of a page", positions, "must answer by time, then stream, then offset", allScans(func(scan *core.AllScan) { scan.After.Offset-- })},
	{"repeats the last event of a page, in a history", history, "Features.Seed", allScans(func(scan *core.AllScan) { scan.After.Offset-- })},
	{"pages by time alone", positions, "must answer by time, then stream, then offset", allScans(func(scan *core.AllScan) {
		scan.Before.Stream, scan.Before.Offset = core.ID{}, 0
	})},
	{"counts places in nanoseconds", "read all/reading goes on from places where no event is", "must answer by time", allScans(func(scan *core.AllScan) {
		if !scan.After.IsZero() {
			scan.After.ReceivedAt = time.Unix(0, scan.After.ReceivedAt.UnixNano())
		}
	})},
	{"cuts a page short", "read all/pages of any size put together are the whole", "must answer by time", func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			if len(events) == 7 {
				events = append(events[:5], events[6])
			}
			return events, err
		}
	}},
	{"ignores the bytes of all streams", "read all/an answer ends with the event that fills its bytes", "must answer by time", allScans(func(scan *core.AllScan) { scan.Bytes = 0 })},
	{"shows other organizations' events", "read all/an organization sees its own events only", "events must be read", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			batches = slices.Clone(batches)
			for i := range batches {
				batches[i].Org = core.ID{1}
			}
			return f.shared.Append(ctx, at, batches)
		}
		f.readAll = func(ctx context.Context, _ core.ID, scan core.AllScan) ([]core.Event, error) {
			return f.shared.ReadAll(ctx, core.ID{1}, scan)
		}
	}},
	{"finds the first event after a time", "offset at/it is the first event not before a time", "OffsetAt", func(f *faulty) {
		f.offsetAt = func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
			return f.shared.OffsetAt(ctx, stream, at.Add(time.Microsecond))
		}
	}},
	{"finds the last event when there is none", "offset at/it is the next offset when there is no such event", "OffsetAt", func(f *faulty) {
		f.offsetAt = func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
			offset, err := f.shared.OffsetAt(ctx, stream, at)
			return min(offset, f.boundsOf(stream).Next-1), err
		}
	}},
	{"finds what was trimmed", "offset at/it is a retained event after a trim", "OffsetAt", func(f *faulty) {
		f.offsetAt = func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
			offset, err := f.shared.OffsetAt(ctx, stream, at)
			if offset == f.boundsOf(stream).First {
				offset = 0
			}
			return offset, err
		}
	}},
}

func scans(change func(*core.Scan)) func(*faulty) {
	return func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			change(&scan)
			return f.shared.Read(ctx, stream, scan)
		}
	}
}

func allScans(change func(*core.AllScan)) func(*faulty) {
	return func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			change(&scan)
			return f.shared.ReadAll(ctx, org, scan)
		}
	}
}

func reorders(order func(a, b core.Event) int) func(*faulty) {
	return func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			slices.SortFunc(events, order)
			return events, err
		}
	}
}

func filtersLate(f *faulty) {
	f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
		filter := scan.Filter
		scan.Filter = core.Filter{}
		events, err := f.shared.Read(ctx, stream, scan)
		return slices.DeleteFunc(events, func(e core.Event) bool {
			return !filter.ID.IsZero() && filter.ID != e.ID || filter.Type != "" && filter.Type != e.Type ||
				filter.Source != "" && filter.Source != e.Source || filter.Subject != "" && filter.Subject != e.Subject
		}), err
	}
}

const day = 24 * time.Hour

var trimFaults = []fault{
	{"trims too much", "trim/no event received at or after the time is removed", "must keep the event received at", trims(day)},
	{"trims too much, in a history", history, "must keep the event received at", trims(day)},
	{"trims too little", "trim/all of a period that ended before the time is removed", "must remove the event received at", trims(-2 * day)},
	{"counts anew after a trim", "trim/offsets of what remains do not change", "Offset of the event", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			for i := range events {
				events[i].Offset -= f.boundsOf(stream).First
			}
			return events, err
		}
	}},
	{"shows what was trimmed in another list", "trim/offsets of what remains do not change", "events must be read", func(f *faulty) {
		removed := map[core.ID][]core.Event{}
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			events, _ := f.shared.Read(ctx, stream, core.Scan{Limit: 1})
			removed[stream] = append(removed[stream], events...)
			return f.shared.Trim(ctx, stream, before)
		}
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			events, err := f.shared.ReadAll(ctx, org, scan)
			for _, more := range removed {
				events = append(events, more...)
			}
			return events, err
		}
	}},
	{"gives offsets again", "trim/removed offsets are never given again", "must be", startsAnew},
	{"forgets the clock with the events", "trim/an earlier time is refused even when nothing is left", "must be refused with a *core.ClockError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			if b := f.boundsOf(batches[0].Stream); b.First == b.Next {
				return late(ctx, f.shared, at, batches)
			}
			return f.shared.Append(ctx, at, batches)
		}
	}},
	{"trims every stream", "trim/other streams keep their events", "events must be read", func(f *faulty) {
		seen := map[core.ID]bool{}
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			for _, b := range batches {
				seen[b.Stream] = true
			}
			return f.shared.Append(ctx, at, batches)
		}
		f.trim = func(ctx context.Context, _ core.ID, before time.Time) error {
			var errs []error
			for stream := range seen {
				errs = append(errs, f.shared.Trim(ctx, stream, before))
			}
			return errors.Join(errs...)
		}
	}},
	{"trims on when called again", "trim/calling again changes nothing", "Bounds must be", func(f *faulty) {
		var last time.Time
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			if !before.After(last) {
				before = last.Add(day)
			}
			last = before
			return f.shared.Trim(ctx, stream, before)
		}
	}},
	{"trims what comes meanwhile", "trim/appends and reads go on meanwhile", "must be", func(f *faulty) {
		trimming := false
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			trimming = true
			return f.shared.Trim(ctx, stream, before)
		}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if trimming {
				events = nil
			}
			return events, err
		}
	}},
}

func trims(by time.Duration) func(*faulty) {
	return func(f *faulty) {
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			return f.shared.Trim(ctx, stream, before.Add(by))
		}
	}
}

// startsAnew begins at offset 0 when a stream has been emptied.
func startsAnew(f *faulty) {
	base := map[core.ID]core.Offset{}
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		for _, b := range batches {
			if bounds := f.boundsOf(b.Stream); bounds.First == bounds.Next {
				base[b.Stream] = bounds.Next
			}
		}
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) { e.Offset -= base[e.Stream] })
		return err
	}
	f.event = func(e *core.Event) { e.Offset -= base[e.Stream] }
}

var handleFaults = []fault{
	{"lets events become visible late", follow, "an event became visible late", func(f *faulty) {
		hidden := map[core.ID]bool{}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			if len(events) > 1 && !hidden[events[0].ID] {
				hidden[events[0].ID] = true
				events = events[1:]
			}
			return events, err
		}
	}},
	{"tells offsets from its own count", follow, "is not there", ownOffsets},
	{"goes on from its own count", secondSees, "offsets must be gapless", ownOffsets},
	{"reads what was there the last time", acked, "Read must see the event", func(f *faulty) {
		then := map[core.ID]core.Offset{}
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := f.shared.Read(ctx, stream, scan)
			events = slices.DeleteFunc(events, func(e core.Event) bool { return e.Offset >= then[stream] })
			then[stream] = f.boundsOf(stream).Next
			return events, err
		}
	}},
	{"does not say that it forgets", "check and close/Check is honest about durability", "Check: unexpected error", func(f *faulty) {
		f.check = core.ErrRelaxedDurability
	}},
	{"stays open", closing, "after Close must fail", func(f *faulty) { f.close = func() error { return nil } }},
	{"does not know what became of a call after Close", closing, "must fail for certain", func(f *faulty) {
		f.closedError = core.ErrUnknownOutcome
	}},
	{"goes on writing after Close", "check and close/Close waits for running calls", "Append must fail after Close", func(f *faulty) {
		f.close = func() error { return nil }
	}},
	{"loses the last event", reopening, "events must be read", losesLast},
	{"loses what was written last", "reopen/what was acknowledged while closing survives", "while closing must be there", losesLast},
	{"loses the keys", "reopen/idempotency keys survive", "must be a Duplicate", forgetsKeys(func(f *faulty, _ core.ID, _ *core.Entry) bool { return f.reopened })},
	{"loses the bounds", reopening, "Bounds must be", func(f *faulty) {
		if f.reopened {
			f.bounds = func(_ core.ID, b core.Bounds) core.Bounds { b.Last = time.Time{}; return b }
		}
	}},
	{"loses the clock", reopening, "must be refused with a *core.ClockError", func(f *faulty) {
		if f.reopened {
			f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
				return late(ctx, f.shared, at, batches)
			}
		}
	}},
	{"loses the trim", "reopen/what was trimmed stays gone", "Bounds must be", func(f *faulty) {
		if f.reopened {
			f.bounds = func(_ core.ID, b core.Bounds) core.Bounds { b.First = 0; return b }
		}
	}},
	{"keeps a clock of its own", "second/the clock is one", "must be refused with a *core.ClockError", func(f *faulty) {
		f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
			return late(ctx, f.shared, at, batches)
		}
	}},
	{"keeps keys of its own", "second/idempotency keys are one", "must be a Duplicate", ownKeys},
	{"remembers the first bounds", "second/what one trims is gone for the other", "Bounds must be", func(f *faulty) {
		first := map[core.ID]core.Offset{}
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			err := f.shared.Trim(ctx, stream, before)
			first[stream] = f.boundsOf(stream).First
			return err
		}
		f.bounds = func(stream core.ID, b core.Bounds) core.Bounds { b.First = first[stream]; return b }
	}},
	{"closes the others", "second/closing one leaves the other", "Append: unexpected error", func(f *faulty) { f.close = f.shared.Close }},
}

// ownOffsets tells offsets that each handle counts by itself.
func ownOffsets(f *faulty) {
	next := map[core.ID]core.Offset{}
	f.append = func(ctx context.Context, at time.Time, batches []core.Batch) error {
		err := f.shared.Append(ctx, at, batches)
		eachEntry(batches, func(e *core.Entry) {
			e.Offset = next[e.Stream]
			next[e.Stream]++
		})
		return err
	}
}

func losesLast(f *faulty) {
	if !f.reopened {
		return
	}
	f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
		events, err := f.shared.Read(ctx, stream, scan)
		return events[:max(0, len(events)-1)], err
	}
}
