package identity

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Keys is the life of API keys and service tokens. A principal without
// [core.ActionManageKeys] sees and changes the keys that the same user, or the
// same key, has made. Nobody can make a key with more rights than their own, or
// get the secret of one. What a key makes expires no later, and counts in its rate.
type Keys struct{ KeyPorts }

// KeyPorts is what Keys works with.
type KeyPorts struct {
	Access      *Access
	Credentials core.Credentials
	Streams     *eventlog.Streams
	// Shares bounds how many keys there are. It may be nil.
	Shares     *eventlog.Shares
	Authorizer core.Authorizer
	Record     core.Recorder
	Now        core.Clock
}

// NewKeys returns the use case.
func NewKeys(ports KeyPorts) *Keys { return &Keys{ports} }

// DefaultKeyGrace is the time for which the previous secret of a rotated key
// stays good, unless the request says otherwise; MaxKeyGrace is the longest that
// it may say.
const (
	DefaultKeyGrace = 24 * time.Hour
	MaxKeyGrace     = 7 * 24 * time.Hour
)

// MaxKeyStreams bounds the streams that a key is narrowed to.
const MaxKeyStreams = 100

// manages reports whether a principal is in charge of all keys.
func (k *Keys) manages(who core.Principal) bool {
	return k.Authorizer.Allow(who, who.Org, core.ActionManageKeys) == nil
}

// covers reports whether who may use every stream that the key may.
func covers(who core.Principal, key core.APIKey) bool {
	if len(who.Streams) == 0 {
		return true
	}
	return len(key.Streams) > 0 && !slices.ContainsFunc(key.Streams, func(stream core.ID) bool { return !slices.Contains(who.Streams, stream) })
}

// sees reports whether a key exists as far as a principal can tell.
func (k *Keys) sees(who core.Principal, key core.APIKey) bool {
	own := !key.CreatedBy.IsZero() && key.CreatedBy == who.Creator()
	return own || k.manages(who) && covers(who, key)
}

// grants reports whether a principal may hand out a role, to a key that is narrowed to
// streams or to none. The permissions count, and not the names of the roles: a role may
// lack what a lesser one has.
func (k *Keys) grants(who core.Principal, role core.Role, streams []core.ID) bool {
	plain := role == core.RoleProducer || role == core.RoleConsumer
	return (plain || k.manages(who)) && !k.exceeds(who, bearer(who.Org, role, streams))
}

// Create makes a key and returns it with its secret text, which is kept nowhere
// and cannot be shown again.
func (k *Keys) Create(ctx context.Context, who core.Principal, kind core.KeyKind, request core.KeyRequest) (key core.APIKey, secret string, err error) {
	if err := core.Authorize(k.Authorizer, who, core.ActionWriteKeys, core.ID{}); err != nil {
		return core.APIKey{}, "", err
	}
	spec := KeySpec{
		Kind: kind, Label: request.Label, Environment: request.Environment, Role: request.Role,
		Rate: request.Rate, CreatedBy: who.Creator(),
	}
	if request.ExpiresAt != nil {
		spec.ExpiresAt = &request.ExpiresAt.Time
	}
	spec.complete()
	if err := spec.validate(k.Now()); err != nil {
		return core.APIKey{}, "", err
	}
	if spec.Rate != (core.Rate{}) && !k.manages(who) {
		return core.APIKey{}, "", core.Errorf(core.CodeForbidden, "your role cannot set the rate of credentials")
	}
	if err := k.narrow(ctx, who, &spec, request); err != nil {
		return core.APIKey{}, "", err
	}
	if !k.grants(who, spec.Role, spec.Streams) {
		return core.APIKey{}, "", k.refusedRole(who, spec.Role)
	}
	if err := k.inherit(ctx, who, &spec); err != nil {
		return core.APIKey{}, "", err
	}
	if err := k.Shares.Room(ctx, who.Org, core.ShareKeys); err != nil {
		return core.APIKey{}, "", err
	}
	if key, secret, err = k.Access.CreateKey(ctx, who.Org, spec); err != nil {
		return core.APIKey{}, "", core.StoreFailed(err)
	}
	if err := k.settle(ctx, who, key); err != nil {
		return core.APIKey{}, "", err
	}
	k.Record.Record(ctx, who.Did(core.AuditKeyCreated, string(kind), key.ID))
	return key, secret, nil
}

// refusedRole says why a principal may not hand out a role.
func (k *Keys) refusedRole(who core.Principal, role core.Role) error {
	if k.manages(who) {
		return core.Errorf(core.CodeForbidden, "a credential with the role %s would have permissions that you do not have", role)
	}
	return core.Errorf(core.CodeForbidden, "your role can only make credentials with the roles %s and %s", core.RoleProducer, core.RoleConsumer)
}

