package rest

import (
	"context"
	"iter"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// SourcesPath is the address of the sources.
const SourcesPath = Prefix + "/sources"

// SourcePath is the address of one source.
func SourcePath(id string) string { return SourcesPath + "/" + url.PathEscape(id) }

// inboundPath begins the addresses that senders send to.
const inboundPath = Prefix + "/in/"

// InboundPath is the address that a sender sends to. Its token is a secret.
func InboundPath(token string) string { return inboundPath + url.PathEscape(token) }

// SourceWithToken is a source that was just made or rotated, with the secret of its
// address, if it has one. No other answer has it.
type SourceWithToken struct {
	core.Source
	Token string `json:"token,omitempty"`
	// Path is the address, without the server's own.
	Path string `json:"path,omitempty"`
}

// Taken is the answer to a sender.
type Taken struct {
	Status string         `json:"status"`
	Events []core.Receipt `json:"events"`
	// Duplicate says that an event of the sender's id is stored, which has another body.
	Duplicate bool `json:"duplicate,omitempty"`
}

// CreateSource creates a source.
func (c *Client) CreateSource(ctx context.Context, spec core.SourceSpec) (made SourceWithToken, err error) {
	err = c.post(ctx, SourcesPath, spec, &made)
	return made, err
}

// SourcesPage returns a page of the sources, oldest first. A limit of 0 is the server's
// default.
func (c *Client) SourcesPage(ctx context.Context, cursor string, limit int) (page List[core.Source], err error) {
	err = c.get(ctx, withQuery(SourcesPath, pageQuery(cursor, limit)), &page)
	return page, err
}

// Sources returns all sources, page by page. It stops after an error.
func (c *Client) Sources(ctx context.Context) iter.Seq2[core.Source, error] {
	return pages(func(cursor string) (List[core.Source], error) { return c.SourcesPage(ctx, cursor, 0) })
}

// Source returns a source.
func (c *Client) Source(ctx context.Context, id string) (source core.Source, err error) {
	err = c.get(ctx, SourcePath(id), &source)
	return source, err
}

// ChangeSource changes the fields that are set; revision is as for [Client.ChangeStream].
func (c *Client) ChangeSource(ctx context.Context, id string, change core.SourceChange, revision int64) (changed core.Source, err error) {
	err = c.patch(ctx, SourcePath(id), revision, change, &changed)
	return changed, err
}

// RotateSource gives a source another address. The one before is void at once.
func (c *Client) RotateSource(ctx context.Context, id string) (rotated SourceWithToken, err error) {
	err = c.post(ctx, SourcePath(id)+"/rotate", nil, &rotated)
	return rotated, err
}

// DeleteSource removes a source with its refusals; revision is as for
// [Client.ChangeStream].
func (c *Client) DeleteSource(ctx context.Context, id string, revision int64) error {
	return c.delete(ctx, SourcePath(id), revision)
}

// SourceRefusals returns what a source refused, newest first.
func (c *Client) SourceRefusals(ctx context.Context, id string) ([]core.SourceRefusal, error) {
	var list List[core.SourceRefusal]
	err := c.get(ctx, SourcePath(id)+"/refusals", &list)
	return list.Items, err
}
