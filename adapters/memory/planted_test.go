package memory_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

// envFault names the fault that TestFaulty plants; without it there is none.
const envFault = "EVENTFLOW_TEST_FAULT"

// TestFaulty runs the suite on the memory adapter as if it were a durable one
// that several processes may open.
func TestFaulty(t *testing.T) {
	t.Parallel()
	planted, seed := fault{plant: func(*faulty) {}}, uint64(0)
	for _, f := range faults {
		if f.name == os.Getenv(envFault) {
			planted, seed = f, 1 // so that a history that catches it once always does
		}
	}
	require.Equal(t, os.Getenv(envFault), planted.name, "there is no such fault")
	again := func(_ *testing.T, storage core.Storage, reopened bool) core.Storage {
		return newFaulty(storage.(*faulty).shared, reopened, planted)
	}
	var shards func(int) core.ID
	if strings.HasPrefix(planted.breaks, "shards/") {
		shards = onShard
	}
	storetest.Run(t, func(t *testing.T) core.Storage {
		shared, err := memory.Open(t.Context(), nil)
		require.NoError(t, err)
		return newFaulty(shared, false, planted)
	}, storetest.Features{
		Shards: shards,
		Reopen: func(t *testing.T, storage core.Storage) core.Storage {
			require.NoError(t, storage.Close())
			return again(t, storage, true)
		},
		Second: func(t *testing.T, storage core.Storage) core.Storage { return again(t, storage, false) },
		Copies: true, Moves: true,
		Seed: seed,
	})
}

// TestSuiteCatches proves that every planted fault makes the guarantee it
// breaks fail, with a message that says what is broken.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestFaulty$"
			for _, name := range strings.SplitN(f.breaks, "/", 2) {
				pattern += "/^" + regexp.QuoteMeta(name) + "$"
			}
			suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=1m", "-test.parallel=4")
			suite.Env = append(os.Environ(), envFault+"="+f.name)
			output, err := suite.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes:\n%s", output)
			require.Equal(t, 1, exit.ExitCode(), "%s", output)
			require.Contains(t, string(output), "--- FAIL: TestFaulty/"+strings.ReplaceAll(f.breaks, " ", "_"))
			require.Contains(t, string(output), f.says)
			require.NotContains(t, string(output), "DATA RACE")
		})
	}
}

// fault is one way to break the contract.
type fault struct {
	name string
	// breaks is the area and the guarantee that must fail, says what the failure
	// must say.
	breaks, says string
	plant        func(*faulty)
}

// faulty is a handle on a sound storage, with hooks in which a fault is
// planted. The hooks of one handle run one at a time.
type faulty struct {
	shared   core.Storage
	reopened bool
	closed   atomic.Bool

	mu       sync.Mutex
	append   func(ctx context.Context, at time.Time, batches []core.Batch) error
	read     func(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error)
	readAll  func(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error)
	event    func(*core.Event)
	bounds   func(stream core.ID, bounds core.Bounds) core.Bounds
	offsetAt func(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error)
	trim     func(ctx context.Context, stream core.ID, before time.Time) error
	put      func(ctx context.Context, stretch core.Stretch) error
	entry    func(*core.Entry)
	check    error
	fence    func(ctx context.Context, org, stream core.ID, turn int64) error
	lift     func(ctx context.Context, stream core.ID, turn int64) error
	discard  func(ctx context.Context, stream core.ID, turn int64) error
	setLabel func(ctx context.Context, label core.ShardLabel) (core.ShardLabel, error)
	shardOf  func(stream core.ID) int
	close    func() error
	// closedError is what calls after close answer.
	closedError error
}

func newFaulty(shared core.Storage, reopened bool, planted fault) *faulty {
	f := &faulty{
		shared: shared, reopened: reopened,
		append: shared.Append, read: shared.Read, readAll: shared.ReadAll, offsetAt: shared.OffsetAt, trim: shared.Trim,
		put: shared.(core.Copyable).Put, entry: func(*core.Entry) {},
		closedError: errors.New("the handle is closed"), shardOf: homeOf,
		fence: shared.(core.Movable).Fence, lift: shared.(core.Movable).Lift, discard: shared.(core.Movable).Discard,
		setLabel: shared.(core.Labelled).SetLabel,
		event:    func(*core.Event) {}, bounds: func(_ core.ID, b core.Bounds) core.Bounds { return b },
	}
	f.close = func() error { f.closed.Store(true); return nil }
	planted.plant(f)
	return f
}

func (f *faulty) enter() (leave func(), err error) {
	if f.closed.Load() {
		return nil, f.closedError
	}
	f.mu.Lock()
	return f.mu.Unlock, nil
}

func (f *faulty) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.append(ctx, at, batches)
}

func (f *faulty) show(events []core.Event) []core.Event {
	for i := range events {
		f.event(&events[i])
	}
	return events
}

func (f *faulty) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	events, err := f.read(ctx, stream, scan)
	return f.show(events), err
}

func (f *faulty) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	events, err := f.readAll(ctx, org, scan)
	return f.show(events), err
}

func (f *faulty) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	bounds, err := f.shared.Bounds(ctx, streams)
	for i := range bounds {
		bounds[i] = f.bounds(streams[i], bounds[i])
	}
	return bounds, err
}

// boundsOf is for faults.
func (f *faulty) boundsOf(stream core.ID) core.Bounds {
	bounds, _ := f.shared.Bounds(context.Background(), []core.ID{stream})
	return bounds[0]
}

func (f *faulty) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	leave, err := f.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	return f.offsetAt(ctx, stream, at)
}

func (f *faulty) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.trim(ctx, stream, before)
}

func (f *faulty) Logs(ctx context.Context) ([]core.StreamLog, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	logs, err := f.shared.(core.Copyable).Logs(ctx)
	for i := range logs {
		logs[i].Bounds = f.bounds(logs[i].Stream, logs[i].Bounds)
	}
	return logs, err
}

func (f *faulty) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	leave, err := f.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	entries, err := f.shared.(core.Copyable).Entries(ctx, stream, scan)
	for i := range entries {
		f.entry(&entries[i])
	}
	return entries, err
}

func (f *faulty) Put(ctx context.Context, stretch core.Stretch) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.put(ctx, stretch)
}

func (f *faulty) Check(context.Context) error {
	leave, err := f.enter()
	if err != nil {
		return err
	}
	defer leave()
	return f.check
}

func (f *faulty) Close() error { return f.close() }
