package deliver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Replayer works on the replays that [Letters.ReplayAll] starts. Every node has one; a
// replay is held by one of them at a time.
type Replayer struct {
	store      core.GroupStore
	turns      *turns
	bearer     func(ctx context.Context, org, id core.ID) (core.Principal, error)
	authorizer core.Authorizer
	record     core.Recorder
	logger     *slog.Logger
	now        core.Clock
}

const (
	// replayInterval is how often work is looked for.
	replayInterval = time.Second
	// replayHold is how long a node has a replay for itself, from its last sign of
	// life. After a crash, another node goes on when this time is over.
	replayHold = 30 * time.Second
	// replayPage is how many letters are given back by one step of a group.
	replayPage = 500
	// replaySlice bounds one visit, so that one long replay does not hold up the
	// others.
	replaySlice = time.Second
	// replayPause is how long a replay with a rate rests between two visits: a bit less
	// than the ticks are apart, or every other one would come too early. replayWait is
	// the same for a group without room.
	replayPause = replayInterval * 9 / 10
	replayWait  = 5 * time.Second
)

// Run works until ctx ends. A failure is logged and tried again with the next tick: a
// replay is work that somebody has asked for and gone away from. Whoever has done so is
// looked at beside the work, which may take long. Run tells ran of `replays` and of
// `replay_rights`, which is that look.
func (r *Replayer) Run(ctx context.Context, ran core.Ran) {
	var both sync.WaitGroup
	both.Go(func() { r.repeat(ctx, r.Work, func(err error) { ran.Tell("replays", err) }) })
	both.Go(func() { r.repeat(ctx, r.Withdraw, func(err error) { ran.Tell("replay_rights", err) }) })
	both.Wait()
}

