package core_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// Here is what the tests of every subject use: nothing of it knows streams,
// groups or people.

// tester is a test, or one round of a property.
type tester interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// handClock is a clock that goes when it is told to.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *handClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newClock returns a clock that shows noon.
func newClock() *handClock { return &handClock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// openLog returns an empty log in memory.
func openLog(t tester) core.Storage {
	t.Helper()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	return log
}

// everything is an authorizer that allows it.
type everything struct{}

func (everything) Allow(core.Principal, core.ID, core.Action) error { return nil }

// errBroken is what a port answers that was told to fail.
var errBroken = errors.New("broken")

// requireRefusal holds err to a code and to the first field that it names.
func requireRefusal(t tester, err error, code core.Code, field string) core.Error {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Code, known.Message)
	if field != "" {
		require.NotEmpty(t, known.Details)
		require.Equal(t, field, known.Details[0].Field)
	}
	return *known
}
