package app

import (
	"context"

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

// all returns the credentials of a kind, newest first.
func (k keyring) all(ctx context.Context, kind core.KeyKind) ([]core.APIKey, error) {
	all := []core.APIKey{}
	for cursor := ""; ; {
		page, err := k.List(ctx, k.who, kind, cursor, core.MaxPageSize)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.NextCursor; !page.HasMore {
			return all, nil
		}
	}
}
