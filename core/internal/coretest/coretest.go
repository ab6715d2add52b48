// Package coretest is what the tests of core's packages share: a clock that tests
// set, an authorizer that allows everything, and the log with its streams over
// stores in memory. Nothing but tests imports it.
package coretest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// Tester is a test, or one round of a property.
type Tester interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// HandClock is a clock that stands still until it is put on. Tests with it take no
// time and depend on none.
type HandClock struct {
	mu sync.Mutex
	At time.Time
}

// Now returns the time that the clock shows.
func (c *HandClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.At
}

// Pass puts the clock on.
func (c *HandClock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.At = c.At.Add(d)
}

// NewClock returns a clock that shows noon.
func NewClock() *HandClock { return &HandClock{At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// OpenLog returns an empty log in memory.
func OpenLog(t Tester) core.Storage {
	t.Helper()
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	return log
}

// Everything is an authorizer that allows everything. The permissions have tests of
// their own.
type Everything struct{}

// Allow implements [core.Authorizer].
func (Everything) Allow(core.Principal, core.ID, core.Action) error { return nil }

// ErrBroken is the answer of a port that was told to fail. It is no [*core.Error], as a
// failure of a database is not.
var ErrBroken = errors.New("broken")

// RequireRefusal requires an error of a code. A field that is not "" must be the first
// one that the error names.
func RequireRefusal(t Tester, err error, code core.Code, field string) core.Error {
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

// Flipped returns a text with the bits of one byte flipped, and false when flip leaves
// it as it is.
func Flipped(text string, at uint8, flip byte) (string, bool) {
	changed := []byte(text)
	changed[int(at)%len(changed)] ^= flip
	return string(changed), flip != 0
}

// Offsets returns the offsets of events.
func Offsets(events []core.Event) (all []core.Offset) {
	for _, event := range events {
		all = append(all, event.Offset)
	}
	return all
}

// From counts n offsets, beginning with first.
func From(first core.Offset, n int) []core.Offset {
	offsets := make([]core.Offset, n)
	for i := range offsets {
		offsets[i] = first + core.Offset(i)
	}
	return offsets
}

// Traceparent is a header of the W3C trace context, TraceID the trace that it names.
const (
	Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	TraceID     = "0af7651916cd43dd8448eb211c80319c"
)
