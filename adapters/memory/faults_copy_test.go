package memory_test

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

var copyFaults = []fault{
	{"forgets a field in a copy", "copy/every field of an event comes back as it was put", "APIKeyID of the event", putsOtherwise(func(p *core.Stretch) {
		for i := range p.Entries {
			p.Entries[i].APIKeyID = core.ID{}
		}
	})},
	{"tells no fingerprints", "copy/every field of an event comes back as it was put", "Entries must return what was put", func(f *faulty) {
		f.entry = func(e *core.Entry) { e.Fingerprint = core.Fingerprint{} }
	}},
	{"puts no keys", "copy/keys count as where they came from", "must be a Duplicate", putsOtherwise(func(p *core.Stretch) {
		for i := range p.Entries {
			p.Entries[i].Fingerprint = core.Fingerprint{}
		}
	})},
	{"drops the last event of a stretch", "copy/a stream goes over as it is", "Put: unexpected error", putsOtherwise(func(p *core.Stretch) {
		p.Entries = p.Entries[:max(len(p.Entries)-1, 1)]
	})},
	{"takes what is there for good", "copy/what does not fit is refused as a whole", "must be refused as a CONFLICT", func(f *faulty) {
		sound := f.put
		f.put = func(ctx context.Context, p core.Stretch) error {
			next := f.boundsOf(p.Stream).Next
			for len(p.Entries) > 0 && p.Entries[0].Offset < next {
				p.Entries = p.Entries[1:]
			}
			return sound(ctx, p)
		}
	}},
	{"begins every stream at its first event", "copy/an emptied stream keeps its end and its clock", "Bounds must be", putsOtherwise(func(p *core.Stretch) { p.First = 0 })},
	{"removes nothing", "copy/what the source has removed goes here, too", "Bounds must be", func(f *faulty) {
		sound := f.put
		f.put = func(ctx context.Context, p core.Stretch) error {
			if f.boundsOf(p.Stream).Next > 0 {
				p.First = f.boundsOf(p.Stream).First
			}
			return sound(ctx, p)
		}
	}},
	{"forgets the clock of an emptied stream", "copy/an emptied stream keeps its end and its clock", "Bounds must be", putsOtherwise(func(p *core.Stretch) {
		p.Last = start
	})},
}

// start is before all times of the suite.
var start = core.ID{}.Time()

// putsOtherwise changes what is put. The suite's own events stay as they are.
func putsOtherwise(change func(*core.Stretch)) func(*faulty) {
	return func(f *faulty) {
		sound := f.put
		f.put = func(ctx context.Context, p core.Stretch) error {
			p.Entries = append([]core.Entry(nil), p.Entries...)
			change(&p)
			return sound(ctx, p)
		}
	}
}
