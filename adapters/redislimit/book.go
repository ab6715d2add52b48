package redislimit

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// freshFor is how long Redis's last answer is good for an answer from memory.
	// Other nodes take permits meanwhile, of which this node knows nothing.
	freshFor = time.Second
	// busyWithin is how soon the next question must come for permits to be taken
	// in advance, and more of them each time.
	busyWithin = freshFor / 4
	// advanceShare is the part of the burst that is taken in advance at most: one
	// of so many. It is the slack that the package's documentation gives.
	advanceShare = 20
)

// book is what a node knows of one key's bucket.
//
// Redis decides, and the book only saves questions. It allows a request by a
// permit that Redis has charged already, and refuses one only where Redis would
// refuse it whatever has happened since. For everything else it asks.
type book struct {
	// mu guards all fields but seen. It is not held while Redis is asked, so
	// several questions about one key may be on their way, and their answers may
	// overtake each other.
	mu sync.Mutex
	// limit is the one that the other fields are about. When a request brings
	// another one, the book begins anew.
	limit core.Limit
	// missing is the time until the bucket was full, as Redis said last. It
	// includes the permits that are left here: Redis has charged them.
	missing time.Duration
	// now is the clock of Redis at that answer, by which answers are ordered. at
	// is the caller's time of the question, zero where there was none, and trip is
	// how long the answer took. When within the trip Redis looked at its clock is
	// not known.
	now  int64
	at   time.Time
	trip time.Duration
	// left is how many permits were taken in advance and are not used. A permit is
	// in one place at a time: here, in a question that gives it back, or used.
	left int
	// epoch is that of the bucket when the permits left were taken. Redis takes
	// permits of an earlier epoch for void, because they have come back since.
	epoch int64
	// advance is how many permits the last question that could ask in advance
	// asked for, and asking says that such a question is on its way. There is one
	// at a time, so that left is filled by its answer alone.
	advance int
	asking  bool
	// seen is when the key was last asked for. The shard's mutex guards it, not
	// mu: only the shard looks at it.
	seen time.Time
}

// answer answers from memory if it can. Otherwise it returns what to ask. The
// permits that are left go back with the question: Redis may then give as many
// as the request wants, which may be more.
func (b *book) answer(limit core.Limit, n int, now time.Time) (state core.LimitState, ask question, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit != limit {
		b.limit, b.left, b.advance, b.at = limit, 0, 0, time.Time{}
	}
	elapsed := max(now.Sub(b.at), 0)
	if !b.at.IsZero() && elapsed < freshFor {
		// Redis may have looked at its clock at the end of the trip. This state
		// supposes so, and thus never tells a client to come back too early.
		_, state = limit.Take(b.lacks(elapsed-b.trip), n)
		if b.left >= n {
			b.left -= n
			return state, question{}, true
		}
		// Or it may have looked at the beginning, so that more has come back. Where
		// even that is too little, Redis would refuse.
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
// if the permits left here go back. It is the least that can be missing: other
// nodes may have taken permits since. The caller holds mu.
func (b *book) lacks(elapsed time.Duration) time.Duration {
	unused := b.limit.Interval() * time.Duration(b.left)
	return max(b.missing-max(elapsed, 0)-unused, 0)
}

// next is how many permits to take in advance, an elapsed time after Redis spoke
// last: twice as many as before where questions follow each other quickly, half
// as many where they do not, and none for a key that is seldom asked for. The
// caller holds mu.
func (b *book) next(elapsed time.Duration) int {
	switch {
	case b.at.IsZero() || elapsed >= freshFor:
		return 0
	case elapsed > busyWithin:
		return b.advance / 2
	}
	return min(max(1, 2*b.advance), b.limit.Burst/advanceShare)
}

// enter records what Redis answered to a question that was asked at a time, and
// returns what that means to the caller. It is called for every question, also
// for one that got no answer: else no other could ask in advance again. What
// such a question gave back is lost to this node, and comes back in Redis with
// time.
func (b *book) enter(limit core.Limit, ask question, got reply, at time.Time) core.LimitState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ask.first {
		b.asking = false
	}
	if got.now == 0 { // no answer
		return core.LimitState{}
	}
	if b.limit == limit {
		if got.now >= b.now { // else an answer to a later question was faster
			b.missing, b.now, b.at, b.trip = got.missing, got.now, at, got.trip
		}
		if unused := got.taken - ask.want; unused > 0 {
			b.left, b.epoch = unused, got.epoch
		}
	}
	// The caller's state is that before Redis took anything, from which what the
	// caller wants is taken: permits in advance are not for clients to see.
	_, state := limit.Take(got.missing-limit.Interval()*time.Duration(got.taken), ask.want)
	return state
}

// books are the keys that this node was asked for lately. A key that is forgotten
// costs a question to Redis.
type books struct {
	// seed makes the shard of a key unpredictable: nobody fills one on purpose.
	seed   maphash.Seed
	shards [shards]shard
}

const (
	// shards are so many that callers rarely meet in one, and all together hold
	// 2¹⁶ books at most.
	shards   = 64
	shardMax = 1 << 16 / shards
)

// shard holds some of the books.
type shard struct {
	// mu guards all fields, and the field seen of each book. It is held to find or
	// forget a book and given back before the book is used, so a book may be in
	// use while it is forgotten. What is left in it is lost then, which only takes
	// permits away.
	mu    sync.Mutex
	books map[string]*book
	// swept is when idle books were forgotten last.
	swept time.Time
}

func (b *books) init() {
	b.seed = maphash.MakeSeed()
	for i := range b.shards {
		b.shards[i].books = map[string]*book{}
	}
}

// open returns the book of a key, an empty one where there is none.
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
// too many others, any one. It walks through the shard once in a while only,
// because a flood of new keys would have it do so for each. The caller holds mu.
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
