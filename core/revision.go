package core

import "context"

// Revision is how a resource with a revision is changed, under optimistic
// concurrency: T is a [Stream], a [Group] or a [User].
type Revision[T any] struct {
	// Noun is what T is called in texts.
	Noun string
	// Read returns the resource as it is stored.
	Read func() (T, error)
	// Number returns where T keeps its revision.
	Number func(*T) *int64
	// Change checks the changes and makes them. It is not told the revision.
	Change func(*T) error
	// Store replaces the resource whose stored revision is one less, or answers
	// [CodePreconditionFailed].
	Store func(T) error
}

// Revise changes a resource. With an expected revision other than 0, a resource
// that has another one by now is a [CodePreconditionFailed]; with 0 it is read
// and changed again whenever another change comes first.
func (r Revision[T]) Revise(ctx context.Context, expected int64) (T, error) {
	var none T
	for {
		resource, err := r.Read()
		if err != nil {
			return none, err
		}
		number := r.Number(&resource)
		if expected != 0 && expected != *number {
			return none, ChangedMeanwhile(r.Noun, *number, expected)
		}
		if err := r.Change(&resource); err != nil {
			return none, err
		}
		*number++
		err = r.Store(resource)
		if expected == 0 && CodeOf(err) == CodePreconditionFailed && ctx.Err() == nil {
			continue
		}
		return resource, StoreFailed(err)
	}
}

func ChangedMeanwhile(noun string, stored, expected int64) error {
	return Errorf(CodePreconditionFailed, "the %s was changed meanwhile: it is at revision %d, not %d; read it again", noun, stored, expected)
}
