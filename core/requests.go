package core

import "context"

type requestsKey struct{}

// ContextWithRequests marks a context as belonging to work that is done for several
// requests at once, such as a group commit, and keeps the contexts of those requests
// in their order. The work does not end when one of them ends: what decorates a port
// reads in them for whom it is done. Requests without a context may be nil.
func ContextWithRequests(ctx context.Context, requests []context.Context) context.Context {
	return context.WithValue(ctx, requestsKey{}, requests)
}

// RequestsOf returns the contexts of the requests that a context's work is done for,
// or nothing where it is one request's own.
func RequestsOf(ctx context.Context) []context.Context {
	requests, _ := ctx.Value(requestsKey{}).([]context.Context)
	return requests
}
