package rest

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
)

// Client calls a server. It is safe for concurrent use.
//
// An error that the server answered with is an [*Error], which wraps a
// [*core.Error]. Any other error means that there is no answer; the request may
// still have taken effect.
type Client struct {
	base string
	key  atomic.Pointer[string]
	http transport
}

// NewClient returns a client that presents an API key to the server at base,
// which is an address such as `http://localhost:8080`.
func NewClient(base, key string) *Client {
	c := &Client{base: strings.TrimRight(base, "/")}
	c.Present(key)
	return c
}

// Present changes the credential that the client presents: an API key, a
// service token or an access token, or nothing if it is empty.
func (c *Client) Present(credential string) { c.key.Store(&credential) }

// get reads what is at a path.
func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, request{method: "GET", path: path}, into)
}

// post sends a body, if it is not nil.
func (c *Client) post(ctx context.Context, path string, body, into any) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: "POST", path: path, body: encoded}, into)
}

// patch changes the resource at a path. The server refuses it if the resource
// has another revision by now; 0 is any revision.
func (c *Client) patch(ctx context.Context, path string, revision int64, change, into any) error {
	encoded, err := encode(change)
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: "PATCH", path: path, headers: ifMatch(revision), body: encoded}, into)
}

// delete removes the resource at a path; revision is as for patch.
func (c *Client) delete(ctx context.Context, path string, revision int64) error {
	return c.do(ctx, request{method: "DELETE", path: path, headers: ifMatch(revision)}, nil)
}

// ifMatch returns the header that makes a change depend on a revision.
func ifMatch(revision int64) map[string]string {
	if revision == 0 {
		return nil
	}
	return map[string]string{"If-Match": strconv.Quote(strconv.FormatInt(revision, 10))}
}
