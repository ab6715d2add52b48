package sharded

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// checkTimeout bounds the look at one shard. It is less than what a probe waits for, so
// that a shard that does not answer is named and not waited for.
const checkTimeout = 2 * time.Second

// state is what a look at all shards has found, where something is wrong. Its text names
// the shards in words that anybody may read.
type state struct {
	text string
	// kinds are the errors of core that the state is, too.
	kinds []error
}

// Error implements error.
func (s *state) Error() string { return s.text }

// Is makes errors.Is find the kinds.
func (s *state) Is(target error) bool {
	for _, kind := range s.kinds {
		if errors.Is(kind, target) {
			return true
		}
	}
	return false
}

// CheckShards implements [core.ShardChecker].
func (s *Storage) CheckShards(ctx context.Context) []error {
	errs := make([]error, len(s.shards))
	_ = s.each(func(one *shard) error {
		errs[one.number] = one.check(ctx)
		return nil
	})
	return errs
}

// Check implements [core.Storage]. While some shards are away the store is degraded: their
// streams have to wait, and all others go on. Without any it is not there.
func (s *Storage) Check(ctx context.Context) error {
	errs := s.CheckShards(ctx)
	found := &state{}
	var texts, away []string
	stopped := 0 // shards that can store nothing
	for i, err := range errs {
		relaxed, degraded, alone := errors.Is(err, core.ErrRelaxedDurability), errors.Is(err, core.ErrDegraded), errors.Is(err, core.ErrAlone)
		switch {
		case err == nil:
			continue
		case errors.Is(err, errClosed):
			return err
		case relaxed || degraded || alone:
			texts = append(texts, s.shards[i].String()+": "+err.Error())
		default:
			away = append(away, s.shards[i].String())
		}
		if relaxed {
			found.kinds = append(found.kinds, core.ErrRelaxedDurability)
		}
		if !relaxed || degraded {
			found.kinds = append(found.kinds, core.ErrDegraded)
		}
		if alone || !relaxed && !degraded {
			stopped++
		}
	}
	switch {
	case len(away) == len(s.shards):
		return errors.Join(errs...)
	case stopped == len(s.shards):
		found.kinds = []error{core.ErrAlone}
	}
	if len(away) > 0 {
		texts = append(texts, strings.Join(away, " and ")+" cannot be reached: its streams have to wait, all others go on")
	}
	if len(texts) == 0 {
		return nil
	}
	found.text = strings.Join(texts, "; ")
	return found
}

func (s *shard) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	storage, err := s.get(ctx)
	if err != nil {
		return err
	}
	return storage.Check(ctx)
}
