package memory_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

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
	{"reads whoever asks", walls, "must see nothing of the stream", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			return f.shared.Read(forAll(ctx), stream, scan)
		}
	}},
	{"lists whoever asks", walls, "ReadAll for another organization", func(f *faulty) {
		f.readAll = func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
			return f.shared.ReadAll(forAll(ctx), org, scan)
		}
	}},
	{"tells bounds whoever asks", walls, "Bounds for another organization", func(f *faulty) {
		f.bounds = func(stream core.ID, _ core.Bounds) core.Bounds { return f.boundsOf(stream) }
	}},
	{"finds times whoever asks", walls, "OffsetAt for another organization", func(f *faulty) {
		f.offsetAt = func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
			return f.shared.OffsetAt(forAll(ctx), stream, at)
		}
	}},
	{"trims whoever asks", walls, "must be read", func(f *faulty) {
		f.trim = func(ctx context.Context, stream core.ID, before time.Time) error {
			return f.shared.Trim(forAll(ctx), stream, before)
		}
	}},
	{"shows nobody the own stream", walls, "Read for the stream's organization", func(f *faulty) {
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			if !core.OrganizationOf(ctx).IsZero() {
				return nil, nil
			}
			return f.shared.Read(ctx, stream, scan)
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

// forAll takes the mark of an organization from a context.
func forAll(ctx context.Context) context.Context { return core.ContextWithOrganization(ctx, core.ID{}) }

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
