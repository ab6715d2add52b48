package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// maxDescent is how many keys there are above a key at most: each of them is one more
// bucket that a request counts in. Earlier versions had no such limit, and what they
// made stays good.
const maxDescent = 8

// makers returns the keys that a key descends from, the nearest first. A key that a
// person made descends from none. Revoked ones are among them.
func (a *Access) makers(ctx context.Context, key core.APIKey) (makers []core.APIKey, err error) {
	for maker := key.CreatedBy; !maker.IsZero(); maker = makers[len(makers)-1].CreatedBy {
		next, err := a.credentials.Key(ctx, key.Org, maker)
		if core.IsNotFound(err) { // a person
			break
		}
		if err != nil {
			return nil, err
		}
		makers = append(makers, next)
	}
	return makers, nil
}

// makersOf is makers for a key that may be known already. Who made a key, and the rate
// of a key, never change: people hand over only what people have made. So a key in use
// costs the catalog this question once.
func (a *Access) makersOf(ctx context.Context, key core.APIKey, old *knownKey) ([]core.APIKey, error) {
	if old != nil && old.key.ID == key.ID {
		return old.makers, nil
	}
	return a.makers(ctx, key)
}

// bearer is who presents a key, as far as permissions go.
func bearer(org core.ID, role core.Role, streams []core.ID) core.Principal {
	return core.Principal{Org: org, Key: core.ID{1}, Role: role, Streams: streams}
}

// exceeds reports whether somebody may do anything that who may not.
func (k *Keys) exceeds(who, somebody core.Principal) bool {
	for _, action := range core.Actions {
		if k.Authorizer.Allow(somebody, who.Org, action) == nil && k.Authorizer.Allow(who, who.Org, action) != nil {
			return true
		}
	}
	return false
}

// inherit bounds a key by the key that makes it: it expires no later, and keys descend
// from each other only so deep. What people make is bound by nobody.
func (k *Keys) inherit(ctx context.Context, who core.Principal, spec *KeySpec) error {
	if who.Key.IsZero() {
		return nil
	}
	maker, err := k.maker(ctx, who)
	if err != nil {
		return err
	}
	makers, err := k.Access.makers(ctx, maker)
	if err != nil {
		return core.StoreFailed(err)
	}
	if len(makers) >= maxDescent-1 {
		return core.Errorf(core.CodeForbidden, "this %v was made by a key, which was made by a key, and so on, %d deep: it cannot make others", maker.Kind, maxDescent)
	}
	switch {
	case maker.ExpiresAt == nil:
	case spec.ExpiresAt == nil:
		spec.ExpiresAt = maker.ExpiresAt
	case spec.ExpiresAt.After(*maker.ExpiresAt):
		return core.Invalid("expires_at", "must not be after %s, when the %v that makes it expires", maker.ExpiresAt.Format(time.RFC3339), maker.Kind)
	}
	return nil
}

// maker returns the key that makes another one, as the catalog has it now. What this
// node remembers of it may be a second old.
func (k *Keys) maker(ctx context.Context, who core.Principal) (core.APIKey, error) {
	maker, err := k.Credentials.Key(ctx, who.Org, who.Key)
	if core.IsNotFound(err) || err == nil && !maker.GoodAt(k.Now()) {
		return core.APIKey{}, errBadKey
	}
	return maker, core.StoreFailed(err)
}

// settle ends the making of a key: one whose maker was revoked meanwhile is revoked,
// too. Whoever revokes a key with its children looks for them after that, so a child
// is found by one of the two.
func (k *Keys) settle(ctx context.Context, who core.Principal, made core.APIKey) error {
	if who.Key.IsZero() {
		return nil
	}
	_, err := k.maker(ctx, who)
	if err == nil {
		return nil
	}
	if failed := k.Access.RevokeKey(ctx, who.Org, made.ID); failed != nil {
		return core.StoreFailed(failed)
	}
	return err
}

// mayHold refuses a principal the secret of a key with rights that it does not have
// itself. A key may hold its own secret and those of the keys that descend from it:
// with another one it would go on when it is revoked, and count in another rate.
func (k *Keys) mayHold(ctx context.Context, who core.Principal, key core.APIKey) error {
	if !k.grants(who, key.Role, key.Streams) || !covers(who, key) {
		return core.Errorf(core.CodeForbidden, "this %v has rights that you do not have", key.Kind)
	}
	if who.Key.IsZero() || key.ID == who.Key {
		return nil
	}
	makers, err := k.Access.makers(ctx, key)
	if err != nil {
		return core.StoreFailed(err)
	}
	for i := range makers {
		until := makers[i].ExpiresAt
		if makers[i].ID == who.Key && (until == nil || key.ExpiresAt != nil && !key.ExpiresAt.After(*until)) {
			return nil
		}
	}
	return core.Errorf(core.CodeForbidden, "a key can rotate itself and what it has made: this %v is for people to rotate", key.Kind)
}

// descendants returns the keys of both kinds that a person or a key has made, the keys
// that those have made, and so on. It leaves out those that are revoked or expired, but
// not what they have made.
func (k *Keys) descendants(ctx context.Context, org, maker core.ID) (living []core.APIKey, err error) {
	for queue := []core.ID{maker}; len(queue) > 0; queue = queue[1:] {
		keys, err := k.Credentials.Keys(ctx, org, core.KeyScan{CreatedBy: queue[0]})
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		for _, key := range keys {
			if key.GoodAt(k.Now()) {
				living = append(living, key)
			}
			if k.Authorizer.Allow(bearer(org, key.Role, key.Streams), org, core.ActionWriteKeys) == nil {
				queue = append(queue, key.ID)
			}
		}
	}
	return living, nil
}

// Children returns the living keys of both kinds that descend from a key: those that it
// has made, that those have made, and so on.
func (k *Keys) Children(ctx context.Context, who core.Principal, kind core.KeyKind, id string) ([]core.APIKey, error) {
	key, err := k.find(ctx, who, kind, id, core.ActionReadKeys)
	if err != nil {
		return nil, err
	}
	return k.descendants(ctx, who.Org, key.ID)
}

// revokeAll revokes keys, and records each.
func (k *Keys) revokeAll(ctx context.Context, who core.Principal, keys []core.APIKey) error {
	for _, key := range keys {
		if err := k.Access.RevokeKey(ctx, who.Org, key.ID); err != nil {
			return core.StoreFailed(err)
		}
		k.Record.Record(ctx, who.Did(core.AuditKeyRevoked, string(key.Kind), key.ID))
	}
	return nil
}
