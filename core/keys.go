package core

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Keys is the life of API keys and service tokens, for whoever may do what with
// them. Without [ActionManageKeys] that is one's own: those that the same user,
// or the same key, has made. Nobody makes, or gets the secret of, a key with
// more rights than their own.
type Keys struct {
	access     *Access
	streams    *Streams
	authorizer Authorizer
}

// NewKeys returns the use case.
func NewKeys(access *Access, streams *Streams, authorizer Authorizer) *Keys {
	return &Keys{access: access, streams: streams, authorizer: authorizer}
}

// KeyRequest describes a key to be made. What may be left out is as in
// [KeySpec].
type KeyRequest struct {
	Label       string      `json:"label"`
	Environment Environment `json:"environment,omitempty"`
	Role        Role        `json:"role,omitempty"`
	// Streams and DefaultStream are names or ids.
	Streams       []string   `json:"streams,omitempty"`
	DefaultStream string     `json:"default_stream,omitempty"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	// Rate is for those with [ActionManageKeys] to set.
	Rate Rate `json:"rate,omitzero"`
}

// The time for which the secret before a rotation stays good, and the longest.
const (
	DefaultKeyGrace = 24 * time.Hour
	MaxKeyGrace     = 7 * 24 * time.Hour
)

// MaxKeyStreams bounds the streams that a key is narrowed to.
const MaxKeyStreams = 100

// manages reports whether a principal is in charge of all keys.
func (k *Keys) manages(who Principal) bool {
	return k.authorizer.Allow(who, who.Org, ActionManageKeys) == nil
}

// creator is what keys have as CreatedBy that a principal makes.
func (p Principal) creator() ID {
	if !p.User.IsZero() {
		return p.User
	}
	return p.Key
}

// covers reports whether who may use every stream that the key may.
func covers(who Principal, key APIKey) bool {
	if len(who.Streams) == 0 {
		return true
	}
	return len(key.Streams) > 0 && !slices.ContainsFunc(key.Streams, func(stream ID) bool { return !slices.Contains(who.Streams, stream) })
}

// sees reports whether a key is there for a principal.
func (k *Keys) sees(who Principal, key APIKey) bool {
	own := !key.CreatedBy.IsZero() && key.CreatedBy == who.creator()
	return own || k.manages(who) && covers(who, key)
}

// grants reports whether a principal may hand out a role.
func (k *Keys) grants(who Principal, role Role) bool {
	return role == RoleProducer || role == RoleConsumer || k.manages(who)
}

// Create makes a key and returns it with its secret text, which is kept nowhere
// and cannot be shown again.
func (k *Keys) Create(ctx context.Context, who Principal, kind KeyKind, request KeyRequest) (key APIKey, secret string, err error) {
	if err := authorize(k.authorizer, who, ActionWriteKeys, ID{}); err != nil {
		return APIKey{}, "", err
	}
	spec := KeySpec{
		Kind: kind, Label: request.Label, Environment: request.Environment, Role: request.Role,
		Rate: request.Rate, CreatedBy: who.creator(), ExpiresAt: request.ExpiresAt,
	}
	spec.complete()
	if err := spec.validate(k.access.now()); err != nil {
		return APIKey{}, "", err
	}
	if !k.grants(who, spec.Role) {
		return APIKey{}, "", Errorf(CodeForbidden, "your role makes credentials with the roles %s and %s only", RoleProducer, RoleConsumer)
	}
	if spec.Rate != (Rate{}) && !k.manages(who) {
		return APIKey{}, "", Errorf(CodeForbidden, "your role cannot set the rate of credentials")
	}
	if err := k.narrow(ctx, who, &spec, request); err != nil {
		return APIKey{}, "", err
	}
	key, secret, err = k.access.CreateKey(ctx, who.Org, spec)
	return key, secret, StoreFailed(err)
}

// narrow sets the streams of a key that is to be made: those of the request or,
// where there are none, those that its maker is narrowed to.
func (k *Keys) narrow(ctx context.Context, who Principal, spec *KeySpec, request KeyRequest) (err error) {
	if len(request.Streams) > MaxKeyStreams {
		return Invalid("streams", "must have at most %d members, has %d", MaxKeyStreams, len(request.Streams))
	}
	spec.Streams = slices.Clone(who.Streams)
	if len(request.Streams) > 0 {
		spec.Streams = nil
	}
	for i, ref := range request.Streams {
		id, err := k.stream(ctx, who, fmt.Sprintf("streams[%d]", i), ref)
		if err != nil {
			return err
		}
		if !slices.Contains(spec.Streams, id) {
			spec.Streams = append(spec.Streams, id)
		}
	}
	if request.DefaultStream != "" {
		spec.DefaultStream, err = k.stream(ctx, who, "default_stream", request.DefaultStream)
	}
	return err
}

// stream finds a stream that a field of a request names.
func (k *Keys) stream(ctx context.Context, who Principal, field, ref string) (ID, error) {
	stream, err := k.streams.find(ctx, who.Org, ref)
	if IsNotFound(err) {
		return ID{}, Invalid(field, "there is no such stream")
	}
	if err != nil {
		return ID{}, StoreFailed(err)
	}
	if len(who.Streams) > 0 && !slices.Contains(who.Streams, stream.ID) {
		return ID{}, Errorf(CodeForbidden, "this API key is limited to other streams, and so are the credentials that it makes")
	}
	return stream.ID, nil
}

// List returns a page of the keys of a kind, newest first, without their
// secrets.
func (k *Keys) List(ctx context.Context, who Principal, kind KeyKind, cursor string, limit int) (Page[APIKey], error) {
	if err := authorize(k.authorizer, who, ActionReadKeys, ID{}); err != nil {
		return Page[APIKey]{}, err
	}
	limit, err := pageLimit(limit)
	if err != nil {
		return Page[APIKey]{}, err
	}
	scan := KeyScan{Kind: kind, Limit: limit + 1}
	scope := append([]byte("keys\x00"+string(kind)), who.Org[:]...)
	if scan.After, err = parseKeyCursor(scope, cursor); err != nil {
		return Page[APIKey]{}, err
	}
	if !k.manages(who) {
		if scan.CreatedBy = who.creator(); scan.CreatedBy.IsZero() {
			return Page[APIKey]{}, nil
		}
	}
	var items []APIKey
	for len(items) <= limit {
		page, err := k.access.credentials.Keys(ctx, who.Org, scan)
		if err != nil {
			return Page[APIKey]{}, StoreFailed(err)
		}
		for _, key := range page {
			if k.sees(who, key) {
				items = append(items, key)
			}
		}
		if len(page) <= limit {
			break
		}
		scan.After = page[len(page)-1].place()
	}
	return cut(items, limit, func(last *APIKey) string { return keyCursor(scope, last.place()) }), nil
}

func (k *APIKey) place() KeyPlace { return KeyPlace{CreatedAt: k.CreatedAt, ID: k.ID} }

func keyCursor(scope []byte, place KeyPlace) string {
	return sealCursor(scope, append(binary.BigEndian.AppendUint64(nil, uint64(place.CreatedAt.UnixMicro())), place.ID[:]...))
}

func parseKeyCursor(scope []byte, cursor string) (KeyPlace, error) {
	if cursor == "" {
		return KeyPlace{}, nil
	}
	place, err := openCursor(scope, cursor)
	if err != nil || len(place) != 24 {
		return KeyPlace{}, errBadCursor
	}
	return KeyPlace{CreatedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(place))).UTC(), ID: ID(place[8:])}, nil
}

// Get returns a key, without its secret.
func (k *Keys) Get(ctx context.Context, who Principal, kind KeyKind, id string) (APIKey, error) {
	return k.find(ctx, who, kind, id, ActionReadKeys)
}

// find returns a key of a kind that is there for a principal.
func (k *Keys) find(ctx context.Context, who Principal, kind KeyKind, id string, action Action) (APIKey, error) {
	if err := authorize(k.authorizer, who, action, ID{}); err != nil {
		return APIKey{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return APIKey{}, Invalid("id", "%v", err)
	}
	key, err := k.access.credentials.Key(ctx, who.Org, wanted)
	if err != nil && !IsNotFound(err) {
		return APIKey{}, StoreFailed(err)
	}
	if err != nil || key.Kind != kind || !k.sees(who, key) {
		return APIKey{}, Errorf(CodeNotFound, "there is no such %v", kind)
	}
	return key, nil
}

// Rotate gives a key another secret, which it returns. The one before stays good
// for grace, [DefaultKeyGrace] where that is nil; the one before that is void.
func (k *Keys) Rotate(ctx context.Context, who Principal, kind KeyKind, id string, grace *Seconds) (key APIKey, secret string, err error) {
	key, err = k.find(ctx, who, kind, id, ActionWriteKeys)
	if err != nil {
		return APIKey{}, "", err
	}
	period := DefaultKeyGrace
	if grace != nil {
		period = grace.Duration()
	}
	if period < 0 || period > MaxKeyGrace {
		return APIKey{}, "", Invalid("grace", "must be 0 to %d seconds", int(MaxKeyGrace.Seconds()))
	}
	if !k.grants(who, key.Role) || !covers(who, key) {
		return APIKey{}, "", Errorf(CodeForbidden, "this %v has rights that you do not have", kind)
	}
	if key.RevokedAt != nil || key.ExpiresAt != nil && !k.access.now().Before(*key.ExpiresAt) {
		return APIKey{}, "", Errorf(CodeConflict, "this %v has expired or is revoked: make another one", kind)
	}
	key, secret, err = k.access.rotate(ctx, key, period)
	if CodeOf(err) == CodePreconditionFailed {
		return APIKey{}, "", Errorf(CodeConflict, "this %v was rotated or revoked meanwhile", kind)
	}
	return key, secret, StoreFailed(err)
}

// Revoke makes a key invalid: at once on this node, within two seconds on all
// others. Revoking one again changes nothing.
func (k *Keys) Revoke(ctx context.Context, who Principal, kind KeyKind, id string) error {
	key, err := k.find(ctx, who, kind, id, ActionWriteKeys)
	if err != nil {
		return err
	}
	return StoreFailed(k.access.RevokeKey(ctx, who.Org, key.ID))
}
