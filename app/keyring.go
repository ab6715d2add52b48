package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// keyring is what the commands work on: the credentials of an organization, as
// whoever operates the server.
type keyring struct {
	*identity.Keys
	operator
	who core.Principal
}

func (p *program) withKeys(cmd *cobra.Command, s *settings, org *string, do func(keyring) error) error {
	return p.operate(cmd, s, *org, func(o operator) error {
		people, err := o.identity()
		if err != nil {
			return err
		}
		return do(keyring{people.Keys, o, o.principal()})
	})
}

// streamID finds a stream by name or id, and is the id of it.
func (k keyring) streamID(ctx context.Context, ref string) (string, error) {
	if id, err := core.ParseID(ref); err == nil {
		stream, err := k.catalog.Stream(ctx, k.who.Org, id)
		return stream.ID.String(), err
	}
	stream, err := k.catalog.StreamNamed(ctx, k.who.Org, ref)
	return stream.ID.String(), err
}

// creator finds who has made credentials, by an email address or an id. Nothing finds
// everybody.
func (k keyring) creator(ctx context.Context, ref string) (core.ID, error) {
	if ref == "" {
		return core.ID{}, nil
	}
	if id, err := core.ParseID(ref); err == nil && !id.IsZero() {
		return id, nil
	}
	users, err := allUsers(ctx, k.catalog, k.who.Org)
	if err != nil {
		return core.ID{}, err
	}
	i := slices.IndexFunc(users, func(u core.User) bool { return strings.EqualFold(u.Email, ref) })
	if i < 0 {
		return core.ID{}, usageError{fmt.Errorf("--created-by: %q is neither an id nor the address of a user; 'eventflow user list' shows both", ref)}
	}
	return users[i].ID, nil
}

// all returns the credentials of a kind that somebody has made, newest first. A zero
// creator is everybody.
func (k keyring) all(ctx context.Context, kind core.KeyKind, creator core.ID) ([]core.APIKey, error) {
	all := []core.APIKey{}
	for cursor := ""; ; {
		page, err := k.List(ctx, k.who, kind, creator, cursor, core.MaxPageSize)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.NextCursor; !page.HasMore {
			return all, nil
		}
	}
}
