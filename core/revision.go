package core

import "context"

// Revision changes a resource under optimistic concurrency. T is a [Stream], a
// [Group] or a [User].
type Revision[T any] struct {
	// Noun is what T is called in texts.
	Noun string
	// Read returns the resource as it is stored.
	Read func() (T, error)
	// Number returns the field in which T keeps its revision.
	Number func(*T) *int64
	// Change checks the changes and makes them. It leaves the revision alone. It may
	// be called again on another reading.
	Change func(*T) error
	// Store replaces the resource whose stored revision is one less, or answers
	// [CodePreconditionFailed].
	Store func(T) error
}

// Revise changes a resource. An expected revision other than 0 is the one that the
// client has read, and a resource at another revision is a [CodePreconditionFailed].
// With 0 the resource is read and changed again whenever another change comes first.
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

// ChangedMeanwhile refuses a change of a resource that has another revision than
// the client expects.
func ChangedMeanwhile(noun string, stored, expected int64) error {
	return Errorf(CodePreconditionFailed, "the %s has changed since it was read: it is at revision %d, not %d; read it again", noun, stored, expected)
}
