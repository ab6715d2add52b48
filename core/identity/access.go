package identity

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Access checks credentials. It also makes and revokes them for whoever operates
// the server, and asks nobody's permission. Everybody else uses [Keys].
type Access struct {
	credentials core.Credentials
	orgs        tenants
	now         core.Clock
	// macs holds hashes that are keyed with the secret, so that a request need not
	// key one.
	macs sync.Pool // of *keyedMAC
	// previous is the secret before the current one, or empty.
	previous []byte
	// known remembers keys for keyTTL by the hash of their secret. Whatever changes
	// a key clears it afterwards: after the catalog has the change, or a request
	// between the two would remember the old key again.
	known *cache.Cache[core.KeyHash, *knownKey]
	usage usage
}

// keyTTL is the time for which a key is trusted without asking the catalog again.
// It bounds how long a key that another node revoked goes on working. keyCacheSize
// is how many keys are remembered.
const (
	keyTTL       = time.Second
	keyCacheSize = 100_000
)

// MinSecretBytes is the shortest server secret that NewAccess takes.
const MinSecretBytes = 32

// NewAccess returns the use case over the parts of a catalog. secret keys the
// hashes of credentials, so a stored key is valid only with the secret that it was
// made with. Keys that were made with previous, which may be empty, stay valid.
func NewAccess(credentials core.Credentials, organizations core.Organizations, secret, previous []byte, now func() time.Time) (*Access, error) {
	if len(secret) < MinSecretBytes {
		return nil, core.Invalid("secret", "must have at least %d bytes", MinSecretBytes)
	}
	secret = slices.Clone(secret)
	return &Access{
		previous:    slices.Clone(previous),
		credentials: credentials,
		orgs:        newTenants(organizations, now),
		now:         now,
		macs:        sync.Pool{New: func() any { return &keyedMAC{Hash: hmac.New(sha256.New, secret)} }},
		known:       cache.New[core.KeyHash, *knownKey](now, keyTTL, keyCacheSize),
		usage:       usage{pending: map[core.ID]time.Time{}},
	}, nil
}

var errBadKey = core.Errorf(core.CodeUnauthorized, "the API key is missing, malformed, unknown, expired or revoked")

// Authenticate returns who presents the secret text of an API key or a service
// token. Whatever is wrong with it, the answer is the same [core.CodeUnauthorized]
// error. A text whose checksum is wrong never reaches the catalog.
func (a *Access) Authenticate(ctx context.Context, secret string) (core.Principal, error) {
	if !wellFormedKey(secret) {
		return core.Principal{}, errBadKey
	}
	hash := a.hash(secret)
	known, err := a.known.Get(ctx, hash, func(old *knownKey) (*knownKey, error) {
		as := hash
		key, err := a.credentials.KeyByHash(ctx, as)
		if core.IsNotFound(err) && len(a.previous) > 0 {
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
		makers, err := a.makersOf(ctx, key, old)
		if err != nil {
			return nil, err
		}
		return newKnownKey(key, org, as, makers, old), nil
	}, core.IsNotFound)
	if core.IsNotFound(err) {
		return core.Principal{}, errBadKey
	}
	if err != nil {
		return core.Principal{}, core.Unavailable(err, time.Second, "the API key could not be checked; try again")
	}
	now := a.now()
	if !known.key.Opens(known.as, now) {
		return core.Principal{}, errBadKey
	}
	if known.unnoted(now) {
		a.usage.note(known.key.ID, now)
	}
	return known.who, nil
}

// presented is the secret of a key or a token that somebody has presented. The secret
// decides, and not the key: the one before a rotation ends earlier.
type presented struct {
	access *Access
	secret string
}

// Credential returns what a request was made with that has presented a secret text.
func (a *Access) Credential(secret string) core.Credential { return presented{a, secret} }

// Bearer implements [core.Credential].
func (p presented) Bearer(ctx context.Context) (core.Principal, error) {
	return p.access.Authenticate(ctx, p.secret)
}

// keyedMAC is a MAC with the memory for what goes in and comes out: each request has its
// secret hashed.
type keyedMAC struct {
	hash.Hash
	text, sum []byte
}

func (a *Access) hash(secret string) core.KeyHash {
	mac := a.macs.Get().(*keyedMAC)
	defer a.macs.Put(mac)
	mac.Reset()
	mac.text = append(mac.text[:0], secret...)
	mac.Write(mac.text)
	clear(mac.text)
	mac.sum = mac.Sum(mac.sum[:0])
	return core.KeyHash(mac.sum)
}

// keyedHash is [Access.hash] for the previous secret, which is seldom used.
func keyedHash(key []byte, secret string) core.KeyHash {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(secret))
	return core.KeyHash(mac.Sum(nil))
}

