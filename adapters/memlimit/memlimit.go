// Package memlimit is a rate limiter in the memory of one process.
package memlimit

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Limiter implements [core.RateLimiter], exactly. It is made by New.
//
// A bucket is remembered until it is full again. At most [MaxKeys] are: for one
// more another one is forgotten. Of a few that it looks at, the limiter takes the
// one that is nearest to full. A bucket that is forgotten counts as full.
type Limiter struct {
	// seed makes the shard of a key unpredictable: nobody fills one on purpose.
	seed   maphash.Seed
	shards [shards]shard
}

// MaxKeys bounds the buckets that are remembered.
const MaxKeys = 1 << 18

const (
	// shards are so many that callers rarely meet in one.
	shards   = 64
	shardMax = MaxKeys / shards
	// sweepEvery is the time after which a shard forgets what is full.
	sweepEvery = 30 * time.Second
	// sampled is how many buckets are looked at for one to forget.
	sampled = 8
)

// shard holds some of the buckets.
type shard struct {
	// mu guards the fields below. It is held for the whole of Take, so that two
	// requests for one key never see the same permit.
	mu sync.Mutex
	// full says when the bucket of a key is full, in nanoseconds of Unix time.
	// That is all there is to know of a bucket. A key that is not there has a full
	// one.
	full map[string]int64
	// swept is when buckets that have become full were forgotten last.
	swept int64
	_     [40]byte // keeps neighbours out of each other's cache line
}

// New returns a limiter whose buckets are full.
func New() *Limiter {
	l := &Limiter{seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].full = map[string]int64{}
	}
	return l
}

// Take implements [core.RateLimiter].
func (l *Limiter) Take(_ context.Context, key string, limit core.Limit, n int, now time.Time) (core.LimitState, error) {
	if err := limit.Check(n); err != nil {
		return core.LimitState{}, err
	}
	at := now.UnixNano()
	s := &l.shards[maphash.String(l.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	full, known := s.full[key]
	missing, state := limit.Take(time.Duration(full-at), n)
	// A refusal changes nothing, and a bucket that is full is not remembered.
	if due := at + int64(missing); missing > 0 && due != full {
		if !known {
			s.makeRoom(at)
		}
		s.full[key] = due
	}
	return state, nil
}

// makeRoom is called before a bucket is added, with mu held. It walks through the
// shard once in a while only: a flood of new keys would otherwise have it do so
// for each of them.
func (s *shard) makeRoom(at int64) {
	if at-s.swept >= int64(sweepEvery) || at < s.swept { // or the clock was set back
		s.swept = at
		for key, full := range s.full {
			if full <= at {
				delete(s.full, key)
			}
		}
	}
	if len(s.full) < shardMax {
		return
	}
	// The walk through a map begins anywhere, so these are some at random.
	var nearest string
	looked := 0
	for key, full := range s.full {
		if looked == 0 || full < s.full[nearest] {
			nearest = key
		}
		if looked++; looked == sampled {
			break
		}
	}
	delete(s.full, nearest)
}

// Len returns how many buckets are remembered.
func (l *Limiter) Len() int {
	n := 0
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		n += len(s.full)
		s.mu.Unlock()
	}
	return n
}
