package core

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
	"time"
)

// Access knows credentials: it checks them and, for whoever operates the
// server, makes and revokes them. [Keys] is what others may do.
type Access struct {
	credentials Credentials
	orgs        tenants
	now         Clock
	macs        sync.Pool
	// previous is the secret before, or empty.
	previous []byte
	known    *cache[KeyHash, *knownKey]
	usage    usage
}

// The time a verified key is trusted without asking the catalog again, which
// bounds how long a key revoked on another node goes on working, and how many
// keys are kept.
const (
	keyTTL       = time.Second
	keyCacheSize = 100_000
)

// MinSecretBytes is the shortest server secret that NewAccess takes.
const MinSecretBytes = 32

// NewAccess returns the use case over the parts of a catalog. secret keys the hashes of
// credentials: with another secret no stored key is valid any more, but for
// those that were made with previous, which may be empty.
func NewAccess(credentials Credentials, organizations Organizations, secret, previous []byte, now func() time.Time) (*Access, error) {
	if len(secret) < MinSecretBytes {
		return nil, Invalid("secret", "must have at least %d bytes", MinSecretBytes)
	}
	secret = slices.Clone(secret)
	return &Access{
		previous:    slices.Clone(previous),
		credentials: credentials,
		orgs:        newTenants(organizations, now),
		now:         now,
		macs:        sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }},
		known:       newCache[KeyHash, *knownKey](now, keyTTL, keyCacheSize),
		usage:       usage{pending: map[ID]time.Time{}},
	}, nil
}

var errBadKey = Errorf(CodeUnauthorized, "the API key is missing, malformed, unknown, expired or revoked")

// Authenticate returns who presents the secret text of an API key or a service
// token. Whatever is wrong with it, the answer is the same [CodeUnauthorized]
// error. A text whose checksum is wrong never reaches the catalog.
func (a *Access) Authenticate(ctx context.Context, secret string) (Principal, error) {
	if !wellFormedKey(secret) {
		return Principal{}, errBadKey
	}
	hash := a.hash(secret)
	known, err := a.known.get(hash, func(old *knownKey) (*knownKey, error) {
		as := hash
		key, err := a.credentials.KeyByHash(ctx, as)
		if IsNotFound(err) && len(a.previous) > 0 {
			as = keyedHash(a.previous, secret)
			key, err = a.credentials.KeyByHash(ctx, as)
		}
		if err != nil {
			return nil, err
		}
		org, err := a.orgs.get(ctx, key.Org)
		if err != nil {
			return nil, err
		}
		return newKnownKey(key, org, as, old), nil
	}, IsNotFound)
	if IsNotFound(err) {
		return Principal{}, errBadKey
	}
	if err != nil {
		return Principal{}, Unavailable(err, time.Second, "the API key could not be checked; try again")
	}
	now := a.now()
	if !known.key.opens(known.as, now) {
		return Principal{}, errBadKey
	}
	if known.unnoted(now) {
		a.usage.note(known.key.ID, now)
	}
	return known.who, nil
}

// opens reports whether the secret with this hash is good at a time.
func (k *APIKey) opens(hash KeyHash, now time.Time) bool {
	if k.RevokedAt != nil || k.ExpiresAt != nil && !now.Before(*k.ExpiresAt) {
		return false
	}
	return hash == k.Hash || k.PreviousValidUntil != nil && now.Before(*k.PreviousValidUntil)
}

// principal is who shows the key. Its own rate comes before its organization's.
func (k *APIKey) principal(org Organization) Principal {
	return Principal{
		Org: k.Org, Key: k.ID, Label: k.Label, Role: k.Role, Streams: k.Streams, DefaultStream: k.DefaultStream,
		Limit: cmp.Or(k.Rate, org.KeyRate).limit(),
	}
}

func (a *Access) hash(secret string) (out KeyHash) {
	mac := a.macs.Get().(hash.Hash)
	defer a.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(secret))
	mac.Sum(out[:0])
	return out
}

// keyedHash is [Access.hash] for a secret that is used now and then.
func keyedHash(key []byte, secret string) KeyHash {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(secret))
	return KeyHash(mac.Sum(nil))
}

// KeySpec describes a key to be made.
type KeySpec struct {
	// Kind is [KindAPIKey] where it is empty, Role the kind's: a producer or a
	// consumer. A service token needs no Environment.
	Kind        KeyKind
	Label       string
	Environment Environment
	Role        Role
	// Streams narrows the key; empty is all streams.
	Streams []ID
	// DefaultStream is zero, or one of the key's streams.
	DefaultStream ID
	Rate          Rate
	CreatedBy     ID
	ExpiresAt     *time.Time
}

