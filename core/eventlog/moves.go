package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Moves moves streams from shard to shard while producers and groups go on.
//
// A move copies what is there, twice if need be, and compares both sides by a hash. Then
// it fences the stream where it is, which holds appends to it: copies the rest, compares
// that, and switches the definition. The stream stays held until every node must have
// heard of that, and is then released where it is now. What is left where it was goes; the
// fence there stays for good, because a node that was paused may come back at any time.
//
// The definition says who is at it. Whoever finds another there has been overtaken, and
// stops. So a move that was interrupted anywhere is finished, or undone, by another one.
type Moves struct {
	MovePorts

	// life ends with Close, and running are the moves that were started.
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	// seen is when Tend has seen a move first, by its id.
	seen map[core.ID]time.Time
}

// MovePorts is what Moves works with.
type MovePorts struct {
	Streams *Streams
	Store   ShardedLog
	Record  core.Recorder
	Logger  *slog.Logger
	Now     core.Clock
	// Settle is how long all nodes may take to hear of a switch; zero is [core.HomeTTL]
	// and a second.
	Settle time.Duration
}

// ShardedLog is a storage whose shards, each of them a [core.Movable], can be reached one
// by one.
type ShardedLog interface {
	core.Sharded
	// At returns a shard by its number.
	At(ctx context.Context, shard int) (core.Storage, error)
}

// NewMoves returns the use case. Where the store has one shard, Store is nil.
func NewMoves(ports MovePorts) *Moves {
	if ports.Settle == 0 {
		ports.Settle = core.HomeTTL + time.Second
	}
	m := &Moves{MovePorts: ports}
	m.life, m.end = context.WithCancel(context.Background())
	return m
}

// Start begins a move and returns. What becomes of it the stream tells: it has Moving for
// as long as it is not done.
func (m *Moves) Start(ctx context.Context, who core.Principal, ref string, to int) (core.Stream, error) {
	stream, err := m.Begin(ctx, who, ref, to)
	if err != nil {
		return core.Stream{}, err
	}
	m.running.Go(func() {
		if err := m.Finish(m.life, who, stream, func(int) {}); err != nil {
			m.Logger.Error("a stream was not moved; move it again, or to where it is to undo it", "stream_id", stream.ID, "to", to, "error", err)
			return
		}
		m.Logger.Info("a stream was moved", "stream_id", stream.ID, "from", stream.Shard, "to", to)
	})
	return stream, nil
}

// Close interrupts the moves that were started, and waits until each has left its stream
// where it can be written to.
func (m *Moves) Close() {
	m.end()
	m.running.Wait()
}

// The bounds of a move: what may be left to copy when the stream is held, how often it is
// copied in the hope of that, and how long it may be held.
const (
	heldEvents = 2000
	moveRounds = 20
	holdAtMost = time.Minute
)

var errDiffers = core.Errorf(core.CodeConflict, "the copy of the stream is not what was copied: the move is stopped, and the stream stays where it is; move it again")

var errOvertaken = core.Errorf(core.CodeConflict, "somebody else has begun to move this stream meanwhile")

// Begin notes that a stream is to be moved, and returns it with that note. A stream that
// is there already may have a move to be undone or finished; Finish does that.
func (m *Moves) Begin(ctx context.Context, who core.Principal, ref string, to int) (core.Stream, error) {
	if err := core.Authorize(m.Streams.Authorizer, who, core.ActionWriteOrganization, core.ID{}); err != nil {
		return core.Stream{}, err
	}
	if _, err := m.Streams.Get(ctx, who, ref); err != nil { // before anything is said of shards
		return core.Stream{}, err
	}
	shards := 1
	if m.Store != nil {
		shards = m.Store.Shards()
	}
	if err := checkShard("shard", to, shards); err != nil {
		return core.Stream{}, err
	}
	if shards == 1 {
		return core.Stream{}, core.Errorf(core.CodeConflict, "the store has one shard, or cannot move streams: there is nowhere else")
	}
	now := m.Now.Stamp()
	return m.change(ctx, who, ref, func(stream *core.Stream) error {
		stream.Moving = &core.ShardMove{ID: core.RandomID(now), To: to, StartedAt: now}
		return nil
	})
}

func (m *Moves) change(ctx context.Context, who core.Principal, ref string, change func(*core.Stream) error) (core.Stream, error) {
	return m.Streams.revise(ctx, who, ref, 0, core.ActionWriteOrganization, change, func(stream core.Stream) error {
		return m.Streams.Catalog.UpdateStream(ctx, stream)
	})
}

