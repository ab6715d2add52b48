package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// errNobody says that an id is that of nobody who may do anything.
var errNobody = core.Errorf(core.CodeUnauthorized, "the key was revoked or has expired, or the person was disabled or removed")

// Bearer returns the principal that a key or a user of an organization is now, without
// a credential: for work that goes on when the request that began it is over. Nothing
// is remembered, so the answer is as new as the catalog. Whoever may do nothing any
// more is [core.CodeUnauthorized].
func (u *UseCases) Bearer(ctx context.Context, org, id core.ID) (core.Principal, error) {
	key, err := u.Access.credentials.Key(ctx, org, id)
	switch {
	case err == nil:
		if !key.GoodAt(u.Access.now()) {
			return core.Principal{}, errNobody
		}
		return key.Principal(core.Organization{}), nil // no rate matters where no request is made
	case !core.IsNotFound(err):
		return core.Principal{}, core.StoreFailed(err)
	}
	user, err := u.Users.users.User(ctx, org, id)
	switch {
	case core.IsNotFound(err) || err == nil && user.State != core.UserActive:
		return core.Principal{}, errNobody
	case err != nil:
		return core.Principal{}, core.StoreFailed(err)
	}
	return user.Principal(), nil
}
