package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// MadeBy returns the living keys of both kinds that a person has made, with all that
// descends from them. With a role it returns those alone that may do something that a
// person of this role may not.
func (k *Keys) MadeBy(ctx context.Context, who core.Principal, user core.ID, role core.Role) ([]core.APIKey, error) {
	if err := core.Authorize(k.Authorizer, who, core.ActionManageKeys, core.ID{}); err != nil {
		return nil, err
	}
	made, err := k.descendants(ctx, who.Org, user)
	if err != nil || role == "" {
		return made, err
	}
	person, wider := core.Principal{Org: who.Org, User: user, Role: role}, made[:0]
	for _, key := range made {
		if k.exceeds(person, bearer(who.Org, key.Role, key.Streams)) {
			wider = append(wider, key)
		}
	}
	return wider, nil
}

// leave does with the keys of a person what whoever decides says, and returns them as
// they were.
func (k *Keys) leave(ctx context.Context, who core.Principal, user core.ID, role core.Role, fate core.KeyFate) ([]core.APIKey, error) {
	keys, err := k.MadeBy(ctx, who, user, role)
	if err != nil {
		return nil, err
	}
	switch fate {
	case core.RevokeKeys:
		return keys, k.revokeAll(ctx, who, keys)
	case core.HandOverKeys:
		return keys, k.handOver(ctx, who, user, keys)
	}
	return keys, nil
}

// handOver makes who the creator of the keys that a person has made. What keys have
// made stays theirs, because it is bound by them.
func (k *Keys) handOver(ctx context.Context, who core.Principal, from core.ID, keys []core.APIKey) error {
	for _, key := range keys {
		if key.CreatedBy != from {
			continue
		}
		if err := k.Credentials.HandOverKey(ctx, who.Org, key.ID, who.User); err != nil {
			return core.StoreFailed(err)
		}
		k.Record.Record(ctx, who.Did(core.AuditKeyHandedOver, string(key.Kind), key.ID))
	}
	return nil
}

// Keys returns the keys of a user of the organization that would be left if the user
// were disabled or removed. With a role it returns those that would be wider than the
// user if the user got this role.
func (u *Users) Keys(ctx context.Context, who core.Principal, id string, role core.Role) ([]core.APIKey, error) {
	user, err := u.find(ctx, who, id, core.ActionReadUsers)
	if err != nil {
		return nil, err
	}
	if role != "" {
		if err := core.CheckUserRole(role); err != nil {
			return nil, err
		}
	}
	return u.keys.MadeBy(ctx, who, user.ID, role)
}

// checkFate refuses a fate of keys that makes no sense, before anything is changed.
func checkFate(who core.Principal, fate core.KeyFate) error {
	if err := fate.Check(); err != nil {
		return err
	}
	if fate == core.HandOverKeys && who.User.IsZero() {
		return core.Invalid("keys", "only somebody who has signed in can take keys over")
	}
	return nil
}

// leave does with the keys of a user what the change of the user calls for, after it
// was made: a user who is disabled leaves all of them, and one with another role those
// that are wider than it. It can be repeated when it fails.
func (u *Users) leave(ctx context.Context, who core.Principal, user core.User, change core.UserChange, fate core.KeyFate) ([]core.APIKey, error) {
	switch {
	case change.State != nil && *change.State == core.UserDisabled:
		return u.keys.leave(ctx, who, user.ID, "", fate)
	case change.Role != nil:
		return u.keys.leave(ctx, who, user.ID, user.Role, fate)
	}
	return nil, nil
}
