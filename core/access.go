package core

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"time"
)

// Access knows credentials: it makes, checks and revokes them.
type Access struct {
	credentials Credentials
	now         func() time.Time
	macs        sync.Pool
	known       *cache[KeyHash, APIKey]
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

// NewAccess returns the use case over a catalog. secret keys the hashes of
// credentials: with another secret no stored key is valid any more.
func NewAccess(credentials Credentials, secret []byte, now func() time.Time) (*Access, error) {
	if len(secret) < MinSecretBytes {
		return nil, Invalid("secret", "must have at least %d bytes", MinSecretBytes)
	}
	secret = slices.Clone(secret)
	return &Access{
		credentials: credentials,
		now:         now,
		macs:        sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }},
		known:       newCache[KeyHash, APIKey](now, keyTTL, keyCacheSize),
	}, nil
}

var errBadKey = Errorf(CodeUnauthorized, "the API key is missing, malformed, unknown, expired or revoked")

// Authenticate returns who presents the secret text of an API key. Whatever is
// wrong with it, the answer is the same [CodeUnauthorized] error. A text whose
// checksum is wrong never reaches the catalog.
func (a *Access) Authenticate(ctx context.Context, secret string) (Principal, error) {
	if !wellFormedKey(secret) {
		return Principal{}, errBadKey
	}
	hash := a.hash(secret)
	key, err := a.known.get(hash, func(APIKey) (APIKey, error) {
		return a.credentials.KeyByHash(ctx, hash)
	}, isNotFound)
	if isNotFound(err) {
		return Principal{}, errBadKey
	}
	if err != nil {
		return Principal{}, Unavailable(err, time.Second, "the API key could not be checked; try again")
	}
	if key.RevokedAt != nil || key.ExpiresAt != nil && !a.now().Before(*key.ExpiresAt) {
		return Principal{}, errBadKey
	}
	return Principal{Org: key.Org, Key: key.ID, Label: key.Label, Role: key.Role, Streams: key.Streams}, nil
}

func isNotFound(err error) bool { return CodeOf(err) == CodeNotFound }

func (a *Access) hash(secret string) (out KeyHash) {
	mac := a.macs.Get().(hash.Hash)
	defer a.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(secret))
	mac.Sum(out[:0])
	return out
}

// KeySpec describes a key to be made.
type KeySpec struct {
	Label       string
	Environment Environment
	Role        Role
	// Streams narrows the key; empty is all streams.
	Streams   []ID
	ExpiresAt *time.Time
}

// CreateKey makes a key and returns it with its secret text, which is kept
// nowhere and cannot be shown again.
func (a *Access) CreateKey(ctx context.Context, org ID, spec KeySpec) (key APIKey, secret string, err error) {
	if err := spec.validate(a.now()); err != nil {
		return APIKey{}, "", err
	}
	secret = newKeyText(spec.Environment)
	now := a.now().UTC().Truncate(time.Microsecond)
	key = APIKey{
		ID: newID(now), Org: org, Label: spec.Label, Environment: spec.Environment, Role: spec.Role,
		Streams: spec.Streams, Masked: maskKey(secret), Hash: a.hash(secret), CreatedAt: now, ExpiresAt: spec.ExpiresAt,
	}
	if err := a.credentials.CreateKey(ctx, key); err != nil {
		return APIKey{}, "", err
	}
	return key, secret, nil
}

func (s KeySpec) validate(now time.Time) error {
	if err := checkText("label", s.Label, 1, MaxSourceLength); err != nil {
		return err
	}
	if s.Environment != Live && s.Environment != Test {
		return Invalid("environment", "must be live or test")
	}
	if !slices.Contains(Roles, s.Role) {
		return Invalid("role", "must be one of %v", Roles)
	}
	if s.ExpiresAt != nil && !s.ExpiresAt.After(now) {
		return Invalid("expires_at", "must be in the future")
	}
	return nil
}

// Keys returns the organization's keys, newest first, without their secrets.
func (a *Access) Keys(ctx context.Context, org ID) ([]APIKey, error) {
	return a.credentials.Keys(ctx, org)
}

// RevokeKey makes a key invalid: at once on this node, within two seconds on
// all others.
func (a *Access) RevokeKey(ctx context.Context, org, id ID) error {
	if err := a.credentials.RevokeKey(ctx, org, id, a.now().UTC().Truncate(time.Microsecond)); err != nil {
		return err
	}
	a.known.clear()
	return nil
}

// A key's text is `ef_live_` or `ef_test_`, 32 random base-62 characters (190
// bits) and 6 of a CRC-32, by which a scanner tells a real key from a lookalike.
const (
	keyRandomLength   = 32
	keyChecksumLength = 6
	base62            = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func keyPrefix(environment Environment) string { return "ef_" + string(environment) + "_" }

func newKeyText(environment Environment) string {
	text := []byte(keyPrefix(environment))
	for range keyRandomLength {
		text = append(text, base62[randomBelow(len(base62))])
	}
	return string(text) + keyChecksum(string(text))
}

// randomBelow returns an unbiased random number below n ≤ 256.
func randomBelow(n int) int {
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails: see the package's documentation
		if int(b[0]) < 256-256%n {
			return int(b[0]) % n
		}
	}
}

func keyChecksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [keyChecksumLength]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

func wellFormedKey(secret string) bool {
	prefixLength := len(keyPrefix(Live))
	if len(secret) != prefixLength+keyRandomLength+keyChecksumLength {
		return false
	}
	if !strings.HasPrefix(secret, keyPrefix(Live)) && !strings.HasPrefix(secret, keyPrefix(Test)) {
		return false
	}
	split := len(secret) - keyChecksumLength
	return keyChecksum(secret[:split]) == secret[split:]
}

// maskKey keeps what tells keys apart in a list and gives nothing away.
func maskKey(secret string) string {
	return secret[:len(keyPrefix(Live))] + "…" + secret[len(secret)-4:]
}

// authorize holds a principal to its role and, where the action is about a
// stream, to the streams it was narrowed to.
func authorize(authorizer Authorizer, who Principal, action Action, stream ID) error {
	if err := authorizer.Allow(who, action); err != nil {
		return err
	}
	if len(who.Streams) > 0 && !stream.IsZero() && !slices.Contains(who.Streams, stream) {
		return Errorf(CodeForbidden, "this API key is limited to other streams")
	}
	return nil
}
