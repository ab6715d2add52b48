package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// lane is a queue of requests and the one goroutine that commits them.
//
// A request passes through it in four steps:
//
//  1. push adds it to the queue and wakes the goroutine. Many requests do this at
//     once, also while a transaction is running. That is the group commit: a group
//     is whatever has gathered during the transaction before.
//  2. take removes a group from the head of the queue.
//  3. append stamps the group and gives it to the store as one transaction. This
//     is the only slow step, and no lock is held during it.
//  4. commit tells whoever follows the streams, then sends every request of the
//     group the same answer.
//
// Steps 2 to 4 run on the lane's goroutine alone, one group after the other. So
// requests for one stream get their offsets in the order of their pushes, and the
// times of a stream never decrease. The one exception is a request that repeats an
// idempotency key: take lets later ones pass it.
type lane struct {
	log     commitLog
	options CommitOptions
	// wake holds at most one signal, which means that the queue or closed has
	// changed since the goroutine last looked. It is filled after the change and
	// emptied before the look, so no change goes unnoticed.
	wake chan struct{}
	// stopped is closed when the goroutine has ended: the lane is closed and every
	// request has its answer.
	stopped chan struct{}
	// floor is the latest time that the lane has used, or has met in the store within
	// ClockTolerance. No group gets an earlier one, so the lane's clock never goes back
	// and catches up with nodes that are a little ahead (a hybrid logical clock). ahead
	// holds the streams that are further ahead: see ahead.go. The lane's goroutine
	// alone reads and writes all three.
	// shardAt is the time of the shard's newest event, where the shard has one clock for
	// all of its streams and that one is ahead: no group gets an earlier time.
	floor, shardAt time.Time
	ahead          map[core.ID]time.Time

	// mu guards what follows. It is held for moments only: every request takes it
	// once, so a transaction under it would stop them all.
	mu sync.Mutex
	// queue holds the requests that are not in a group yet, in order of arrival.
	queue []*pending
	// events and bytes are the sums over queue, and bound it. A group leaves them
	// when it is taken, so what is being committed does not count.
	events int
	bytes  int
	// held is how much of queue is of each organization that has something in it.
	held map[core.ID]load
	// last is who had most of the group before, and crowded until when groups are made for
	// several organizations: who has an answer comes again only after a moment.
	last    core.ID
	crowded time.Time
	// closed refuses further requests. What was queued before is still committed.
	closed bool
}

// load is how many events there are and about how many bytes they occupy.
type load struct{ events, bytes int }

func (p *pending) load() load { return load{len(p.batch.Entries), p.bytes} }

// hold counts a request, or with -1 one that is queued no more.
func (l *lane) hold(p *pending, times int) {
	one, org := p.load(), p.batch.Org
	l.events += times * one.events
	l.bytes += times * one.bytes
	mine := l.held[org]
	mine.events += times * one.events
	mine.bytes += times * one.bytes
	if mine == (load{}) {
		delete(l.held, org)
		return
	}
	if l.held == nil {
		l.held = map[core.ID]load{}
	}
	l.held[org] = mine
}

// reserve is the part of a full queue, beyond its bounds, that each organization may have
// when others have filled it.
const reserve = 16

// reserved reports whether a full queue takes a request all the same: its organization has
// next to nothing in it. All of that is as much as a queue at most.
func (l *lane) reserved(p *pending) bool {
	mine, one, o := l.held[p.batch.Org], p.load(), &l.options
	return (mine.events+one.events)*reserve <= o.QueueEvents && (mine.bytes+one.bytes)*reserve <= o.QueueBytes &&
		l.events < 2*o.QueueEvents && l.bytes < 2*o.QueueBytes
}

// push queues a request, or refuses it when the lane is closed or full. An empty
// queue takes a request of any size, which would otherwise never get in.
func (l *lane) push(p *pending) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return core.Unavailable(nil, time.Second, "the server is stopping; send the request to another node or try again")
	}
	full := l.events+len(p.batch.Entries) > l.options.QueueEvents || l.bytes+p.bytes > l.options.QueueBytes
	if full && l.events > 0 && !l.reserved(p) {
		return core.Unavailable(nil, time.Second, "the ingest queue is full; slow down and try again")
	}
	l.queue = append(l.queue, p)
	l.hold(p, 1)
	l.signal()
	return nil
}

// close refuses further requests and lets the goroutine end once the queue is
// empty.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

