package rest

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
)

// Client calls a server. It is safe for concurrent use. Every error that the
// server answered with is an [*Error] and wraps an [*core.Error]; any other
// means that there is no answer, and that a request may have taken effect.
type Client struct {
	base string
	key  atomic.Pointer[string]
	http transport
}

// NewClient returns a client of the server at base, such as
// `http://localhost:8080`, that presents an API key.
func NewClient(base, key string) *Client {
	c := &Client{base: strings.TrimRight(base, "/")}
	c.Present(key)
	return c
}

// Present has the client present another credential from now on: an API key, a
// service token or an access token. An empty one is none.
func (c *Client) Present(credential string) { c.key.Store(&credential) }

// get asks for what is at a path.
func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, request{method: "GET", path: path}, into)
}

// post sends a body, where there is one.
func (c *Client) post(ctx context.Context, path string, body, into any) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: "POST", path: path, body: encoded}, into)
}

// patch changes the resource at a path, if it still has the revision.
func (c *Client) patch(ctx context.Context, path string, revision int64, change, into any) error {
	encoded, err := encode(change)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: "PATCH", path: path, headers: ifMatch(revision), body: encoded}, into)
}

// delete removes the resource at a path, if it still has the revision.
func (c *Client) delete(ctx context.Context, path string, revision int64) error {
	return c.do(ctx, request{method: "DELETE", path: path, headers: ifMatch(revision)}, nil)
}

// ifMatch is the header that holds a change to a revision; 0 is any.
func ifMatch(revision int64) map[string]string {
	if revision == 0 {
		return nil
	}
	return map[string]string{"If-Match": strconv.Quote(strconv.FormatInt(revision, 10))}
}
