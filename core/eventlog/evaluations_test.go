package eventlog_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// costly is a schema for which each payload is the number of steps that it takes to
// check. It asks for no steps for 0, and waits where it is told to.
type costly struct{ at chan struct{} }

func (s costly) Compile([]byte) (core.Schema, error) { return s, nil }
func (s costly) Reopen([]byte) (core.Schema, error)  { return s, nil }

func (s costly) Validate(payload []byte, budget *core.Budget) error {
	steps, err := strconv.Atoi(string(payload))
	if err != nil {
		return err
	}
	for spent := 0; spent < steps; spent += 1000 {
		if !budget.Spend(1000) {
			return budget.Err()
		}
		if s.at != nil && spent == 20_000 {
			<-s.at
		}
	}
	return nil
}

// costlyCounter takes events whose payload says what they cost.
func costlyCounter(t *testing.T, schema costly) *counter {
	c := newCounter(t, eventlog.CommitOptions{})
	c.Streams.Schemas = schema
	c.Create(core.StreamSpec{Name: "a", Schema: []byte(`{}`)})
	return c
}

// usedUp sends expensive events until the organization has used its share up.
func usedUp(t *testing.T, c *counter) core.Error {
	t.Helper()
	for range 10_000 {
		if _, err := c.send("a", strconv.Itoa(core.EvaluationSteps), ""); err != nil {
			return coretest.RequireRefusal(t, err, core.CodeRateLimited, "evaluations")
		}
	}
	t.Fatal("no end")
	return core.Error{}
}

// An organization that has the server work for it comes to an end of its share. Others
// do not notice, nor do its events that cost nothing, and the share comes back.
func TestAnOrganizationHasAShareOfTheCPU(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := costlyCounter(t, costly{})
		refusal := usedUp(t, c)
		require.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
		c.sent("a", "0", "")
		coretest.RequireRefusal(t, c.Streams.Validate(t.Context(), c.Who, "a", c.draft("1000", "")), core.CodeRateLimited, "evaluations")
		_, err := c.Streams.Create(t.Context(), c.Who, core.StreamSpec{Name: "b", Schema: []byte(`{}`)})
		coretest.RequireRefusal(t, err, core.CodeRateLimited, "evaluations")

		other := c.Who
		other.Org = core.ID{7}
		_, err = c.Streams.Create(t.Context(), other, core.StreamSpec{Name: "a", Schema: []byte(`{}`)})
		require.NoError(t, err)
		require.NoError(t, c.Streams.Validate(t.Context(), other, "a", c.draft("1000000", "")))

		c.Clock.Pass(refusal.RetryAfter)
		c.sent("a", "1000", "")
		c.Clock.Pass(-time.Hour) // a clock that is set back takes nothing away, and gives nothing
		c.sent("a", "1000", "")
	})
}

// An event that is too expensive is the client's fault, and costs a share no more
// than the steps it was given.
func TestAnEvaluationEndsWithItsSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := costlyCounter(t, costly{})
		_, err := c.send("a", strconv.Itoa(core.EvaluationSteps+1000), "")
		require.ErrorIs(t, err, core.ErrBudgetSpent)
		items := c.batch("a", `[{"event_type":"x","payload":3000000},{"event_type":"x","payload":1000},{"event_type":"x","payload":0}]`)
		require.ErrorIs(t, items[0].Err, core.ErrBudgetSpent)
		require.NoError(t, items[1].Err)
		require.NoError(t, items[2].Err)
	})
}

// A batch cannot take more than the share either: what comes after its end is refused,
// with its place, and what costs nothing is taken.
func TestABatchEndsWithTheShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := costlyCounter(t, costly{})
		usedUp(t, c)
		items := c.batch("a", `[{"event_type":"x","payload":1000},{"event_type":"x","payload":0},{"event_type":"x","payload":1000}]`)
		coretest.RequireRefusal(t, items[0].Err, core.CodeRateLimited, "events[0].evaluations")
		require.NoError(t, items[1].Err)
		coretest.RequireRefusal(t, items[2].Err, core.CodeRateLimited, "events[2].evaluations")
	})
}