// signal wakes the lane's goroutine. One waiting signal is enough for any number
// of pushes, because the goroutine looks until it finds nothing.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run is the lane's goroutine: it commits group after group until the lane is
// closed and empty.
func (l *lane) run() {
	defer close(l.stopped)
	for range l.wake {
		for {
			group, closed := l.take()
			if len(group) == 0 {
				if closed {
					return
				}
				break
			}
			l.commit(group)
		}
	}
}

// take removes the next group from the queue, as much as one transaction may
// hold. A group is empty only when the queue is: the first request is taken
// whatever its size.
//
// A request that has left is dropped. A batch that repeats an idempotency key of the
// group stays in the queue. A key
// is unique within one Append, and in the next group the batch finds the event
// that was stored under the key.
func (l *lane) take() (group []*pending, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys map[streamKey]struct{}
	events, bytes, keyed, most := 0, 0, 0, 0
	parts := l.parts()
	rest := l.queue[:0]
	for i, p := range l.queue {
		full := events+len(p.batch.Entries) > l.options.GroupEvents || bytes+p.bytes > l.options.GroupBytes ||
			l.options.Limits.Keyed > 0 && keyed+p.keyed > l.options.Limits.Keyed
		if full && len(group) > 0 {
			rest = append(rest, l.queue[i:]...)
			break
		}
		if !parts.room(p) {
			rest = append(rest, p)
			continue
		}
		if !p.take() {
			l.hold(p, -1)
			continue
		}
		if !claimKeys(&keys, p.batch) {
			p.putBack()
			rest = append(rest, p)
			continue
		}
		group = append(group, p)
		events += len(p.batch.Entries)
		bytes += p.bytes
		keyed += p.keyed
		l.hold(p, -1)
		if part := parts.add(p); part >= most {
			most, l.last = part, p.batch.Org
		}
	}
	// rest shares the queue's array. What is left behind it would keep requests
	// alive that have long been answered.
	clear(l.queue[len(rest):])
	l.queue = rest
	return group, l.closed
}

// parts is what each organization has in a group, while several send events. It is nil
// while one does: then its group is as large as may be.
type parts map[core.ID]load

const (
	// partEvents and partBytes are where the part of an organization ends. A request is
	// never split, so one may be larger.
	partEvents = 256
	partBytes  = 256 << 10
	// crowdedFor is how long groups have parts after there were several organizations.
	crowdedFor = time.Second
)

// parts begins a group. What is large of one organization would otherwise keep those of
// all others waiting, and groups of one with many large batches take longest.
func (l *lane) parts() parts {
	if len(l.held) == 0 {
		return nil
	}
	_, same := l.held[l.last]
	if now := time.Now(); len(l.held) > 1 || !same && !l.last.IsZero() {
		l.crowded = now.Add(crowdedFor)
	} else if now.After(l.crowded) {
		return nil
	}
	l.othersFirst()
	return parts{}
}

// othersFirst puts those to the end of the queue who had most of the group before: one that
// fills a group nearly by itself has the others go before its next one. The requests of an
// organization stay in their order.
func (l *lane) othersFirst() {
	ordered := make([]*pending, 0, len(l.queue))
	for _, last := range []bool{false, true} {
		for _, p := range l.queue {
			if (p.batch.Org == l.last) == last {
				ordered = append(ordered, p)
			}
		}
	}
	l.queue = ordered
}

// room reports whether a group has room for a request: the part of its organization has
// not ended, nor begins with what is larger than a part, behind others. Those who wait for
// the group would wait for that, and be away when the next one begins. What an
// organization has queued later waits, too, in its order.
func (p parts) room(one *pending) bool {
	part, more := p[one.batch.Org], one.load()
	if part == closed || len(p) > 0 && (more.events > partEvents || more.bytes > partBytes) {
		p[one.batch.Org] = closed
		return false
	}
	return part.events < partEvents && part.bytes < partBytes
}

// closed is a part that takes no more.
var closed = load{-1, -1}

// add adds a request to the part of its organization, and returns how many events that has.
func (p parts) add(one *pending) (events int) {
	part, more := p[one.batch.Org], one.load()
	if p != nil {
		p[one.batch.Org] = load{part.events + more.events, part.bytes + more.bytes}
	}
	return part.events + more.events
}

// commit appends a group and answers its requests.
func (l *lane) commit(group []*pending) {
	if len(l.ahead) == 0 { // as good as always
		l.commitPart(group)
		return
	}
	for _, part := range l.apart(group) {
		l.commitPart(part)
	}
}

