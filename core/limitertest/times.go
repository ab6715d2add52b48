package limitertest

import (
	"math/rand/v2"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// busyTries is how often what was emptied is emptied again, where time goes on by itself:
// a busy machine may come to its next question when some permits are back.
const busyTries = 50

// waitAsTold holds RetryAfter to its word: it is neither too short nor too long.
func waitAsTold(s *suite) {
	limit := core.Limit{PerMinute: 600, Burst: 5}
	s.take(limit, 5)
	for n := range 4 {
		n++
		got := s.take(limit, n)
		for range busyTries {
			if got.Allowed && !s.clock.Exact() {
				s.take(limit, got.Remaining)
				got = s.take(limit, n)
			}
		}
		if got.Allowed {
			s.Fatalf("%d of an empty bucket: %+v", n, got)
		}
		if s.clock.Exact() {
			s.clock.Wait(got.RetryAfter - 1)
			if early := s.take(limit, n); early.Allowed || early.RetryAfter != 1 {
				s.Errorf("a nanosecond before it is time, %+v", early)
			}
			s.clock.Wait(1)
		} else {
			s.clock.Wait(got.RetryAfter)
		}
		if again := s.take(limit, n); !again.Allowed {
			s.Errorf("told to wait for %s, then %+v", got.RetryAfter, again)
		}
	}
}

// refill watches permits come back, up to a burst and no further.
func refill(s *suite) {
	limit := core.Limit{PerMinute: 1200, Burst: 8}
	s.take(limit, 8)
	for range 4 {
		before := s.take(limit, 0)
		s.clock.Wait(limit.Interval())
		after := s.take(limit, 0)
		full := !s.clock.Exact() && before.Remaining == limit.Burst // a busy machine has missed it
		if s.clock.Exact() && after.Remaining != before.Remaining+1 || after.Remaining <= before.Remaining && !full {
			s.Errorf("%d remain an interval after %d", after.Remaining, before.Remaining)
		}
	}
	s.clock.Wait(s.take(limit, 0).ResetAfter)
	s.expect(s.take(limit, 0), true, 8)
	s.clock.Wait(20 * limit.Interval())
	s.expect(s.take(limit, 8), true, 0)
}

// longRun asks for more than there is. It gets at most what the limit allows, and not
// much less: a little is lost when asking late.
func longRun(s *suite) {
	limit, span := core.Limit{PerMinute: 6000, Burst: 40}, 2500*time.Millisecond
	if s.clock.Exact() {
		span = 5 * time.Minute
	}
	start, taken, due := s.clock.Now(), 0, 0
	perfect := newModel(limit, start)
	for now := start; now.Sub(start) < span; now = s.clock.Now() {
		if allowed, _ := perfect.take(1, now); allowed {
			due++
		}
		if s.take(limit, 1).Allowed {
			taken++
			continue
		}
		s.clock.Wait(limit.Interval() / 4)
	}
	took := s.clock.Now().Sub(start)
	most := limit.Burst + int(took/limit.Interval())
	least := most - 1
	if !s.clock.Exact() {
		least = due * 8 / 10 // a busy machine asks for less than there is
	}
	if taken < least || taken > most {
		s.Errorf("%d were taken in %s, want %d to %d", taken, took, least, most)
	}
}

// paced asks for exactly as much as there is, evenly spread. A limiter that rounds an
// interval up by more than others refuses after a while.
func paced(s *suite) {
	limit, rounds := core.Limit{PerMinute: 6000, Burst: 1}, 200
	if s.clock.Exact() {
		rounds = 10_000
	}
	for round := range rounds {
		if got := s.take(limit, 1); !got.Allowed {
			s.Fatalf("round %d: %+v", round, got)
		}
		s.clock.Wait(limit.Interval())
	}
}

func pacedBursts(s *suite) { s.pacedBy([]core.RateLimiter{s.limiter}) }

func pacedOnNodes(s *suite) {
	if !s.subject.Shared {
		s.Skip("this limiter is of one process")
	}
	s.pacedBy([]core.RateLimiter{s.limiter, s.subject.Open(s.T)})
}

// pacedBy uses nearly a whole burst in each round and waits until it is there again.
// A node that takes permits in advance must not lose the ones that it did not use.
func (s *suite) pacedBy(limiters []core.RateLimiter) {
	limit := core.Limit{PerMinute: 6000, Burst: 110}
	for round := range 4 {
		for i := range limit.Burst - 5*len(limiters) {
			got := s.takeBy(limiters[i%len(limiters)], s.key, limit, 1)
			if !got.Allowed {
				s.Fatalf("%d of round %d: %+v", i, round, got)
			}
		}
		s.clock.Wait(limit.Interval() * time.Duration(limit.Burst-5*len(limiters)))
	}
}

func changedLimit(s *suite) {
	s.expect(s.take(slow(100), 60), true, 40)
	// The bucket lacks an hour, which is more than a bucket of ten permits can lack.
	s.expect(s.take(slow(10), 1), false, 0)
	if got := s.take(slow(10), 10); got.RetryAfter > 10*time.Minute {
		s.Errorf("an empty bucket of ten is full in %s", got.RetryAfter)
	}
	// A bucket lacks a time, and under a faster limit that time is more permits.
	s.key += ":raised"
	s.expect(s.take(slow(100), 60), true, 40)
	if got := s.take(core.Limit{PerMinute: 2, Burst: 200}, 0); got.Remaining != 80 && (s.clock.Exact() || got.Remaining != 81) {
		s.Errorf("with twice the limit, %d remain", got.Remaining)
	}
}

// clockSetBack sets the clock back by a day. The bucket seems to be full in a day, and
// must count as empty instead.
func clockSetBack(s *suite) {
	if !s.clock.Exact() {
		s.Skip("this limiter has a clock of its own")
	}
	limit := core.Limit{PerMinute: 60, Burst: 10}
	s.take(limit, 10)
	s.clock.Wait(-24 * time.Hour)
	got := s.take(limit, 1)
	s.expect(got, false, 0)
	s.clock.Wait(got.RetryAfter)
	if s.expect(s.take(limit, 1), true, 0); got.RetryAfter > time.Second {
		s.Errorf("the next one is there in %s", got.RetryAfter)
	}
	s.clock.Wait(48 * time.Hour)
	s.expect(s.take(limit, 10), true, 0)
}

// model is a bucket by another arithmetic than the limiters'. They count what is
// missing; it counts what is there, in nanoseconds of waiting.
type model struct {
	limit core.Limit
	there time.Duration
	last  time.Time
}

func newModel(limit core.Limit, now time.Time) *model {
	return &model{limit: limit, there: limit.Interval() * time.Duration(limit.Burst), last: now}
}

func (m *model) take(n int, now time.Time) (allowed bool, remaining int) {
	interval := m.limit.Interval()
	m.there = min(m.there+now.Sub(m.last), interval*time.Duration(m.limit.Burst))
	m.last = now
	if cost := interval * time.Duration(n); cost <= m.there {
		m.there -= cost
		allowed = true
	}
	return allowed, int(m.there / interval)
}

func history(s *suite) {
	if !s.clock.Exact() {
		s.Skip("a history needs a clock that waits")
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 7))
	for range 20 {
		limit := core.Limit{PerMinute: 1 + random.IntN(5000), Burst: 1 + random.IntN(60)}
		key := s.key + limit.String()
		m := newModel(limit, s.clock.Now())
		for step := range 500 {
			if random.IntN(3) == 0 {
				s.clock.Wait(time.Duration(random.Int64N(int64(limit.Interval()) * 2 * int64(1+random.IntN(limit.Burst)))))
			}
			n := random.IntN(1 + min(limit.Burst, 1+random.IntN(8)))
			allowed, remaining := m.take(n, s.clock.Now())
			if got := s.takeBy(s.limiter, key, limit, n); got.Allowed != allowed || got.Remaining != remaining {
				s.Fatalf("seed %d, step %d: %d of %s is %+v, want %t with %d left", seed, step, n, limit, got, allowed, remaining)
			}
		}
	}
}
