package memory_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/grouptest"
)

// envGroupFault names the fault that TestFaultyGroups plants; without it there
// is none.
const envGroupFault = "EVENTFLOW_TEST_GROUP_FAULT"

// TestFaultyGroups runs both suites on a store of groups with a planted fault.
func TestFaultyGroups(t *testing.T) {
	t.Parallel()
	planted := groupFault{plant: func(*faultyGroups) {}}
	for _, f := range groupFaults {
		if f.name == os.Getenv(envGroupFault) {
			planted = f
		}
	}
	require.Equal(t, os.Getenv(envGroupFault), planted.name, "there is no such fault")
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		grouptest.Run(t, func(*testing.T) core.GroupStore { return newFaultyGroups(planted) })
	})
	t.Run("delivery", func(t *testing.T) {
		t.Parallel()
		seeds := uint64(1)
		if planted.name != "" {
			seeds = 5 // so that a history that catches it once always does
		}
		for seed := uint64(1); seed <= seeds && !t.Failed(); seed++ { // what was caught need not be caught again
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { deliverFaulty(t, planted, seed) })
		}
	})
}

func deliverFaulty(t *testing.T, planted groupFault, seed uint64) {
	grouptest.RunDelivery(t, func(t *testing.T) (core.EventLog, core.GroupStore) {
		storage, err := memory.Open(t.Context(), nil)
		require.NoError(t, err)
		return storage, newFaultyGroups(planted)
	}, seed)
}

// TestGroupSuiteCatches proves that every planted fault makes the guarantee
// that it breaks fail, or the histories of deliveries.
func TestGroupSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, f := range groupFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, breaks := range f.breaks {
				pattern := "^TestFaultyGroups$"
				for _, name := range strings.SplitN(breaks, "/", 2) {
					pattern += "/^" + regexp.QuoteMeta(name) + "$"
				}
				suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=1m", "-test.parallel=4")
				suite.Env = append(os.Environ(), envGroupFault+"="+f.name)
				output, err := suite.CombinedOutput()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, "%s passes:\n%s", breaks, output)
				require.Equal(t, 1, exit.ExitCode(), "%s", output)
				require.Contains(t, string(output), "--- FAIL: TestFaultyGroups/"+strings.ReplaceAll(breaks, " ", "_"))
				require.NotContains(t, string(output), "DATA RACE")
			}
		})
	}
}

// groupFault is one way to break the contract, and what must notice.
type groupFault struct {
	name   string
	breaks []string
	plant  func(*faultyGroups)
}

// The suites' parts.
const (
	delivery    = "delivery"
	fenced      = "store/a step needs the revision before it"
	oneMade     = "store/of many steps at once one is made"
	whole       = "store/a step is made as a whole or not at all"
	covered     = "store/attempts are found by the offsets they cover"
	forgotten   = "store/attempts are forgotten by time"
	lettersKept = "store/dead letters keep their events byte for byte"
	scanned     = "store/dead letters are scanned by id"
	selected    = "store/dead letters are selected by each field"
	counted     = "store/dead letters are counted by reason"
	isolated    = "store/an organization sees its own letters and replays only"
	replaying   = "store/a replay changes by one node at a time"
	turning     = "store/each organization has one turn with its replays"
	deleted     = "store/a deleted group takes everything with it"
	changed     = "store/a change needs the revision before it"
	stored      = "store/a group is stored as it was given"
	unique      = "store/a group's name is unique in its stream"
)

// faultyGroups is a sound store of groups with hooks in which a fault is
// planted. The hooks of one store run one at a time.
type faultyGroups struct {
	core.GroupStore
	mu      sync.Mutex
	create  func(ctx context.Context, group core.Group, first core.Progress) error
	list    func(ctx context.Context, stream core.ID) ([]core.Group, error)
	update  func(ctx context.Context, group core.Group) error
	remove  func(ctx context.Context, stream, id core.ID) error
	advance func(ctx context.Context, group core.ID, step core.Step) error
	look    func(ctx context.Context, group core.ID) (core.Progress, error)
	tries   func(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error)
	forget  func(ctx context.Context, before time.Time) error
	letters func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error)
	letter  func(ctx context.Context, org, id core.ID) (core.DeadLetter, error)
	counts  func(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error)
	replay  func(ctx context.Context, org, id core.ID) (core.Replay, error)
	save    func(ctx context.Context, replay core.Replay) error
	running func(ctx context.Context, at time.Time, limit int) ([]core.Replay, error)
	replays func(ctx context.Context, org core.ID, scan core.ReplayScan) ([]core.Replay, error)
}

func newFaultyGroups(planted groupFault) *faultyGroups {
	g := memory.NewCatalog()
	f := &faultyGroups{
		GroupStore: g, create: g.CreateGroup, list: g.Groups, update: g.UpdateGroup, remove: g.DeleteGroup, advance: g.Advance, look: g.Progress,
		tries: g.Attempts, forget: g.ForgetAttempts, letters: g.DeadLetters, letter: g.DeadLetter, counts: g.CountDeadLetters,
		replay: g.Replay, save: g.UpdateReplay, running: g.DueReplays, replays: g.Replays,
	}
	planted.plant(f)
	return f
}

// enter has the hooks run one at a time.
func (f *faultyGroups) enter() (leave func()) {
	f.mu.Lock()
	return f.mu.Unlock
}

func (f *faultyGroups) CreateGroup(ctx context.Context, group core.Group, first core.Progress) error {
	defer f.enter()()
	return f.create(ctx, group, first)
}

func (f *faultyGroups) Groups(ctx context.Context, stream core.ID) ([]core.Group, error) {
	defer f.enter()()
	return f.list(ctx, stream)
}

func (f *faultyGroups) UpdateGroup(ctx context.Context, group core.Group) error {
	defer f.enter()()
	return f.update(ctx, group)
}

func (f *faultyGroups) DeleteGroup(ctx context.Context, stream, id core.ID) error {
	defer f.enter()()
	return f.remove(ctx, stream, id)
}

func (f *faultyGroups) Advance(ctx context.Context, group core.ID, step core.Step) error {
	defer f.enter()()
	return f.advance(ctx, group, step)
}

func (f *faultyGroups) Progress(ctx context.Context, group core.ID) (core.Progress, error) {
	defer f.enter()()
	return f.look(ctx, group)
}

func (f *faultyGroups) Attempts(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
	defer f.enter()()
	return f.tries(ctx, group, offset)
}

func (f *faultyGroups) ForgetAttempts(ctx context.Context, before time.Time) error {
	defer f.enter()()
	return f.forget(ctx, before)
}

func (f *faultyGroups) DeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
	defer f.enter()()
	return f.letters(ctx, org, scan)
}

func (f *faultyGroups) DeadLetter(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
	defer f.enter()()
	return f.letter(ctx, org, id)
}

func (f *faultyGroups) CountDeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
	defer f.enter()()
	return f.counts(ctx, org, scan)
}

func (f *faultyGroups) Replay(ctx context.Context, org, id core.ID) (core.Replay, error) {
	defer f.enter()()
	return f.replay(ctx, org, id)
}

func (f *faultyGroups) UpdateReplay(ctx context.Context, replay core.Replay) error {
	defer f.enter()()
	return f.save(ctx, replay)
}

func (f *faultyGroups) DueReplays(ctx context.Context, at time.Time, limit int) ([]core.Replay, error) {
	defer f.enter()()
	return f.running(ctx, at, limit)
}

func (f *faultyGroups) Replays(ctx context.Context, org core.ID, scan core.ReplayScan) ([]core.Replay, error) {
	defer f.enter()()
	return f.replays(ctx, org, scan)
}
