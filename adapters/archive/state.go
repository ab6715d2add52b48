package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// How long a call to the bucket may take, how long it is not asked again after it did not
// answer, and how often a look at health asks it.
const (
	getTimeout   = 15 * time.Second
	putTimeout   = 2 * time.Minute
	checkTimeout = 2 * time.Second
	respite      = time.Second
	checkEvery   = 10 * time.Second
)

// errDamaged marks an object that is not what was written.
var errDamaged = errors.New("the object is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: it %s", errDamaged, fmt.Sprintf(format, args...))
}

// state says whether the bucket answers.
type state struct {
	bucket Bucket
	logger *slog.Logger

	// mu guards all that follows. It is not held while the bucket is asked.
	mu sync.Mutex
	// failure is why the last call failed, nil if it did not, and since is when that began.
	failure error
	since   time.Time
	// asked is when the bucket was last asked, by whomever.
	asked time.Time
	// left is why objects of removed events are still there, nil if none is.
	left error
}

// call asks the bucket, unless it did not answer a moment ago: requests for old events
// would wait one after the other.
func (s *state) call(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	s.mu.Lock()
	failure, wait := s.failure, time.Since(s.asked) < respite
	s.mu.Unlock()
	if failure != nil && wait {
		return failure
	}
	return s.ask(ctx, timeout, do)
}

func (s *state) ask(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := do(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return err // whoever asked has left, which says nothing
	}
	s.note(err)
	return err
}

func (s *state) note(err error) {
	if errors.Is(err, ErrMissing) {
		err = nil // it answers
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Now()
	if err != nil && s.failure == nil {
		s.since = s.asked
		s.logger.Warn("the archive does not answer; events that are there cannot be read, and none leaves the store", "error", err)
	}
	if err == nil && s.failure != nil {
		s.logger.Info("the archive answers again")
	}
	s.failure = err
}

// noteLeft keeps why objects could not be removed.
func (s *state) noteLeft(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.left == nil {
		s.logger.Warn("objects of removed events could not be removed from the archive; it is tried again", "error", err)
	}
	s.left = err
}

// CheckArchive implements [core.Tiered].
func (t *Tier) CheckArchive(ctx context.Context) error {
	s := t.state
	s.mu.Lock()
	old := time.Since(s.asked) >= checkEvery || s.failure != nil
	s.mu.Unlock()
	if old {
		_ = s.ask(ctx, checkTimeout, s.bucket.Check) // which is noted
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failure != nil:
		return fmt.Errorf("the archive does not answer since %s (%w): events that are there answer 503, none leaves the store, and %w",
			s.since.UTC().Format(time.RFC3339), s.failure, core.ErrDegraded)
	case s.left != nil:
		return fmt.Errorf("objects of removed events are still in the archive (%w), and %w", s.left, core.ErrDegraded)
	}
	return nil
}

// unread says to a client why events cannot be read.
func unread(segment core.Segment, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	until := segment.LastAt.UTC().Format(time.RFC3339)
	if errors.Is(err, ErrMissing) || errors.Is(err, errDamaged) {
		return core.Unavailable(fmt.Errorf("the object %s: %w", segment.Object, err), time.Minute,
			"events until "+until+" are in the archive, in an object that is missing or damaged; 'eventflow doctor' names it")
	}
	return core.Unavailable(err, 5*time.Second, "events until "+until+" are in the archive, which does not answer; newer ones can be read. Try again later")
}
