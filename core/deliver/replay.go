package deliver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Replayer works on replays: any number of nodes may run one.
type Replayer struct {
	letters *Letters
	logger  *slog.Logger
}

// NewReplayer returns the worker for the letters' replays.
func NewReplayer(letters *Letters, logger *slog.Logger) *Replayer {
	return &Replayer{letters: letters, logger: logger}
}

const (
	// replayInterval is how often work is looked for.
	replayInterval = time.Second
	// replayHold is how long a node has a replay for itself: after a crash,
	// another one goes on after this time.
	replayHold = 30 * time.Second
	// replayPage is how many letters are given back by one step of a group.
	replayPage = 500
	// replaySlice bounds one visit, so that all replays get on.
	replaySlice = 5 * time.Second
)

// Run works until ctx ends.
func (r *Replayer) Run(ctx context.Context) {
	tick := time.NewTicker(replayInterval)
	defer tick.Stop()
	for {
		if err := r.Work(ctx); err != nil && ctx.Err() == nil {
			r.logger.Error("replays of dead letters do not get on, they are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// maxReplaysHeld bounds how many replays one visit looks at.
const maxReplaysHeld = 20

// Work takes on the replays that nobody works on, and gets each a bit further.
func (r *Replayer) Work(ctx context.Context) error {
	replays, err := r.letters.store.RunningReplays(ctx, r.letters.now(), maxReplaysHeld)
	if err != nil {
		return err
	}
	var failures []error
	for _, replay := range replays {
		err := r.visit(ctx, replay)
		if err != nil && core.CodeOf(err) != core.CodePreconditionFailed {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// visit holds a replay, works on it and lets it go.
func (r *Replayer) visit(ctx context.Context, replay core.Replay) error {
	begun := r.letters.now()
	if err := r.save(ctx, &replay, begun.Add(replayHold)); err != nil {
		return err // another node has it
	}
	allowed := r.allowance(&replay)
	for replay.State == core.ReplayRunning && ctx.Err() == nil && r.letters.now().Sub(begun) < replaySlice {
		room := min(replayPage, allowed)
		if room == 0 {
			break
		}
		before := replay.Done
		more, err := r.page(ctx, &replay, room)
		allowed -= int(replay.Done - before)
		if err != nil && !errors.Is(err, errBusy) {
			_ = r.save(context.WithoutCancel(ctx), &replay, time.Time{}) // the hold ends by itself
			return err
		}
		if !more && err == nil {
			replay.State = core.ReplayDone
		}
		if err != nil {
			break
		}
		if err := r.save(ctx, &replay, r.letters.now().Add(replayHold)); err != nil {
			return err
		}
	}
	return r.save(context.WithoutCancel(ctx), &replay, time.Time{})
}

func (r *Replayer) save(ctx context.Context, replay *core.Replay, held time.Time) error {
	replay.Revision++
	replay.HeldUntil, replay.UpdatedAt = held, r.letters.now.Stamp()
	return r.letters.store.UpdateReplay(ctx, *replay)
}

// catchUp bounds how much of its rate a replay makes up for at once, after
// nobody worked on it for a while.
const catchUp = 2 * time.Second

// allowance is how many letters the replay's rate allows in one visit.
func (r *Replayer) allowance(replay *core.Replay) int {
	if replay.Rate == 0 {
		return math.MaxInt
	}
	due := r.letters.now().Sub(replay.CreatedAt).Seconds()*replay.Rate - float64(replay.Done)
	return max(int(min(due, 1+catchUp.Seconds()*replay.Rate)), 0)
}

// page gives back the next letters, and reports whether there are more.
func (r *Replayer) page(ctx context.Context, replay *core.Replay, room int) (more bool, err error) {
	letters, err := r.letters.store.DeadLetters(ctx, replay.Org, core.LetterScan{
		Filter: replay.Filter, Streams: replay.Streams, After: replay.Cursor, Limit: room,
	})
	if err != nil {
		return false, err
	}
	full := len(letters) == room
	past := slices.IndexFunc(letters, func(l core.DeadLetter) bool { return bytes.Compare(l.ID[:], replay.Until[:]) > 0 })
	if past >= 0 {
		letters = letters[:past]
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
	if full && past < 0 {
		return true, nil
	}
	replay.Gone = max(replay.Total-replay.Done, 0)
	return false, nil
}

// giveBack replays letters of one group in one step. Those that are on their
// way already, because the step was made before a crash, stay so.
func (r *Replayer) giveBack(ctx context.Context, replay *core.Replay, letters []core.DeadLetter) error {
	group, err := r.letters.group(ctx, letters[0])
	if core.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	scan := core.LetterScan{Filter: replay.Filter, After: replay.Cursor, Limit: len(letters)}
	scan.Filter.Stream, scan.Filter.Group = group.Stream, group.ID
	given := 0
	err = r.letters.consumers.do(ctx, group, func(t *turn) error {
		if len(t.state.Waiting)+len(letters) > maxWaiting/2 {
			return errBusy
		}
		// Read again, now that nobody else changes them.
		current, err := r.letters.store.DeadLetters(ctx, replay.Org, scan)
		if err != nil {
			return err
		}
		given = 0
		for _, letter := range current {
			if slices.ContainsFunc(letters, func(l core.DeadLetter) bool { return l.ID == letter.ID }) {
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