// Finish does what Begin has noted. told is told of the events that were copied, now and
// then. After an error the stream is where it was or where it is to be, and the move is to
// be begun again: Begin and Finish with the same shard go on, with the one where the
// stream is they undo.
func (m *Moves) Finish(ctx context.Context, who core.Principal, stream core.Stream, told func(events int)) error {
	from := stream.Shard
	move := &move{Moves: m, who: who, stream: stream, told: told}
	if stream.Moving.To != from {
		if err := move.run(ctx); err != nil {
			return err
		}
	}
	if err := move.settle(ctx); err != nil {
		return err
	}
	done := who.Did(core.AuditStreamMoved, "stream", stream.ID)
	done.Details = map[string]string{"from": strconv.Itoa(from), "to": strconv.Itoa(stream.Moving.To)}
	m.Record.Record(ctx, done)
	return nil
}

// move is one that is under way.
type move struct {
	*Moves

	who    core.Principal
	stream core.Stream
	told   func(events int)

	from, to place
	// compared is up to where both sides were found alike.
	compared core.Offset
}

// turn is the revision by which the move was begun, so a later move has a higher one.
func (m *move) turn() int64 { return m.stream.Revision }

// place is a shard as a move needs it.
type place struct {
	core.Storage
	core.Movable
}

func (m *move) at(ctx context.Context, shard int) (place, error) {
	storage, err := m.Store.At(ctx, shard)
	if err != nil {
		return place{}, err
	}
	return place{storage, storage.(core.Movable)}, nil
}

// log is what a place has of the stream.
func (m *move) log(ctx context.Context, at place) (core.StreamLog, error) {
	bounds, err := at.Bounds(ctx, []core.ID{m.stream.ID})
	if err != nil {
		return core.StreamLog{}, err
	}
	return core.StreamLog{Org: m.stream.Org, Stream: m.stream.ID, Bounds: bounds[0]}, nil
}

// run copies and switches.
func (m *move) run(ctx context.Context) (err error) {
	if m.from, err = m.at(ctx, m.stream.Shard); err != nil {
		return err
	}
	if m.to, err = m.at(ctx, m.stream.Moving.To); err != nil {
		return err
	}
	// A move that was interrupted may have left the stream held. Nobody but this one can
	// switch it any more, so it need not be.
	if err := m.from.Lift(ctx, m.stream.ID, m.turn()); err != nil {
		return err
	}
	if err := m.to.Fence(ctx, m.stream.Org, m.stream.ID, m.turn()); err != nil {
		return err
	}
	m.to.Forget(m.stream.ID)
	for round := range moveRounds {
		left, err := m.copy(ctx, round == 0)
		if err != nil {
			return err
		}
		if left <= heldEvents {
			break
		}
	}
	if err := m.compare(ctx); err != nil {
		return err
	}
	held, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdAtMost)
	defer cancel()
	return m.hold(held)
}

// copy brings the target to where the stream is now, and returns how many events that
// were. What an earlier move has left there may be of another time: then it goes first.
func (m *move) copy(ctx context.Context, first bool) (events int, err error) {
	of, err := m.log(ctx, m.from)
	if err != nil {
		return 0, err
	}
	there, err := m.log(ctx, m.to)
	if err != nil {
		return 0, err
	}
	if there.Bounds == of.Bounds {
		return 0, nil
	}
	if first && there.First > of.First { // a removal was interrupted
		if err := m.to.Discard(ctx, m.stream.ID, m.turn()); err != nil {
			return 0, err
		}
		return m.copy(ctx, false)
	}
	err = CopyStream(ctx, m.from, m.to, of, there.Next, func(n int) {
		events += n
		m.told(n)
	})
	if first && core.CodeOf(err) == core.CodeConflict {
		if err := m.to.Discard(ctx, m.stream.ID, m.turn()); err != nil {
			return 0, err
		}
		return m.copy(ctx, false)
	}
	return events, err
}

// hold is the part in which nobody can append to the stream. If it fails before the
// switch, the stream is released where it was.
func (m *move) hold(ctx context.Context) error {
	err := m.from.Fence(ctx, m.stream.Org, m.stream.ID, m.turn())
	if err == nil {
		_, err = m.copy(ctx, false)
	}
	if err == nil {
		err = m.compare(ctx)
	}
	if err == nil {
		err = m.sameEnds(ctx)
	}
	if err == nil {
		if err = m.switchHome(ctx); err == nil {
			return nil
		}
	}
	// The fence may stand although an error came back, and so may the switch have taken
	// place. Only a look tells. Without it the fence stays, and the next move decides.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdAtMost)
	defer cancel()
	now, looked := m.Streams.Catalog.Stream(ctx, m.stream.Org, m.stream.ID)
	switch {
	case looked != nil:
		return errors.Join(err, core.StoreFailed(looked))
	case m.mine(&now) && now.Shard == m.stream.Moving.To:
		return nil // it was switched all the same
	case now.Shard == m.stream.Shard && (m.mine(&now) || now.Moving == nil):
		return errors.Join(err, m.from.Lift(ctx, m.stream.ID, m.turn()))
	}
	return err
}

