package redislimit

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// freshFor is how long what Redis said is good for an answer from memory.
	freshFor = time.Second
	// busyWithin is how soon the next question must come for permits to be taken
	// in advance, and more of them each time.
	busyWithin = freshFor / 4
	// advanceShare is the part of the burst that is taken in advance at most.
	advanceShare = 20
)

// book is what a node knows of one key's bucket.
type book struct {
	mu    sync.Mutex
	limit core.Limit
	// missing is the time until the bucket was full when Redis spoke last, by its
	// clock at now. It was asked at a time of the caller's, at, and took trip to
	// answer.
	missing time.Duration
	now     int64
	at      time.Time
	trip    time.Duration
	// left permits were taken in advance in an epoch and are not used yet.
	left  int
	epoch int64
	// advance is how many the last question asked for in advance. One question at
	// a time may; asking says that it is on its way.
	advance int
	asking  bool
	// seen is when the key was last asked for; the shard's mutex guards it.
	seen time.Time
}

// answer answers from memory if it can; otherwise it returns what to ask, and
// what is left goes back with it.
func (b *book) answer(limit core.Limit, n int, now time.Time) (state core.LimitState, ask question, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit != limit {
		b.limit, b.left, b.advance, b.at = limit, 0, 0, time.Time{}
	}
	elapsed := max(now.Sub(b.at), 0)
	if !b.at.IsZero() && elapsed < freshFor {
		// When within the trip Redis spoke is not known: this waits long enough,
		_, state = limit.Take(b.lacks(elapsed-b.trip), n)
		if b.left >= n {
			b.left -= n
			return state, question{}, true
		}
		// and this refuses only what Redis would refuse.
		if _, soonest := limit.Take(b.lacks(elapsed), n); !soonest.Allowed {
			return state, question{}, true
		}
	}
	ask = question{want: n, back: b.left, epoch: b.epoch}
	b.left = 0
	if !b.asking {
		b.asking, ask.first = true, true
		b.advance = b.next(elapsed)
		ask.advance = b.advance
	}
	return core.LimitState{}, ask, false
}

// lacks is the time until the bucket is full, an elapsed time after Redis spoke,
// if the permits left here go back. Other nodes may have taken some meanwhile.
func (b *book) lacks(elapsed time.Duration) time.Duration {
	unused := b.limit.Interval() * time.Duration(b.left)
	return max(b.missing-max(elapsed, 0)-unused, 0)
}

// next is how many permits to take in advance, an elapsed time after Redis spoke
// last.
func (b *book) next(elapsed time.Duration) int {
	switch {
	case b.at.IsZero() || elapsed >= freshFor:
		return 0
	case elapsed > busyWithin:
		return b.advance / 2
	}
	return min(max(1, 2*b.advance), b.limit.Burst/advanceShare)
}

// enter records what Redis answered to a question asked at a time, if it did,
// and returns what that means to the caller.
func (b *book) enter(limit core.Limit, ask question, got reply, at time.Time) core.LimitState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ask.first {
		b.asking = false
	}
	if got.now == 0 {
		return core.LimitState{}
	}
	if b.limit == limit {
		if got.now >= b.now {
			b.missing, b.now, b.at, b.trip = got.missing, got.now, at, got.trip
		}
		if unused := got.taken - ask.want; unused > 0 {
			b.left, b.epoch = unused, got.epoch
		}
	}
	_, state := limit.Take(got.missing-limit.Interval()*time.Duration(got.taken), ask.want)
	return state
}

// books are the keys that this node was asked for lately. What is forgotten is
// asked from Redis.
type books struct {
	seed   maphash.Seed
	shards [shards]shard
}

const (
	// shards are so many that callers rarely meet in one, and all together hold
	// 2¹⁶ books at most.
	shards   = 64
	shardMax = 1 << 16 / shards
)

type shard struct {
	mu    sync.Mutex
	books map[string]*book
	swept time.Time
}

func (b *books) init() {
	b.seed = maphash.MakeSeed()
	for i := range b.shards {
		b.shards[i].books = map[string]*book{}
	}
}

// open returns the book of a key.
func (b *books) open(key string, now time.Time) *book {
	s := &b.shards[maphash.String(b.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.books[key]
	if found == nil {
		s.makeRoom(now)
		found = &book{}
		s.books[key] = found
	}
	found.seen = now
	return found
}

// makeRoom forgets the keys that were not asked for lately and, where there are
// too many others, any one.
func (s *shard) makeRoom(now time.Time) {
	const idleFor = 10 * freshFor
	if now.Sub(s.swept) >= idleFor {
		s.swept = now
		for key, book := range s.books {
			if now.Sub(book.seen) >= idleFor {
				delete(s.books, key)
			}
		}
	}
	if len(s.books) < shardMax {
		return
	}
	for key := range s.books {
		delete(s.books, key)
		return
	}
}