func (r *Replayer) repeat(ctx context.Context, work func(context.Context) error, ran func(error)) {
	tick := time.NewTicker(replayInterval)
	defer tick.Stop()
	for {
		err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.logger.Error("replaying dead letters failed; it will be tried again", "error", err)
		}
		ran(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// maxReplayRound bounds how many organizations have a turn in one round.
const maxReplayRound = 1000

// Work gets the replays of all organizations further until none is due. It goes round:
// in each round an organization has one visit of one of its replays, so many replays of
// one hold up nobody but themselves.
func (r *Replayer) Work(ctx context.Context) error {
	for ctx.Err() == nil {
		replays, err := r.store.DueReplays(ctx, r.now(), maxReplayRound)
		if err != nil {
			return err
		}
		visited, err := r.round(ctx, replays)
		if err != nil || visited == 0 {
			return err
		}
	}
	return nil
}

// round visits replays, and returns how many of them got further.
func (r *Replayer) round(ctx context.Context, replays []core.Replay) (visited int, err error) {
	var failures []error
	for _, replay := range replays {
		err := r.visit(ctx, replay)
		switch {
		case err == nil:
			visited++
		case core.CodeOf(err) != core.CodePreconditionFailed: // another node was faster
			// One replay that fails does not keep the others from getting on.
			failures = append(failures, err)
		}
	}
	return visited, errors.Join(failures...)
}

// errBusy says that a group has no room for more replays at the moment. The replay
// goes on later.
var errBusy = errors.New("the group has no room for more replays until its consumers catch up")

// visit holds a replay, works on it for a while, and lets it go until it is due again.
func (r *Replayer) visit(ctx context.Context, replay core.Replay) error {
	begun := r.now()
	if err := r.save(ctx, &replay, begun.Add(replayHold)); err != nil {
		return err // another node has it
	}
	due, err := r.work(ctx, &replay, begun)
	after := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return r.save(after, &replay, due)
	case core.CodeOf(err) == core.CodePreconditionFailed:
		err = cmp.Or(r.amend(after, &replay), err)
	default:
		_ = r.save(after, &replay, due) // or the hold ends by itself
	}
	return err
}

// work gives letters back until the replay has ended, its rate allows no more, or the
// slice is over. It returns when the replay is due again.
func (r *Replayer) work(ctx context.Context, replay *core.Replay, begun time.Time) (due time.Time, err error) {
	allowed := r.allowance(replay)
	for ctx.Err() == nil && r.now().Sub(begun) < replaySlice {
		room := min(replayPage, allowed)
		if room == 0 {
			return begun.Add(r.pause(replay, begun)), nil
		}
		before := replay.Done
		// When a page fails in the middle, the letters before that have been given
		// back.
		more, err := r.page(ctx, replay, room)
		allowed -= int(replay.Done - before)
		if errors.Is(err, errBusy) {
			return begun.Add(replayWait), nil
		}
		if err != nil {
			return r.now(), err
		}
		if !more {
			replay.State = core.ReplayDone
			return time.Time{}, nil
		}
		if err := r.save(ctx, replay, r.now().Add(replayHold)); err != nil {
			return due, err
		}
	}
	return r.now(), nil // and behind the others of its organization
}

// amend notes what this node gave back of a replay that was stopped meanwhile.
func (r *Replayer) amend(ctx context.Context, replay *core.Replay) error {
	stored, err := r.store.Replay(ctx, replay.Org, replay.ID)
	if err != nil || stored.State != core.ReplayStopped || stored.Done >= replay.Done {
		return err
	}
	stored.Done, stored.Cursor = replay.Done, replay.Cursor
	return r.save(ctx, &stored, time.Time{})
}

// save stores how far a replay is, and how long this node holds it. It fails when
// another node has saved it since.
func (r *Replayer) save(ctx context.Context, replay *core.Replay, held time.Time) error {
	replay.Revision++
	replay.HeldUntil, replay.UpdatedAt = held, r.now.Stamp()
	return r.store.UpdateReplay(ctx, *replay)
}

// catchUp bounds the burst of a replay that nobody has worked on for a while: it makes
// up for two seconds of its rate. Its consumers did not ask for more at once.
const catchUp = 2 * time.Second

// allowance returns how many letters the rate of a replay allows in one visit. It goes
// by the letters given back since the start, so no rounding adds up.
func (r *Replayer) allowance(replay *core.Replay) int {
	if replay.Rate == 0 {
		return math.MaxInt
	}
	rate := replayRate(replay)
	due := r.now().Sub(replay.CreatedAt).Seconds()*rate - float64(replay.Done)
	return max(int(min(due, 1+catchUp.Seconds()*rate)), 0)
}

// pause returns how long a replay rests before its rate allows the next letter.
func (r *Replayer) pause(replay *core.Replay, now time.Time) time.Duration {
	const most = time.Hour // a look too early does no harm
	seconds := float64(replay.Done+1)/replayRate(replay) - now.Sub(replay.CreatedAt).Seconds()
	return max(time.Duration(min(seconds, most.Seconds())*float64(time.Second)), replayPause)
}

// replayRate returns the rate of a replay that has one. Earlier versions took lower rates
// than there are.
func replayRate(replay *core.Replay) float64 { return max(replay.Rate, core.MinReplayRate) }

// page gives back the next letters, by the runs of one group that they come in, and
// reports whether there are more. The cursor moves behind each run that was given
// back, so a failure in the middle repeats nothing.
func (r *Replayer) page(ctx context.Context, replay *core.Replay, room int) (more bool, err error) {
	letters, err := r.store.DeadLetters(ctx, replay.Org, core.LetterScan{
		Filter: replay.Filter, Streams: replay.Streams, After: replay.Cursor, Limit: room + 1,
	})
	if err != nil {
		return false, err
	}
	// Letters that were parked after the start do not belong to the replay.
	past := slices.IndexFunc(letters, func(l core.DeadLetter) bool { return bytes.Compare(l.ID[:], replay.Until[:]) > 0 })
	if past >= 0 {
		letters = letters[:past]
	}
	if more = len(letters) > room; more {
		letters = letters[:room]
	}
	for len(letters) > 0 {
		same := slices.IndexFunc(letters, func(l core.DeadLetter) bool { return l.Group != letters[0].Group })
		if same < 0 {
			same = len(letters)
		}
		if err := r.giveBack(ctx, replay, letters[:same]); err != nil {
			return true, err
		}
		replay.Cursor = letters[same-1].ID
		letters = letters[same:]
	}
	if more {
		return true, nil
	}
	// The replay is at its end. The letters that it did not give back were discarded,
	// were given back by others, or belonged to a group that is gone.
	replay.Gone = max(replay.Total-replay.Done, 0)
	return false, nil
}

// giveBack replays letters of one group in one step. After a crash between the step
// and the saving of the cursor the same letters come here again. They are replaying by
// then, which the scan for parked ones leaves out.
func (r *Replayer) giveBack(ctx context.Context, replay *core.Replay, letters []core.DeadLetter) error {
	group, err := groupOf(ctx, r.store, letters[0])
	if core.IsNotFound(err) {
		return nil // its letters are gone with it
	}
	if err != nil {
		return err
	}
	scan := core.LetterScan{Filter: replay.Filter, After: replay.Cursor, Limit: len(letters)}
	scan.Filter.Stream, scan.Filter.Group = group.Stream, group.ID
	given := 0
	// A replay that is stopped waits for its step, so that it knows how many it gave
	// back. The step's own time-out bounds that.
	err = r.turns.do(context.WithoutCancel(ctx), group, func(t *turn) error {
		// Half of the room is left for events that consumers refuse.
		if len(t.state.Waiting)+len(letters) > maxWaiting/2 {
			return errBusy
		}
		// Read again, now that nobody else changes them: some may have been discarded.
		current, err := r.store.DeadLetters(ctx, replay.Org, scan)
		if err != nil {
			return err
		}
		given = 0
		for _, letter := range current {
			wanted := slices.ContainsFunc(letters, func(l core.DeadLetter) bool { return l.ID == letter.ID })
			if wanted && !t.replays(letter.ID) && !slices.Contains(t.remove, letter.ID) {
				t.replay(letter)
				given++
			}
		}
		return nil
	})
	if err == nil {
		replay.Done += int64(given)
	}
	return err
}
