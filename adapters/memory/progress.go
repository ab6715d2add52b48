package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownProgress(progress core.Progress) core.Progress {
	progress.State = bytes.Clone(progress.State)
	return progress
}

func ownAttempts(attempts []core.Attempt) []core.Attempt {
	attempts = slices.Clone(attempts)
	for i := range attempts {
		attempts[i].At = utc(attempts[i].At)
	}
	return attempts
}

// Progress implements [core.Progresses].
func (c *Catalog) Progress(ctx context.Context, group core.ID) (core.Progress, error) {
	if err := c.enter(ctx); err != nil {
		return core.Progress{}, err
	}
	defer c.mu.Unlock()
	progress, ok := c.progress[group]
	if !ok {
		return core.Progress{}, errNoGroup
	}
	return ownProgress(progress), nil
}

// Advance implements [core.Progresses].
func (c *Catalog) Advance(ctx context.Context, group core.ID, step core.Step) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, ok := c.progress[group]
	if !ok {
		return errNoGroup
	}
	if stored.Revision != step.Revision-1 {
		return errMoved
	}
	// Nothing below can fail, so a step is never made by half.
	c.progress[group] = ownProgress(step.Progress)
	c.attempts[group] = append(c.attempts[group], ownAttempts(step.Attempts)...)
	for _, letter := range step.Letters {
		c.letters[letter.ID] = ownLetter(letter)
	}
	for _, id := range step.Remove {
		delete(c.letters, id)
	}
	return nil
}

// Attempts implements [core.Progresses].
func (c *Catalog) Attempts(ctx context.Context, group core.ID, offset core.Offset) ([]core.Attempt, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	covering := []core.Attempt{}
	for _, attempt := range c.attempts[group] {
		if attempt.From <= offset && offset < attempt.To {
			covering = append(covering, attempt)
		}
	}
	slices.SortStableFunc(covering, func(a, b core.Attempt) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number))
	})
	return covering, nil
}

// ForgetAttempts implements [core.Progresses].
func (c *Catalog) ForgetAttempts(ctx context.Context, before time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	for group, attempts := range c.attempts {
		c.attempts[group] = slices.DeleteFunc(attempts, func(attempt core.Attempt) bool { return attempt.At.Before(before) })
	}
	return nil
}
