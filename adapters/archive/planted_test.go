package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

// envFault names the fault that TestFaulty plants; without it there is none.
const envFault = "EVENTFLOW_TEST_FAULT"

// faulty is a sound tier, with hooks in which a fault is planted.
type faulty struct {
	core.Storage
	core.Copyable
	core.Tiered
	under core.Storage

	read     func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error)
	readAll  func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error)
	bounds   func(ctx context.Context, streams []core.ID) ([]core.Bounds, error)
	offsetAt func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error)
	trim     func(ctx context.Context, stream core.ID, before time.Time) error
	handOver func(ctx context.Context, org, stream core.ID, before time.Time) (core.HandedOver, error)
	discard  func(ctx context.Context, stream core.ID) error
	at       func(ctx context.Context, stream core.ID, offset core.Offset) (time.Time, error)
}

func (f *faulty) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	return f.read(ctx, stream, scan)
}

func (f *faulty) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	return f.readAll(ctx, org, scan)
}

func (f *faulty) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	return f.bounds(ctx, streams)
}

func (f *faulty) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	return f.offsetAt(ctx, stream, at)
}

func (f *faulty) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	return f.trim(ctx, stream, before)
}

func (f *faulty) HandOver(ctx context.Context, org, stream core.ID, before time.Time) (core.HandedOver, error) {
	return f.handOver(ctx, org, stream, before)
}

func (f *faulty) DiscardArchive(ctx context.Context, stream core.ID) error {
	return f.discard(ctx, stream)
}

func (f *faulty) ArchivedAt(ctx context.Context, stream core.ID, offset core.Offset) (time.Time, error) {
	return f.at(ctx, stream, offset)
}

type fault struct {
	name string
	// breaks is the guarantee that must fail, and says what the failure must say.
	breaks, says string
	plant        func(*faulty)
}

var faults = []fault{
	{"loses white space", "archive/events come back from the archive as they were stored", "must be kept byte for byte", func(f *faulty) {
		read := f.read
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := read(ctx, stream, scan)
			for i := range events {
				var compact bytes.Buffer
				if json.Compact(&compact, events[i].Payload) == nil {
					events[i].Payload = compact.Bytes()
				}
			}
			return events, err
		}
	}},
	{"reads the store alone", "archive/a stream is read over both places as over one", "events must be read", func(f *faulty) { f.read = f.under.Read }},
	{"begins where the store does", "archive/bounds, and offsets at times, do not change", "Bounds must be", func(f *faulty) { f.bounds = f.under.Bounds }},
	{"finds times in the store alone", "archive/bounds, and offsets at times, do not change", "OffsetAt", func(f *faulty) { f.offsetAt = f.under.OffsetAt }},
	{"knows an archived event's day too late", "archive/bounds, and offsets at times, do not change", "ArchivedAt of offset", func(f *faulty) {
		at := f.at
		f.at = func(ctx context.Context, stream core.ID, offset core.Offset) (time.Time, error) {
			return at(ctx, stream, offset+1)
		}
	}},
	{"hands a day over that goes on", "archive/no event of a day that is not over is handed over", "must keep the event", later(day)},
	{"leaves a day behind", "archive/all of a day that is over is handed over", "must hand over the event", later(-2 * day)},
	{"lists the store alone", "archive/events of all streams are merged, each of them once", "events must be read", func(f *faulty) { f.readAll = f.under.ReadAll }},
	{"forgets keys of what stays", "archive/keys of what has left the store are forgotten, and no others", "must be a Duplicate", func(f *faulty) {
		handOver := f.handOver
		f.handOver = func(ctx context.Context, org, stream core.ID, before time.Time) (core.HandedOver, error) {
			done, err := handOver(ctx, org, stream, before)
			_ = f.under.Trim(ctx, stream, before.Add(2*day))
			return done, err
		}
	}},
	{"keeps what it hands over", "archive/keys of what has left the store are forgotten, and no others", "is not remembered", func(f *faulty) {
		f.handOver = func(context.Context, core.ID, core.ID, time.Time) (core.HandedOver, error) {
			return core.HandedOver{}, nil
		}
	}},
	{"trims before it writes", "archive/handing over again changes nothing", "events must be read", func(f *faulty) {
		handOver := f.handOver
		f.handOver = func(ctx context.Context, org, stream core.ID, before time.Time) (core.HandedOver, error) {
			if ctx.Err() != nil {
				_ = f.under.Trim(context.WithoutCancel(ctx), stream, before)
			}
			return handOver(ctx, org, stream, before)
		}
	}},
	{"shows an event in both places", "archive/appends and reads go on while events are handed over", "events must be read", func(f *faulty) {
		read := f.read
		f.read = func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
			events, err := read(ctx, stream, scan)
			if there, _ := f.Archived(ctx, []core.ID{stream}); len(events) > 0 && there[0].Objects > 0 {
				events = slices.Insert(events, 0, events[0])
			}
			return events, err
		}
	}},
	{"removes from the store alone", "archive/what Trim removes is gone from both places", "must remove the event", func(f *faulty) { f.trim = f.under.Trim }},
	{"discards the store's, too", "archive/what is discarded is gone, and the rest stays", "Bounds must be", func(f *faulty) {
		f.discard = func(ctx context.Context, stream core.ID) error {
			return f.trim(ctx, stream, time.Now().AddDate(100, 0, 0))
		}
	}},
	{"discards nothing", "archive/what is discarded is gone, and the rest stays", "Bounds must be", func(f *faulty) {
		f.discard = func(context.Context, core.ID) error { return nil }
	}},
	{"lets a history go wrong", "history/random histories agree with the model", "must", later(2 * day)},
}