// commitPart appends what may have one time.
func (l *lane) commitPart(group []*pending) {
	batches := make([]core.Batch, len(group))
	for i, p := range group {
		batches[i] = p.batch
	}
	err := l.append(group, batches)
	switch {
	case errors.Is(err, errApart):
		l.commit(group)
		return
	case errors.Is(err, core.ErrManyShards):
		l.scatter(group)
		return
	}
	if fenced, is := errors.AsType[*core.FencedError](err); is {
		l.leaveOut(group, fenced.Stream)
		return
	}
	if err == nil && l.options.Committed != nil {
		l.options.Committed(batches)
	}
	answerAll(group, err)
}

// answerAll gives all requests of a group the same answer.
func answerAll(group []*pending, err error) {
	for _, p := range group {
		p.done <- err // p belongs to the request again, and soon to another
	}
}

// append stores the batches in one transaction. When a stream holds an event that is
// ahead of the clock it catches up with it and tries again.
func (l *lane) append(group []*pending, batches []core.Batch) error {
	ctx := contextOf(group)
	for range appendRounds {
		at := l.stamp(group, batches)
		err := l.log.Append(ctx, at, batches)
		var behind *core.ClockError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &behind):
			if err := l.catchUp(ctx, batches, behind.Last); err != nil {
				return err
			}
		case errors.Is(err, core.ErrManyShards) && len(streamsOf(batches)) > 1:
			return err // scatter goes on
		case isFenced(err) && len(streamsOf(batches)) > 1:
			return err // leaveOut goes on
		case errors.Is(err, core.ErrUnknownOutcome):
			return l.resolve(ctx, at, batches, err)
		default:
			return l.failed(ctx, err)
		}
	}
	return core.Unavailable(nil, time.Second, "other servers with faster clocks keep writing to the stream; try again")
}

// contextOf returns the context of a group's commit, which leads to the contexts of
// its requests and ends with none of them.
func contextOf(group []*pending) context.Context {
	requests := make([]context.Context, 0, len(group))
	for _, p := range group {
		requests = append(requests, p.ctx)
	}
	return core.ContextWithRequests(context.Background(), requests)
}

// stamp gives the group its time and the events their ids. One read of the system's
// randomness serves all of them.
func (l *lane) stamp(group []*pending, batches []core.Batch) time.Time {
	at := l.time(batches[0].Stream)
	total := 0
	for i := range batches {
		total += len(batches[i].Entries)
	}
	random := make([]byte, 10*total)
	_, _ = rand.Read(random) // never fails: see the package's documentation
	for i := range batches {
		entries := batches[i].Entries
		group[i].stamped(at, random)
		setIDs(entries, at, random)
		random = random[10*len(entries):]
		for j := range entries {
			entry := &entries[j]
			entry.Stream, entry.ReceivedAt, entry.Outcome = batches[i].Stream, at, core.Stored
			if entry.OccurredAt.IsZero() {
				entry.OccurredAt = at
			}
		}
	}
	return at
}

// failed turns a store's definite failure into the client's answer. What the
// store says for clients stays as it is; everything else is for the log only. The log hears
// nothing of a refusal without a cause: the store has told it before.
func (l *lane) failed(ctx context.Context, err error) error {
	known, is := errors.AsType[*core.Error](err)
	if !is || known.Unwrap() != nil {
		l.options.Logger.ErrorContext(ctx, "append failed; nothing was stored", "error", err)
	}
	if is {
		return err
	}
	return core.Unavailable(err, time.Second, "the event store failed and nothing was stored; try again")
}

// streamKey is an idempotency key, which counts within its stream.
type streamKey struct {
	stream core.ID
	key    string
}

// claimKeys adds the batch's idempotency keys to the group's. When one of them is
// taken it adds none and reports false. The map is made with the first key: most
// groups have none.
func claimKeys(keys *map[streamKey]struct{}, batch core.Batch) bool {
	for i := range batch.Entries {
		if key := batch.Entries[i].IdempotencyKey; key != "" {
			if _, taken := (*keys)[streamKey{batch.Stream, key}]; taken {
				return false
			}
		}
	}
	for i := range batch.Entries {
		if key := batch.Entries[i].IdempotencyKey; key != "" {
			if *keys == nil {
				*keys = map[streamKey]struct{}{}
			}
			(*keys)[streamKey{batch.Stream, key}] = struct{}{}
		}
	}
	return true
}

// appendRounds bounds how often one group is appended again because another
// node's clock was ahead.
const appendRounds = 5