// CreateKey makes a key and returns it with its secret text, which is kept
// nowhere and cannot be shown again.
func (a *Access) CreateKey(ctx context.Context, org ID, spec KeySpec) (key APIKey, secret string, err error) {
	spec.complete()
	if err := spec.validate(a.now()); err != nil {
		return APIKey{}, "", err
	}
	now := a.now.Stamp()
	key = APIKey{
		ID: newID(now), Org: org, Kind: spec.Kind, Label: spec.Label, Environment: spec.Environment, Role: spec.Role,
		Streams: spec.Streams, DefaultStream: spec.DefaultStream, Rate: spec.Rate, CreatedBy: spec.CreatedBy, CreatedAt: now, ExpiresAt: spec.ExpiresAt,
	}
	secret = a.renew(&key)
	if err := a.credentials.CreateKey(ctx, key); err != nil {
		return APIKey{}, "", err
	}
	return key, secret, nil
}

// renew gives a key another secret.
func (a *Access) renew(key *APIKey) (secret string) {
	prefix, length := keyForm(key)
	secret = newKeyText(prefix, length)
	key.Hash, key.Masked = a.hash(secret), maskKey(prefix, secret)
	return secret
}

// complete fills in what a spec may leave out.
func (s *KeySpec) complete() {
	s.Kind = cmp.Or(s.Kind, KindAPIKey)
	s.Role = cmp.Or(s.Role, s.Kind.defaultRole())
	if s.Kind == KindServiceToken {
		s.Environment = cmp.Or(s.Environment, Live)
	}
	if s.ExpiresAt != nil {
		at := Stamp(*s.ExpiresAt)
		s.ExpiresAt = &at
	}
}

func (s *KeySpec) validate(now time.Time) error {
	if s.Kind != KindAPIKey && s.Kind != KindServiceToken {
		return Invalid("kind", "must be %s or %s", string(KindAPIKey), string(KindServiceToken))
	}
	if err := checkText("label", s.Label, 1, MaxSourceLength); err != nil {
		return err
	}
	if s.Kind == KindServiceToken && !isServiceName(s.Label) {
		return Invalid("label", "must be the name of a service: up to %d lower-case letters, digits and hyphens, no hyphen at an end", maxServiceName)
	}
	if s.Environment != Live && s.Environment != Test {
		return Invalid("environment", "must be live or test")
	}
	if !slices.Contains(Roles, s.Role) {
		return Invalid("role", "must be one of %v", Roles)
	}
	if !s.DefaultStream.IsZero() && len(s.Streams) > 0 && !slices.Contains(s.Streams, s.DefaultStream) {
		return Invalid("default_stream", "must be one of the streams")
	}
	if s.ExpiresAt != nil && !s.ExpiresAt.After(now) {
		return Invalid("expires_at", "must be in the future")
	}
	return s.Rate.check("rate")
}

// Keys returns all of the organization's keys and tokens, newest first, without
// their secrets.
func (a *Access) Keys(ctx context.Context, org ID) ([]APIKey, error) {
	return a.credentials.Keys(ctx, org, KeyScan{})
}

// rotate gives a key another secret; the one it has stays good for grace.
func (a *Access) rotate(ctx context.Context, key APIKey, grace time.Duration) (rotated APIKey, secret string, err error) {
	now := a.now.Stamp()
	key.PreviousHash, key.PreviousValidUntil, key.RotatedAt = key.Hash, nil, &now
	if grace > 0 {
		until := now.Add(grace)
		key.PreviousValidUntil = &until
	}
	secret = a.renew(&key)
	if err := a.credentials.RotateKey(ctx, key); err != nil {
		return APIKey{}, "", err
	}
	a.known.clear()
	return key, secret, nil
}

// RevokeKey makes a key invalid: at once on this node, within two seconds on
// all others.
func (a *Access) RevokeKey(ctx context.Context, org, id ID) error {
	if err := a.credentials.RevokeKey(ctx, org, id, a.now.Stamp()); err != nil {
		return err
	}
	a.known.clear()
	return nil
}

// authorize holds a principal to its role and, where the action is about a
// stream, to the streams it was narrowed to.
func authorize(authorizer Authorizer, who Principal, action Action, stream ID) error {
	if err := authorizer.Allow(who, who.Org, action); err != nil {
		return err
	}
	return narrowed(who, stream)
}

// narrowed refuses a stream that the principal was not narrowed to.
func narrowed(who Principal, stream ID) error {
	if len(who.Streams) > 0 && !stream.IsZero() && !slices.Contains(who.Streams, stream) {
		return Errorf(CodeForbidden, "this API key is limited to other streams")
	}
	return nil
}
