package rest

import (
	"context"
	"iter"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// The addresses of the two kinds of credentials.
const (
	APIKeysPath       = Prefix + "/api-keys"
	ServiceTokensPath = Prefix + "/service-tokens"
)

// KeysPath is the address of the credentials of a kind.
func KeysPath(kind core.KeyKind) string {
	if kind == core.KindServiceToken {
		return ServiceTokensPath
	}
	return APIKeysPath
}

// KeyPath is the address of one credential.
func KeyPath(kind core.KeyKind, id string) string { return KeysPath(kind) + "/" + url.PathEscape(id) }

// KeyWithSecret is a credential that was just created or rotated, with its
// secret. No other answer has the secret.
type KeyWithSecret struct {
	core.APIKey
	Secret string `json:"secret"`
}

// CreateKey creates a credential.
func (c *Client) CreateKey(ctx context.Context, kind core.KeyKind, request core.KeyRequest) (made KeyWithSecret, err error) {
	err = c.post(ctx, KeysPath(kind), request, &made)
	return made, err
}

// KeysPage returns a page of the credentials of a kind, newest first, without
// their secrets. A limit of 0 is the server's default.
func (c *Client) KeysPage(ctx context.Context, kind core.KeyKind, cursor string, limit int) (page List[core.APIKey], err error) {
	return c.KeysMadeBy(ctx, kind, core.ID{}, cursor, limit)
}

// KeysMadeBy is KeysPage for what one user or key has made. A zero creator is anybody.
func (c *Client) KeysMadeBy(ctx context.Context, kind core.KeyKind, creator core.ID, cursor string, limit int) (page List[core.APIKey], err error) {
	query := pageQuery(cursor, limit)
	if !creator.IsZero() {
		query.Set("created_by", creator.String())
	}
	err = c.get(ctx, withQuery(KeysPath(kind), query), &page)
	return page, err
}

// Keys returns all credentials of a kind, page by page. It stops after an error.
func (c *Client) Keys(ctx context.Context, kind core.KeyKind) iter.Seq2[core.APIKey, error] {
	return pages(func(cursor string) (List[core.APIKey], error) { return c.KeysPage(ctx, kind, cursor, 0) })
}

// Key returns a credential, without its secret.
func (c *Client) Key(ctx context.Context, kind core.KeyKind, id string) (key core.APIKey, err error) {
	err = c.get(ctx, KeyPath(kind, id), &key)
	return key, err
}

// RotateRequest gives a credential another secret. The old one stays good for
// Grace, which is a day if it is left out, and seven days at most.
type RotateRequest struct {
	Grace *core.Seconds `json:"grace,omitempty"`
}

// RotateKey gives a credential another secret.
func (c *Client) RotateKey(ctx context.Context, kind core.KeyKind, id string, request RotateRequest) (rotated KeyWithSecret, err error) {
	err = c.post(ctx, KeyPath(kind, id)+"/rotate", request, &rotated)
	return rotated, err
}

// RevokeKey revokes a credential. All servers refuse it within two seconds. What it has
// made goes on.
func (c *Client) RevokeKey(ctx context.Context, kind core.KeyKind, id string) error {
	return c.delete(ctx, KeyPath(kind, id), 0)
}

// RevokeKeyAndChildren is RevokeKey for a credential and all that descend from it.
func (c *Client) RevokeKeyAndChildren(ctx context.Context, kind core.KeyKind, id string) error {
	return c.delete(ctx, KeyPath(kind, id)+"?children=true", 0)
}

// KeyChildren returns the credentials of both kinds that descend from one: those that it
// has made, that those have made, and so on. Revoked and expired ones are left out.
func (c *Client) KeyChildren(ctx context.Context, kind core.KeyKind, id string) (keys []core.APIKey, err error) {
	var left KeysLeft
	err = c.get(ctx, KeyPath(kind, id)+"/children", &left)
	return left.Keys, err
}
