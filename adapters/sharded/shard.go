package sharded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// shard is one of the storages, which may not be open yet.
type shard struct {
	Shard

	number, of int

	// opening is held while the storage is opened, which may take long. Whoever comes
	// meanwhile is told that the shard is away.
	opening sync.Mutex
	// mu guards what follows, and is held for moments only.
	mu      sync.Mutex
	storage core.Storage
	closed  bool
	// installation is what the shard's label must say.
	installation core.ID
	// failed is when opening failed last, and cause why.
	failed time.Time
	cause  error
	// refused is when the machine last said that nobody listens there.
	refused time.Time
	// silent is when the shard last did not answer a question in time, zero when it has
	// answered since.
	silent time.Time
}

// restAfter is how long a shard is left alone where nobody listens. Requests for it are
// answered without a try and a line in the log for each, which would cost the streams of
// other shards the processor.
const restAfter = 100 * time.Millisecond

// call has the storage do something, and remembers whether anybody listens there.
func (s *shard) call(ctx context.Context, do func(core.Storage) error) error {
	storage, err := s.get(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	rest := time.Since(s.refused) < restAfter
	s.mu.Unlock()
	if rest {
		return s.away(nil)
	}
	err = do(storage)
	s.mu.Lock()
	if errors.Is(err, syscall.ECONNREFUSED) {
		s.refused = time.Now()
	}
	if err == nil {
		s.silent = time.Time{}
	}
	s.mu.Unlock()
	return s.named(err)
}

const (
	// patience is how long a question to several shards waits for one of them.
	patience = 5 * time.Second
	// impatience takes its place for silentFor after a shard did not answer in time:
	// lists that are fetched every few seconds would wait as long each time.
	impatience = time.Second
	silentFor  = 10 * time.Second
)

// hurried is call for a question that goes to other shards, too. One that hangs is given up,
// as if it could not be reached, and the answers of the others count.
func (s *shard) hurried(ctx context.Context, do func(context.Context, core.Storage) error) error {
	s.mu.Lock()
	wait := patience
	if time.Since(s.silent) < silentFor {
		wait = impatience
	}
	s.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := s.call(limited, func(storage core.Storage) error { return do(limited, storage) })
	if err == nil || limited.Err() == nil || ctx.Err() != nil {
		return err
	}
	s.mu.Lock()
	s.silent = time.Now()
	s.mu.Unlock()
	return core.Unavailable(err, time.Second, s.String()+" does not answer; its streams have to wait, all others go on")
}

// tryAgainAfter is how long a shard that could not be opened is left alone.
const tryAgainAfter = time.Second

// openTimeout bounds one attempt to open a shard.
const openTimeout = 30 * time.Second

var errClosed = errors.New("the store is closed")

// opened is the storage, or nil where it is not open. It is an interface without a value
// then, which is none of the optional ones.
func (s *shard) opened() core.Storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	return s.storage
}

// get returns the storage. If it is not open yet, because it could not be reached when
// the server began, get tries to open it.
func (s *shard) get(ctx context.Context) (core.Storage, error) {
	s.mu.Lock()
	storage, closed, rest, cause := s.storage, s.closed, time.Since(s.failed) < tryAgainAfter, s.cause
	s.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case storage != nil:
		return storage, nil
	case rest:
		return nil, s.away(cause)
	case !s.opening.TryLock():
		return nil, s.away(errors.New("it is being opened"))
	}
	done := make(chan error, 1)
	go func() {
		defer s.opening.Unlock()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTimeout)
		defer cancel()
		done <- s.open(core.ContextWithOrganization(ctx, core.ID{}))
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, s.away(err)
		}
	case <-ctx.Done(): // the attempt goes on
		return nil, s.away(ctx.Err())
	}
	if storage := s.opened(); storage != nil {
		return storage, nil
	}
	return nil, errClosed
}

// open opens the storage and, where it is known which one it must be, looks whether it is
// that one.
func (s *shard) open(ctx context.Context) error {
	storage, err := s.Open(ctx)
	if err == nil && !s.installation.IsZero() {
		err = s.verify(ctx, storage)
		if err != nil {
			err = errors.Join(err, storage.Close())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.failed, s.cause = time.Now(), err
	case s.closed:
		err = errors.Join(errClosed, storage.Close())
	default:
		s.storage = storage
	}
	return err
}

// verify refuses a storage that is not the shard, when it is opened later than the others.
func (s *shard) verify(ctx context.Context, storage core.Storage) error {
	label, err := s.labelled(storage).Label(ctx)
	if err != nil {
		return err
	}
	if label.Installation != s.installation || label.Number != s.number {
		return s.wrong(label, s.installation)
	}
	if label.Of < s.of {
		_, err = s.labelled(storage).SetLabel(ctx, core.ShardLabel{Installation: s.installation, Number: s.number, Of: s.of})
	}
	return err
}

func (s *shard) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.storage == nil {
		s.closed = true
		return nil
	}
	s.closed = true
	return s.storage.Close()
}

// away is the answer for a stream of a shard that cannot be reached. A cause is for the log;
// it is nil where the log has it already.
func (s *shard) away(cause error) error {
	if cause != nil {
		cause = fmt.Errorf("%s: %w", s.Name, cause)
	}
	return core.Unavailable(cause, time.Second, s.String()+" cannot be reached; its streams have to wait, all others go on")
}

// String is what clients may read of a shard.
func (s *shard) String() string { return fmt.Sprintf("shard %d of the store", s.number) }

// named adds which shard an error is of, where it is about the shard and not about what
// was asked. What says that the outcome is unknown, which time was too early, or that a
// stream is fenced stays as it is: callers act by it.
func (s *shard) named(err error) error {
	var behind *core.ClockError
	var fenced *core.FencedError
	var known *core.Error
	switch {
	case err == nil, errors.Is(err, core.ErrUnknownOutcome), errors.Is(err, context.Canceled), errors.As(err, &behind), errors.As(err, &fenced):
		return err
	case errors.As(err, &known) && (known.Code == core.CodeUnavailable || known.Code == core.CodeStorageFull):
		said := *known
		said.Message = s.String() + ": " + known.Message
		return &said
	case known != nil:
		return err
	}
	return fmt.Errorf("%s (%s): %w", s, s.Name, err)
}