// KeySpec describes a key to be made.
type KeySpec struct {
	// Kind defaults to [core.KindAPIKey], and Role to the kind's default: a producer
	// or a consumer. A service token needs no Environment.
	Kind        core.KeyKind
	Label       string
	Environment core.Environment
	Role        core.Role
	// Streams narrows the key; empty is all streams.
	Streams []core.ID
	// DefaultStream is zero, or one of the key's streams.
	DefaultStream core.ID
	Rate          core.Rate
	CreatedBy     core.ID
	ExpiresAt     *time.Time
}

// CreateKey makes a key and returns it with its secret text, which is kept
// nowhere and cannot be shown again.
func (a *Access) CreateKey(ctx context.Context, org core.ID, spec KeySpec) (key core.APIKey, secret string, err error) {
	spec.complete()
	if err := spec.validate(a.now()); err != nil {
		return core.APIKey{}, "", err
	}
	now := a.now.Stamp()
	key = core.APIKey{
		ID: core.RandomID(now), Org: org, Kind: spec.Kind, Label: spec.Label, Environment: spec.Environment, Role: spec.Role,
		Streams: spec.Streams, DefaultStream: spec.DefaultStream, Rate: spec.Rate, CreatedBy: spec.CreatedBy, CreatedAt: now, ExpiresAt: spec.ExpiresAt,
	}
	secret = a.renew(&key)
	if err := a.credentials.CreateKey(ctx, key); err != nil {
		return core.APIKey{}, "", err
	}
	return key, secret, nil
}

// renew gives a key another secret.
func (a *Access) renew(key *core.APIKey) (secret string) {
	prefix, length := keyForm(key)
	secret = newKeyText(prefix, length)
	key.Hash, key.Masked = a.hash(secret), maskKey(prefix, secret)
	return secret
}

// complete fills in what a spec may leave out.
func (s *KeySpec) complete() {
	s.Kind = cmp.Or(s.Kind, core.KindAPIKey)
	s.Role = cmp.Or(s.Role, s.Kind.DefaultRole())
	if s.Kind == core.KindServiceToken {
		s.Environment = cmp.Or(s.Environment, core.Live)
	}
	if s.ExpiresAt != nil {
		at := core.Stamp(*s.ExpiresAt)
		s.ExpiresAt = &at
	}
}

func (s *KeySpec) validate(now time.Time) error {
	if s.Kind != core.KindAPIKey && s.Kind != core.KindServiceToken {
		return core.Invalid("kind", "must be %s or %s", string(core.KindAPIKey), string(core.KindServiceToken))
	}
	if err := core.CheckText("label", s.Label, 1, core.MaxSourceLength); err != nil {
		return err
	}
	if err := core.CheckSeen("label", s.Label); err != nil {
		return err
	}
	if s.Kind == core.KindServiceToken && !isServiceName(s.Label) {
		return core.Invalid("label", "must be the name of a service: up to %d lower-case letters, digits and hyphens, with no hyphen at either end", maxServiceName)
	}
	if s.Environment != core.Live && s.Environment != core.Test {
		return core.Invalid("environment", "must be live or test")
	}
	if !slices.Contains(core.Roles, s.Role) {
		return core.Invalid("role", "must be one of: %s", core.Listed(core.Roles))
	}
	if !s.DefaultStream.IsZero() && len(s.Streams) > 0 && !slices.Contains(s.Streams, s.DefaultStream) {
		return core.Invalid("default_stream", "must be one of the streams")
	}
	if s.ExpiresAt != nil && !s.ExpiresAt.After(now) {
		return core.Invalid("expires_at", "must be in the future")
	}
	return s.Rate.Check("rate")
}

// Keys returns all of the organization's keys and tokens, newest first, without
// their secrets.
func (a *Access) Keys(ctx context.Context, org core.ID) ([]core.APIKey, error) {
	return a.credentials.Keys(ctx, org, core.KeyScan{})
}

// rotate gives a key another secret. The current one stays good for grace.
func (a *Access) rotate(ctx context.Context, key core.APIKey, grace time.Duration) (rotated core.APIKey, secret string, err error) {
	now := a.now.Stamp()
	key.PreviousHash, key.PreviousValidUntil, key.RotatedAt = key.Hash, nil, &now
	if grace > 0 {
		until := now.Add(grace)
		key.PreviousValidUntil = &until
	}
	secret = a.renew(&key)
	if err := a.credentials.RotateKey(ctx, key); err != nil {
		return core.APIKey{}, "", err
	}
	a.known.Clear()
	return key, secret, nil
}

// RevokeKey makes a key invalid: at once on this node, within two seconds on
// all others.
func (a *Access) RevokeKey(ctx context.Context, org, id core.ID) error {
	if err := a.credentials.RevokeKey(ctx, org, id, a.now.Stamp()); err != nil {
		return err
	}
	a.known.Clear()
	return nil
}