// narrow sets the streams of a key that is to be made. If the request names none,
// the key is narrowed as its maker is.
func (k *Keys) narrow(ctx context.Context, who core.Principal, spec *KeySpec, request core.KeyRequest) (err error) {
	if len(request.Streams) > MaxKeyStreams {
		return core.Invalid("streams", "must have at most %d members, has %d", MaxKeyStreams, len(request.Streams))
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
func (k *Keys) stream(ctx context.Context, who core.Principal, field, ref string) (core.ID, error) {
	stream, err := k.Streams.Find(ctx, who.Org, ref)
	if err == nil {
		err = core.Narrowed(who, stream.ID)
	}
	if core.IsNotFound(err) {
		return core.ID{}, core.Invalid(field, "there is no such stream")
	}
	return stream.ID, core.StoreFailed(err)
}

// List returns a page of the keys of a kind, newest first, without their secrets. A
// creator that is not zero leaves out what others than this user or key have made.
func (k *Keys) List(ctx context.Context, who core.Principal, kind core.KeyKind, creator core.ID, cursor string, limit int) (core.Page[core.APIKey], error) {
	if err := core.Authorize(k.Authorizer, who, core.ActionReadKeys, core.ID{}); err != nil {
		return core.Page[core.APIKey]{}, err
	}
	limit, err := core.PageLimit(limit)
	if err != nil {
		return core.Page[core.APIKey]{}, err
	}
	scan := core.KeyScan{Kind: kind, CreatedBy: creator, Limit: limit + 1}
	scope := append(append([]byte("keys\x00"+string(kind)), who.Org[:]...), creator[:]...)
	if scan.After, err = parseKeyCursor(scope, cursor); err != nil {
		return core.Page[core.APIKey]{}, err
	}
	if own := who.Creator(); !k.manages(who) {
		if own.IsZero() || !creator.IsZero() && creator != own {
			return core.Page[core.APIKey]{}, nil // what others have made is not there
		}
		scan.CreatedBy = own
	}
	var items []core.APIKey
	for len(items) <= limit {
		page, err := k.Credentials.Keys(ctx, who.Org, scan)
		if err != nil {
			return core.Page[core.APIKey]{}, core.StoreFailed(err)
		}
		for _, key := range page {
			if k.sees(who, key) {
				items = append(items, key)
			}
		}
		if len(page) <= limit {
			break
		}
		scan.After = page[len(page)-1].Place()
	}
	return core.Cut(items, limit, func(last *core.APIKey) string { return keyCursor(scope, last.Place()) }), nil
}

func keyCursor(scope []byte, place core.KeyPlace) string {
	return core.SealCursor(scope, append(binary.BigEndian.AppendUint64(nil, uint64(place.CreatedAt.UnixMicro())), place.ID[:]...))
}

func parseKeyCursor(scope []byte, cursor string) (core.KeyPlace, error) {
	if cursor == "" {
		return core.KeyPlace{}, nil
	}
	place, err := core.OpenCursor(scope, cursor)
	if err != nil || len(place) != 24 {
		return core.KeyPlace{}, core.ErrBadCursor
	}
	return core.KeyPlace{CreatedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(place))).UTC(), ID: core.ID(place[8:])}, nil
}

// Get returns a key, without its secret.
func (k *Keys) Get(ctx context.Context, who core.Principal, kind core.KeyKind, id string) (core.APIKey, error) {
	return k.find(ctx, who, kind, id, core.ActionReadKeys)
}

// find returns a key of a kind that a principal sees.
func (k *Keys) find(ctx context.Context, who core.Principal, kind core.KeyKind, id string, action core.Action) (core.APIKey, error) {
	if err := core.Authorize(k.Authorizer, who, action, core.ID{}); err != nil {
		return core.APIKey{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.APIKey{}, core.Invalid("id", "%v", err)
	}
	key, err := k.Credentials.Key(ctx, who.Org, wanted)
	if err != nil && !core.IsNotFound(err) {
		return core.APIKey{}, core.StoreFailed(err)
	}
	if err != nil || key.Kind != kind || !k.sees(who, key) {
		return core.APIKey{}, core.Errorf(core.CodeNotFound, "there is no such %v", kind)
	}
	return key, nil
}

// Rotate gives a key another secret, which it returns. The previous secret stays
// good for grace, or for [DefaultKeyGrace] if grace is nil. The secret before the
// previous one is void.
func (k *Keys) Rotate(ctx context.Context, who core.Principal, kind core.KeyKind, id string, grace *core.Seconds) (key core.APIKey, secret string, err error) {
	key, err = k.find(ctx, who, kind, id, core.ActionWriteKeys)
	if err != nil {
		return core.APIKey{}, "", err
	}
	period := DefaultKeyGrace
	if grace != nil {
		period = grace.Duration()
	}
	if period < 0 || period > MaxKeyGrace {
		return core.APIKey{}, "", core.Invalid("grace", "must be 0 to %d seconds", int(MaxKeyGrace.Seconds()))
	}
	if err := k.mayHold(ctx, who, key); err != nil {
		return core.APIKey{}, "", err
	}
	if !key.GoodAt(k.Now()) {
		return core.APIKey{}, "", core.Errorf(core.CodeConflict, "this %v has expired or was revoked: make another one", kind)
	}
	key, secret, err = k.Access.rotate(ctx, key, period)
	if core.CodeOf(err) == core.CodePreconditionFailed {
		return core.APIKey{}, "", core.Errorf(core.CodeConflict, "this %v was rotated or revoked in the meantime", kind)
	}
	if err != nil {
		return core.APIKey{}, "", core.StoreFailed(err)
	}
	k.Record.Record(ctx, who.Did(core.AuditKeyRotated, string(kind), key.ID))
	return key, secret, nil
}

// Revoke makes a key invalid: at once on this node, within two seconds on all
// others. Revoking one again changes nothing. With children it revokes all keys that
// descend from it, too, which otherwise go on.
func (k *Keys) Revoke(ctx context.Context, who core.Principal, kind core.KeyKind, id string, children bool) error {
	key, err := k.find(ctx, who, kind, id, core.ActionWriteKeys)
	if err != nil {
		return err
	}
	if err := k.revokeAll(ctx, who, []core.APIKey{key}); err != nil || !children {
		return err
	}
	descendants, err := k.descendants(ctx, who.Org, key.ID)
	if err != nil {
		return err
	}
	return k.revokeAll(ctx, who, descendants)
}
