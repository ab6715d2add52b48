package identity

import "context"

// Later does work after the request is answered. Some work is done for users who
// exist and for nobody else. If the answer waited for it, the time that an answer
// takes would tell strangers which addresses have an account. A nil Later does
// the work at once.
type Later func(ctx context.Context, work func(context.Context) error)

// do hands over work with a context that the end of the request does not end.
func (l Later) do(ctx context.Context, work func(context.Context) error) {
	ctx = context.WithoutCancel(ctx)
	if l == nil {
		_ = work(ctx) // nobody waits for it
		return
	}
	l(ctx, work)
}
