package core

import "context"

// revision is how a resource with a revision is changed, under optimistic
// concurrency: T is a [Stream], a [Group] or a [User].
type revision[T any] struct {
	// noun is what T is called in texts.
	noun string
	// read returns the resource as it is stored.
	read func() (T, error)
	// number returns where T keeps its revision.
	number func(*T) *int64
	// change checks the changes and makes them. It is not told the revision.
	change func(*T) error
	// store replaces the resource whose stored revision is one less, or answers
	// [CodePreconditionFailed].
	store func(T) error
}

// revise changes a resource. With an expected revision other than 0, a resource
// that has another one by now is a [CodePreconditionFailed]; with 0 it is read
// and changed again whenever another change comes first.
func (r revision[T]) revise(ctx context.Context, expected int64) (T, error) {
	var none T
	for {
		resource, err := r.read()
		if err != nil {
			return none, err
		}
		number := r.number(&resource)
		if expected != 0 && expected != *number {
			return none, changedMeanwhile(r.noun, *number, expected)
		}
		if err := r.change(&resource); err != nil {
			return none, err
		}
		*number++
		err = r.store(resource)
		if expected == 0 && CodeOf(err) == CodePreconditionFailed && ctx.Err() == nil {
			continue
		}
		return resource, StoreFailed(err)
	}
}

func changedMeanwhile(noun string, stored, expected int64) error {
	return Errorf(CodePreconditionFailed, "the %s was changed meanwhile: it is at revision %d, not %d; read it again", noun, stored, expected)
}