// mine reports whether nobody else has begun to move the stream.
func (m *move) mine(stream *core.Stream) bool {
	return stream.Moving != nil && stream.Moving.ID == m.stream.Moving.ID
}

// switchHome changes the definition, unless somebody else is at it.
func (m *move) switchHome(ctx context.Context) error {
	_, err := m.change(ctx, m.who, m.stream.ID.String(), func(stream *core.Stream) error {
		if !m.mine(stream) || stream.Shard != m.stream.Shard {
			return errOvertaken
		}
		stream.Shard = stream.Moving.To
		return nil
	})
	return err
}

// compareAttempts bounds how often a stream is compared that retention shortens meanwhile.
const compareAttempts = 3

// compare compares what was copied since the last time, by a hash over all of every event.
func (m *move) compare(ctx context.Context) (err error) {
	for range compareAttempts {
		var of, there core.StreamLog
		if of, err = m.log(ctx, m.from); err != nil {
			return err
		}
		if there, err = m.log(ctx, m.to); err != nil {
			return err
		}
		of.First = max(of.First, there.First, m.compared)
		of.Next = min(of.Next, there.Next)
		var one, other [32]byte
		if one, _, err = Sum(Entries(ctx, m.from, of, of.First)); err != nil {
			return err
		}
		if other, _, err = Sum(Entries(ctx, m.to, of, of.First)); err != nil {
			return err
		}
		if one == other {
			m.compared = of.Next
			return nil
		}
	}
	return errDiffers
}

// sameEnds compares what a hash says nothing about.
func (m *move) sameEnds(ctx context.Context) error {
	of, err := m.log(ctx, m.from)
	if err != nil {
		return err
	}
	there, err := m.log(ctx, m.to)
	if err == nil && (there.First > of.First || there.Next != of.Next || !there.Last.Equal(of.Last)) {
		err = errDiffers
	}
	return err
}

// settle waits until all nodes must have heard where the stream is, releases it there and
// removes what is left elsewhere. A node that read there just before gets as long once
// more. Whoever was overtaken may have fenced the stream late: so it is released again
// once the note is gone.
func (m *move) settle(ctx context.Context) error {
	home := m.stream.Moving.To
	at, err := m.release(context.WithoutCancel(ctx), home)
	if err != nil {
		return err
	}
	if err := wait(ctx, m.Settle); err != nil {
		return err
	}
	for shard := range m.Store.Shards() {
		if shard == home {
			continue
		}
		if err := m.discard(ctx, shard); err != nil {
			return err
		}
	}
	_, err = m.change(ctx, m.who, m.stream.ID.String(), func(stream *core.Stream) error {
		if !m.mine(stream) {
			return errOvertaken
		}
		stream.Moving = nil
		return nil
	})
	if err != nil {
		return err
	}
	return at.Lift(ctx, m.stream.ID, m.turn())
}

// release lets appends to the stream go on at its home. A server that stops does it first.
func (m *move) release(ctx context.Context, home int) (at place, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.Settle+holdAtMost)
	defer cancel()
	if err := wait(ctx, m.Settle); err != nil {
		return at, err
	}
	if at, err = m.at(ctx, home); err != nil {
		return at, err
	}
	if err := m.stillMine(ctx); err != nil {
		return at, err
	}
	return at, at.Lift(ctx, m.stream.ID, m.turn())
}

// stillMine looks whether somebody else has begun to move the stream.
func (m *move) stillMine(ctx context.Context) error {
	now, err := m.Streams.Catalog.Stream(ctx, m.stream.Org, m.stream.ID)
	if err == nil && (!m.mine(&now) || now.Shard != m.stream.Moving.To) {
		err = errOvertaken
	}
	return core.StoreFailed(err)
}

// discard removes what a shard has of the stream, which is elsewhere. A shard that is away
// keeps it, where nobody looks for it.
func (m *move) discard(ctx context.Context, shard int) error {
	at, err := m.at(ctx, shard)
	if err == nil {
		var there core.StreamLog
		if there, err = m.log(ctx, at); err == nil && there.Bounds == (core.Bounds{}) {
			return nil
		}
	}
	if err == nil {
		err = at.Fence(ctx, m.stream.Org, m.stream.ID, m.turn())
	}
	if err == nil {
		err = m.stillMine(ctx)
	}
	if err == nil {
		err = at.Discard(ctx, m.stream.ID, m.turn())
	}
	if core.CodeOf(err) == core.CodeUnavailable {
		m.Logger.WarnContext(ctx, "what is left of a moved stream could not be removed; move the stream to where it is to try again", "stream_id", m.stream.ID, "shard", shard, "error", err)
		return nil
	}
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
