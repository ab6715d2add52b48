// Package redislimit is a rate limiter whose buckets are in Redis, where all
// nodes share them.
//
// Buckets count by the clock of Redis, so nodes' clocks may differ. A node that
// is asked often for one key takes some permits in advance: at most a twentieth
// of the burst, and a quarter of what there is. It answers from memory until they
// are used up, or Redis's answer is a second old. What is left then goes back
// with the next question. So within any time d at most
//
//	Burst + d/Interval + nodes × Burst/20
//
// uses are allowed over all nodes, and never more than Burst + d/Interval
// permits are given out. A refusal is remembered for a second at most, and only
// for as long as no permit can have come back: a client that floods costs Redis
// next to nothing.
//
// While Redis is lost, each node counts by itself. It goes on from what it has let
// pass before, and is held to that when Redis is back: however often Redis is lost, a
// node lets no more than one bucket pass. README.md tells the life of a permit, and
// what each failure does.
package redislimit

import (
	"cmp"
	"context"
	_ "embed" // for the script
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/eventflow-go/eventflow/core"
)

//go:embed take.lua
var takeLua string

const (
	// prefix begins the names of the buckets in Redis.
	prefix = "eventflow:limit:"
	// patience is the default of [Options.Patience].
	patience = 500 * time.Millisecond
	// knockEvery is how often a lost Redis is tried.
	knockEvery = time.Second
)

// Options are what a limiter needs beside Redis. Fallback and Logger are
// required.
type Options struct {
	// Fallback counts while Redis is lost. It belongs to this node, and counts what
	// the node lets pass also while Redis is there. So its buckets have what Redis's
	// bucket would have if there were this node alone.
	Fallback core.RateLimiter
	Logger   *slog.Logger
	// Watch is given the client, to see its commands. It may be nil.
	Watch func(*redis.Client) error
	// Changed is told when Redis is lost, and when it is back, by turns. It may be
	// nil. It is called under a lock and must be fast.
	Changed func(lost bool)
	// Patience is how long Redis may take, connecting included, before it counts
	// as lost, and so the longest that a request is held up: default 500 ms. It is
	// back when it takes no more than half of that, so that one which is barely too
	// slow does not come and go.
	Patience time.Duration
}

// Limiter implements [core.RateLimiter]. It is made by Open.
type Limiter struct {
	Options
	client  *redis.Client
	script  *redis.Script
	books   books
	breaker breaker
}

// Open returns a limiter by the server that a redis:// or rediss:// URL names.
// It connects when it is used.
func Open(url string, options Options) (*Limiter, error) {
	parsed, err := redis.ParseURL(url)
	if err != nil {
		// The library's text may quote the URL, and with it the password.
		return nil, errors.New("must be a URL like redis://user:password@host:6379/0")
	}
	parsed.ClientName = "eventflow-limit"
	parsed.ContextTimeoutEnabled = true
	// A request waits as long as its context says, which is Patience at most. A
	// connection may take longer to come about, for the requests that follow.
	parsed.DialTimeout = knockEvery
	parsed.MaxRetries, parsed.DialerRetries = -1, 1 // none: the fallback is better than a second try
	parsed.DisableIdentity = true
	parsed.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.Patience = cmp.Or(options.Patience, patience)
	l := &Limiter{Options: options, client: redis.NewClient(parsed), script: redis.NewScript(takeLua)}
	if options.Watch != nil {
		if err := options.Watch(l.client); err != nil {
			return nil, errors.Join(err, l.client.Close())
		}
	}
	l.books.init()
	l.breaker.init(l.knock, l.changed)
	return l, nil
}

// Close lets the connections go.
func (l *Limiter) Close() error {
	l.breaker.close()
	return l.client.Close()
}

// Lost reports whether Redis is lost at the moment.
func (l *Limiter) Lost() bool { return l.breaker.lost.Load() }

// Take implements [core.RateLimiter].
func (l *Limiter) Take(ctx context.Context, key string, limit core.Limit, n int, now time.Time) (core.LimitState, error) {
	if err := limit.Check(n); err != nil {
		return core.LimitState{}, err
	}
	if l.Lost() {
		return l.Fallback.Take(ctx, key, limit, n, now)
	}
	book := l.books.open(key, now)
	state, ask, known := book.answer(limit, n, now)
	if known {
		return l.pass(ctx, key, limit, n, now, state)
	}
	got, err := l.ask(ctx, l.Patience, key, limit, ask)
	state = book.enter(limit, ask, got, now) // also without an answer: the question is over
	if err != nil {
		if ctx.Err() == nil { // else the caller gave up, which says nothing about Redis
			l.breaker.trip(err)
		}
		return l.Fallback.Take(ctx, key, limit, n, now)
	}
	return l.pass(ctx, key, limit, n, now, state)
}

// pass charges the node's own bucket for what Redis has allowed. The own one refuses
// only what was taken from it alone, while Redis was lost: otherwise all that is taken
// from it is taken from Redis's bucket, too.
func (l *Limiter) pass(ctx context.Context, key string, limit core.Limit, n int, now time.Time, shared core.LimitState) (core.LimitState, error) {
	if !shared.Allowed {
		return shared, nil
	}
	own, err := l.Fallback.Take(ctx, key, limit, n, now)
	if err != nil || !own.Allowed || own.Remaining < shared.Remaining {
		return own, err
	}
	return shared, nil
}

// question is what a node asks Redis.
type question struct {
	// want is how many permits are needed, all or none. advance is how many more
	// would be welcome, and back how many of an epoch are given back unused.
	want, advance, back int
	epoch               int64
	// first says that no other question that may ask in advance is on its way.
	first bool
}

// reply is what Redis answers.
type reply struct {
	// taken is how many permits were taken, those in advance included; zero where
	// there were fewer than wanted.
	taken int
	// missing is the time until the bucket is full after that, and trip how long
	// the answer took.
	missing, trip time.Duration
	// epoch and now are the bucket's epoch and the time, by the clock of Redis in
	// microseconds.
	epoch, now int64
}

// ask asks Redis. The script reads, decides and writes as one: Redis runs nothing
// else meanwhile. Where Redis does not know the script any more, the library
// sends it again. An answer that takes longer than patience is an error.
func (l *Limiter) ask(ctx context.Context, patience time.Duration, key string, limit core.Limit, q question) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	figures, err := l.script.Run(ctx, l.client, []string{prefix + key},
		limit.Interval().Microseconds(), limit.Burst, q.want, q.advance, q.back, q.epoch).Int64Slice()
	if err != nil {
		return reply{}, err
	}
	if len(figures) != 4 {
		return reply{}, fmt.Errorf("the script returned %d figures", len(figures))
	}
	return reply{
		taken: int(figures[0]), missing: time.Duration(figures[1]) * time.Microsecond,
		epoch: figures[2], now: figures[3], trip: time.Since(start),
	}, nil
}

// knock returns nil when Redis answers again. It runs the script as a request
// would, but takes nothing, so that no bucket comes about.
func (l *Limiter) knock(ctx context.Context) error {
	_, err := l.ask(ctx, l.Patience/2, "knock", core.Limit{PerMinute: 1, Burst: 1}, question{})
	return err
}

// changed tells people, once for each change.
func (l *Limiter) changed(err error) {
	if err != nil {
		l.Logger.Warn("Redis is unreachable: each node counts requests on its own until it is back", "error", err)
	} else {
		l.Logger.Info("Redis is back: the nodes count requests together again")
	}
	if l.Changed != nil {
		l.Changed(err != nil)
	}
}
