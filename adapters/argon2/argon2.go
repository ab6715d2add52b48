// Package argon2 hashes passwords by Argon2id (RFC 9106), a few at a time.
package argon2

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The costs of new hashes: 19 MiB, two passes, as OWASP recommends.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	keyLen  = 32
)

// Hasher implements [core.PasswordHasher]. Each hash takes 19 MiB for some 50
// ms; more than a bound at once wait, so that sign-ins cannot take the server's
// memory.
type Hasher struct {
	slots chan struct{}
	dummy string
}

// New returns a hasher that works on at most so many passwords at once.
func New(atOnce int) *Hasher {
	h := &Hasher{slots: make(chan struct{}, max(atOnce, 1))}
	h.dummy = encode(make([]byte, saltLen), make([]byte, keyLen))
	return h
}

func (h *Hasher) key(ctx context.Context, password string, salt []byte, c costs) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keyLen), nil
}

func encode(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// Hash implements [core.PasswordHasher]; the text is of the PHC string format.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails: see the package's documentation
	key, err := h.key(ctx, password, salt, costs{memory, passes, threads})
	return encode(salt, key), err
}

// costs are those of one hash.
type costs struct {
	memory, passes uint32
	threads        uint8
}

// Verify implements [core.PasswordHasher]. An empty hash, of an account that
// does not exist or has no password, takes as long as any and never fits.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	missing := hash == ""
	if missing {
		hash = h.dummy
	}
	c, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	got, err := h.key(ctx, password, salt, c)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1 && !missing, err
}

func parse(hash string) (c costs, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	var version int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, nil, fmt.Errorf("a stored password hash is not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, nil, fmt.Errorf("a stored password hash has another version of argon2id")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil || c.passes == 0 || c.threads == 0 {
		return c, nil, nil, fmt.Errorf("a stored password hash has no valid costs")
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(key) != keyLen {
		return c, nil, nil, fmt.Errorf("a stored password hash is damaged")
	}
	return c, salt, key, nil
}
