// Package limitertest holds rate limiters to the sentences of
// [core.RateLimiter].
package limitertest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Subject is a kind of limiter under test.
type Subject struct {
	// Open returns a limiter and closes it by t.Cleanup. If limiters are Shared, all
	// that one test opens count together, as nodes do.
	Open func(t *testing.T) core.RateLimiter
	// Shared says that there can be several nodes.
	Shared bool
	// Clock returns the clock by which the limiters of one test go. It is [Manual] for
	// limiters that know no time but their argument, and otherwise [Real].
	Clock func() Clock
}

// Clock is the time of a test.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// Wait returns when d has passed.
	Wait(d time.Duration)
	// Exact says that no time passes but by Wait.
	Exact() bool
}

// Manual returns a clock that Wait turns.
func Manual() Clock { return &manual{now: time.Date(2025, 3, 30, 0, 59, 30, 0, time.UTC)} }

type manual struct{ now time.Time }

// Now implements [Clock].
func (m *manual) Now() time.Time { return m.now }

// Wait implements [Clock].
func (m *manual) Wait(d time.Duration) { m.now = m.now.Add(d) }

// Exact implements [Clock].
func (m *manual) Exact() bool { return true }

// Real returns the clock of the machine.
func Real() Clock { return machine{} }

type machine struct{}

// Now implements [Clock].
func (machine) Now() time.Time { return time.Now() }

// Wait implements [Clock].
func (machine) Wait(d time.Duration) { <-time.After(d) }

// Exact implements [Clock].
func (machine) Exact() bool { return false }

// Run holds a kind of limiter to its contract. With a real clock it takes some
// seconds.
func Run(t *testing.T, subject Subject) {
	t.Helper()
	for _, guarantee := range []struct {
		name string
		test func(*suite)
	}{
		{"a burst has as many permits as the limit says", burst},
		{"several permits are taken all or none", allOrNone},
		{"more than a burst is never had, and the answer says so", beyondBurst},
		{"to ask for nothing takes nothing", nothing},
		{"who waits as told is served, and not before", waitAsTold},
		{"permits come back one by one, up to a burst", refill},
		{"in the long run there are as many as the limit says", longRun},
		{"who keeps to the limit is never refused", paced},
		{"who keeps to the limit in bursts is never refused", pacedBursts},
		{"many at once get no more than one", crowd},
		{"keys do not influence each other", keys},
		{"a key keeps its bucket when its limit changes", changedLimit},
		{"a clock that is set back locks nobody out", clockSetBack},
		{"any history agrees with the arithmetic", history},
		{"what makes no sense is an error", nonsense},
		{"nodes count together", nodes},
		{"many on many nodes get no more than one", crowdOnNodes},
		{"who keeps to the limit on any nodes is never refused", pacedOnNodes},
	} {
		t.Run(guarantee.name, func(t *testing.T) {
			t.Parallel()
			guarantee.test(&suite{T: t, subject: subject, clock: subject.Clock(), limiter: subject.Open(t), key: "suite:" + rand.Text()})
		})
	}
}

// suite is one test of a limiter. Its key belongs to this test alone, because tests
// run side by side on one store of counters.
type suite struct {
	*testing.T
	subject Subject
	clock   Clock
	limiter core.RateLimiter
	key     string
}

// slow is a limit by which nothing comes back while a test runs: counts are
// exact whatever the clock.
func slow(burst int) core.Limit { return core.Limit{PerMinute: 1, Burst: burst} }

// take takes n permits by the test's key and limiter.
func (s *suite) take(limit core.Limit, n int) core.LimitState {
	s.Helper()
	return s.takeBy(s.limiter, s.key, limit, n)
}

// takeBy takes n permits and checks that the answer is one in itself.
func (s *suite) takeBy(limiter core.RateLimiter, key string, limit core.Limit, n int) core.LimitState {
	s.Helper()
	state, err := limiter.Take(context.Background(), key, limit, n, s.clock.Now())
	if err != nil {
		s.Errorf("taking %d of %s: %v", n, limit, err)
	}
	s.consistent(limit, n, state)
	return state
}

// consistent checks the figures of an answer against each other.
func (s *suite) consistent(limit core.Limit, n int, got core.LimitState) {
	s.Helper()
	interval := limit.Interval()
	full := interval * time.Duration(limit.Burst)
	reachable := n <= limit.Burst
	for _, rule := range []struct {
		what   string
		broken bool
	}{
		{"Limit is not the limit's", got.Limit != limit.PerMinute},
		{"there is more or less than the limit has", got.Remaining < 0 || got.Remaining > limit.Burst || got.ResetAfter < 0 || got.ResetAfter > full},
		{"Remaining and ResetAfter contradict each other", got.Remaining != int((full-got.ResetAfter)/interval)},
		{"it was allowed, and speaks of another time", got.Allowed && got.RetryAfter != 0},
		{"it was allowed, and cannot be", got.Allowed && !reachable},
		{"RetryAfter is not never", !reachable && got.RetryAfter != core.RetryNever},
		{
			"RetryAfter is not between now and the time when all are there",
			!got.Allowed && reachable && (got.RetryAfter <= 0 || got.RetryAfter > got.ResetAfter),
		},
		{"as many as were asked for remain", !got.Allowed && reachable && got.Remaining >= n},
	} {
		if rule.broken {
			s.Errorf("after taking %d of %s, %s: %+v", n, limit, rule.what, got)
		}
	}
}

// expect checks whether an answer allows, and how much it says is left.
func (s *suite) expect(got core.LimitState, allowed bool, remaining int) {
	s.Helper()
	if got.Allowed != allowed || got.Remaining != remaining {
		s.Errorf("allowed %t with %d left, want %t with %d", got.Allowed, got.Remaining, allowed, remaining)
	}
}

// drain takes one permit after the other until there is none, and returns how
// many there were.
func (s *suite) drain(limiter core.RateLimiter, limit core.Limit) (taken int) {
	s.Helper()
	for taken <= 2*limit.Burst+10 && s.takeBy(limiter, s.key, limit, 1).Allowed {
		taken++
	}
	return taken
}