// later hands over what is so much younger than asked for.
func later(by time.Duration) func(*faulty) {
	return func(f *faulty) {
		handOver := f.handOver
		f.handOver = func(ctx context.Context, org, stream core.ID, before time.Time) (core.HandedOver, error) {
			done, err := handOver(ctx, org, stream, before.Add(by))
			done.Kept = 0
			return done, err
		}
	}
}

// TestFaulty runs the suite on a tier with the fault that the environment names.
func TestFaulty(t *testing.T) {
	t.Parallel()
	name := os.Getenv(envFault)
	at := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if name == "" {
		return // TestSuiteCatches runs it
	}
	require.GreaterOrEqual(t, at, 0, "there is no such fault")
	storetest.Run(t, func(t *testing.T) core.Storage {
		under, err := memory.Open(t.Context(), nil)
		require.NoError(t, err)
		tier := opened(t, under, memory.NewCatalog(), newBox())
		tiered := tier.(core.Tiered)
		f := &faulty{
			Storage: tier, Copyable: tier.(core.Copyable), Tiered: tiered, under: under,
			read: tier.Read, readAll: tier.ReadAll, bounds: tier.Bounds, offsetAt: tier.OffsetAt, trim: tier.Trim,
			handOver: tiered.HandOver, discard: tiered.DiscardArchive, at: tiered.ArchivedAt,
		}
		faults[at].plant(f)
		return f
	}, storetest.Features{Tiered: true, Seed: 1})
}

// TestSuiteCatches proves that every planted fault makes the guarantee it breaks fail,
// with a message that says what is broken.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestFaulty$"
			for _, name := range strings.SplitN(f.breaks, "/", 2) {
				pattern += "/^" + regexp.QuoteMeta(strings.ReplaceAll(name, " ", "_")) + "$"
			}
			suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=1m", "-test.parallel=4")
			suite.Env = append(os.Environ(), envFault+"="+f.name)
			output, err := suite.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes:\n%s", output)
			require.Contains(t, string(output), "--- FAIL: TestFaulty/"+strings.ReplaceAll(f.breaks, " ", "_"))
			require.Contains(t, string(output), f.says)
		})
	}
}