// Nobody is checked any longer once the request is over.
func TestAnEvaluationEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	c := costlyCounter(t, costly{})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, c.Streams.Validate(ctx, c.Who, "a", c.draft("1000", "")))
	cancel()
	err := c.Streams.Validate(ctx, c.Who, "a", c.draft("1000", ""))
	refusal := coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
	require.NotZero(t, refusal.RetryAfter)
	require.ErrorIs(t, err, context.Canceled)
}

// Few evaluations of one organization last at a time. Short ones, and those of others,
// pass them.
func TestFewEvaluationsLastAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := costly{at: make(chan struct{})}
		c := costlyCounter(t, held)
		long := c.draft("100000", "")
		first := make(chan error, 1000)
		lasting := 0
		refused := func() error {
			for {
				// Each waits within the schema, until one has to wait before that.
				lasting++
				go func() { first <- c.Streams.Validate(t.Context(), c.Who, "a", long) }()
				time.Sleep(2 * time.Second)
				select {
				case err := <-first:
					return err
				default:
				}
			}
		}()
		coretest.RequireRefusal(t, refused, core.CodeRateLimited, "evaluations")
		require.Greater(t, lasting, 1)
		require.NoError(t, c.Streams.Validate(t.Context(), c.Who, "a", c.draft("5000", "")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		coretest.RequireRefusal(t, c.Streams.Validate(ctx, c.Who, "a", long), core.CodeUnavailable, "")

		close(held.at)
		for range lasting - 1 {
			require.NoError(t, <-first)
		}
		require.NoError(t, c.Streams.Validate(t.Context(), c.Who, "a", long))
	})
}

// Those that last take no more than the share at any moment, though it is full: they rest
// for what they take beyond it. Short ones do not.
func TestEvaluationsThatLastRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := costlyCounter(t, costly{})
		begun := time.Now()
		require.NoError(t, c.Streams.Validate(t.Context(), c.Who, "a", c.draft("8000", "")))
		require.Zero(t, time.Since(begun))
		require.NoError(t, c.Streams.Validate(t.Context(), c.Who, "a", c.draft("500000", ""))) // 50 ms of a core
		cores := runtime.GOMAXPROCS(0)
		atOnce, share := max(cores/2, 1), float64(cores)/4
		rest := time.Duration(float64(50*time.Millisecond) * (float64(atOnce)/share - 1))
		require.InDelta(t, rest, time.Since(begun), float64(rest/10))
	})
}

// Short evaluations add up: a share lasts for as many steps as it holds, however they
// are spread.
func TestShortEvaluationsAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := costlyCounter(t, costly{})
		lasted := func(steps int) (total int) {
			c.Clock.Pass(time.Hour)
			payload := c.draft(strconv.Itoa(steps), "")
			for c.Streams.Validate(t.Context(), c.Who, "a", payload) == nil {
				total += steps
			}
			return total
		}
		require.InEpsilon(t, lasted(core.EvaluationSteps/2), lasted(8000), 0.2)
	})
}

// An organization may be given another share than a quarter of the cores.
func TestAnOrganizationHasTheShareItWasGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rig := coretest.NewRig(t, coretest.OpenLog(t))
		shares := eventlog.NewShares(eventlog.SharePorts{
			Organizations: memory.NewCatalog(), General: core.Shares{Evaluations: 100}, Now: rig.Clock.Now, // a tenth of a core
		})
		evaluations := eventlog.NewEvaluations(shares, rig.Clock.Now)
		spend := func(steps int) error {
			evaluation := evaluations.Begin(t.Context(), rig.Who.Org)
			defer evaluation.End()
			for ; steps > 0; steps -= 1000 {
				if !evaluation.Spend(1000) {
					return evaluation.Err()
				}
			}
			return nil
		}
		held := func() int64 {
			used, allowed := evaluations.Held(rig.Who.Org, 100)
			require.Equal(t, int64(100), allowed)
			return used
		}
		require.Zero(t, held())
		require.NoError(t, spend(2_000_000), "half of what a tenth of a core does in four seconds")
		require.InDelta(t, 50, held(), 1)
		require.NoError(t, spend(2_000_000))
		refusal := coretest.RequireRefusal(t, spend(1000), core.CodeRateLimited, "evaluations")
		require.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
		require.Equal(t, int64(100), held())
		load := evaluations.Load()
		require.Equal(t, []int64{100, 1}, []int64{load.Taken, load.Refused})
		rig.Clock.Pass(2 * time.Second)
		require.InDelta(t, 50, held(), 1)
	})
}
