package limitertest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func burst(s *suite) {
	for _, size := range []int{1, 2, 19, 20, 100, 1000} {
		key, limit, began := fmt.Sprint(s.key, size), slow(size), s.clock.Now()
		for left := size - 1; left >= 0; left-- {
			s.expect(s.takeBy(s.limiter, key, limit, 1), true, left)
		}
		for range 3 {
			got := s.takeBy(s.limiter, key, limit, 1)
			s.expect(got, false, 0)
			if got.RetryAfter > time.Minute || got.RetryAfter+s.clock.Now().Sub(began) < 50*time.Second {
				s.Errorf("the next one is there in %s, not in a minute", got.RetryAfter)
			}
		}
	}
}

func allOrNone(s *suite) {
	limit := slow(50)
	s.expect(s.take(limit, 30), true, 20)
	s.expect(s.take(limit, 21), false, 20)
	s.expect(s.take(limit, 1), true, 19)
	s.expect(s.take(limit, 1), true, 18)
	s.expect(s.take(limit, 1), true, 17)
	s.expect(s.take(limit, 18), false, 17)
	s.expect(s.take(limit, 17), true, 0)
	s.expect(s.take(limit, 1), false, 0)
}

func beyondBurst(s *suite) {
	limit := slow(10)
	s.expect(s.take(limit, 11), false, 10)
	s.expect(s.take(limit, 1<<40), false, 10)
	s.expect(s.take(limit, 4), true, 6)
	s.expect(s.take(limit, 11), false, 6)
	s.expect(s.take(limit, 6), true, 0)
	if got := s.take(limit, 11); got.Allowed || got.RetryAfter != core.RetryNever {
		s.Errorf("of an empty bucket too many are %+v", got)
	}
}

func nothing(s *suite) {
	limit := slow(3)
	for range 5 {
		s.expect(s.take(limit, 0), true, 3)
	}
	s.expect(s.take(limit, 3), true, 0)
	for range 5 {
		s.expect(s.take(limit, 0), true, 0)
	}
	s.expect(s.take(limit, 1), false, 0)
}

func crowd(s *suite) { s.crowd([]core.RateLimiter{s.limiter}) }

func crowdOnNodes(s *suite) {
	if !s.subject.Shared {
		s.Skip("this limiter is of one process")
	}
	s.crowd([]core.RateLimiter{s.limiter, s.subject.Open(s.T), s.subject.Open(s.T)})
}

// crowd lets many goroutines take from one bucket until it is empty.
func (s *suite) crowd(limiters []core.RateLimiter) {
	const callers, calls = 32, 100
	limit := slow(1234)
	now := s.clock.Now()
	var taken, figures atomic.Int64
	var group sync.WaitGroup
	for caller := range callers {
		limiter := limiters[caller%len(limiters)]
		group.Go(func() {
			for range calls {
				state, err := limiter.Take(context.Background(), s.key, limit, 1, now)
				s.consistent(limit, 1, state)
				if err == nil && state.Allowed {
					taken.Add(1)
					figures.Add(int64(state.Remaining))
				}
			}
		})
	}
	group.Wait()
	if taken.Load() != int64(limit.Burst) {
		s.Errorf("%d were taken from a bucket of %d", taken.Load(), limit.Burst)
	}
	if want := int64(limit.Burst * (limit.Burst - 1) / 2); s.clock.Exact() && figures.Load() != want {
		s.Errorf("what remained after each adds up to %d, not to %d", figures.Load(), want)
	}
}

func keys(s *suite) {
	limit := slow(5)
	for _, key := range []string{s.key, s.key + "x", "x" + s.key, s.key + ":1", s.key + " ", s.key + "\x00", s.key + "é"} {
		for left := 4; left >= 0; left-- {
			s.expect(s.takeBy(s.limiter, key, limit, 1), true, left)
		}
		s.expect(s.takeBy(s.limiter, key, limit, 1), false, 0)
	}
}

func nonsense(s *suite) {
	for _, c := range []struct {
		limit core.Limit
		n     int
	}{
		{slow(5), -1},
		{core.Limit{}, 1},
		{core.Limit{PerMinute: 1}, 1},
		{core.Limit{Burst: 1}, 1},
		{core.Limit{PerMinute: -1, Burst: 1}, 1},
		{core.Limit{PerMinute: 1, Burst: core.MaxLimit + 1}, 1},
	} {
		if state, err := s.limiter.Take(context.Background(), s.key, c.limit, c.n, s.clock.Now()); err == nil || state.Allowed {
			s.Errorf("%d of %+v is %+v, not an error", c.n, c.limit, state)
		}
	}
	s.expect(s.take(slow(5), 5), true, 0)
}

func nodes(s *suite) {
	if !s.subject.Shared {
		s.Skip("this limiter is of one process")
	}
	other := s.subject.Open(s.T)
	limit := slow(200)
	taken := 0
	for left, right := true, true; left || right; {
		left = s.take(limit, 1).Allowed
		right = s.takeBy(other, s.key, limit, 1).Allowed
		for _, ok := range []bool{left, right} {
			if ok {
				taken++
			}
		}
	}
	if taken += s.drain(s.limiter, limit) + s.drain(other, limit); taken != limit.Burst {
		s.Errorf("two nodes took %d from one bucket of %d", taken, limit.Burst)
	}
	if taken := s.drain(s.subject.Open(s.T), limit); taken != 0 {
		s.Errorf("a third took %d from an empty one", taken)
	}
}
