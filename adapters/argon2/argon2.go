// Package argon2 hashes passwords by Argon2id (RFC 9106), a few at a time.
package argon2

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The costs of new hashes are 19 MiB and two passes, as OWASP recommends. A hash
// carries its own costs, so these may be raised and old hashes still fit.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	keyLen  = 32
)

// Hasher implements [core.PasswordHasher]. Each hash takes 19 MiB for some 50 ms.
// A few are made at once and the others wait, so that sign-ins cannot take the
// server's memory.
type Hasher struct {
	// slots has an element for each hash that is being made; its capacity is how
	// many may be.
	slots chan struct{}
	// dummy is compared with where there is no hash, so that an unknown account
	// takes as long as a known one.
	dummy string
}

// New returns a hasher that works on at most so many passwords at once.
func New(atOnce int) *Hasher {
	h := &Hasher{slots: make(chan struct{}, max(atOnce, 1))}
	h.dummy = encode(make([]byte, saltLen), make([]byte, keyLen), costs{memory, passes, threads})
	return h
}

// key waits for its turn and makes the hash. Whoever gives up while waiting has
// cost nothing; a hash that has begun is finished.
func (h *Hasher) key(ctx context.Context, password string, salt []byte, c costs) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keyLen), nil
}

// encode writes a hash in the PHC string format.
func encode(salt, key []byte, c costs) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// Hash implements [core.PasswordHasher]. The text has the PHC string format, which
// names algorithm, costs and salt. However a keyboard writes a letter with an accent,
// the hash is the same.
func (h *Hasher) Hash(ctx context.Context, password, like string) (string, error) {
	c, salt := costs{memory, passes, threads}, make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails: see the package's documentation
	if like != "" {
		var err error
		if c, salt, err = parse(like); err != nil {
			return "", err
		}
	}
	key, err := h.key(ctx, norm.NFC.String(password), salt, c)
	if err != nil {
		return "", err
	}
	return encode(salt, key, c), nil
}

// costs are what a hash costs to make.
type costs struct {
	memory, passes uint32
	threads        uint8
}

// Match implements [core.PasswordHasher]. Where there is no hash to compare with it
// makes one all the same, which fits nothing.
func (h *Hasher) Match(ctx context.Context, hashes []string, password string) ([]bool, error) {
	matches, tried := make([]bool, len(hashes)), map[string]bool{}
	for _, hash := range hashes {
		if hash == "" || tried[salted(hash)] {
			continue
		}
		tried[salted(hash)] = true
		if err := h.try(ctx, hash, password, hashes, matches); err != nil {
			return nil, err
		}
	}
	if len(tried) == 0 {
		return matches, h.try(ctx, h.dummy, password, nil, nil)
	}
	return matches, nil
}

// salted is what a hash begins with: algorithm, costs and salt.
func salted(hash string) string { return hash[:strings.LastIndex(hash, "$")+1] }

// try hashes every spelling of a password with the salt of a hash, and notes the
// hashes that are the result. It tries all spellings and compares with all hashes, so
// that the time does not tell which one fits.
func (h *Hasher) try(ctx context.Context, like, password string, hashes []string, matches []bool) error {
	c, salt, err := parse(like)
	if err != nil {
		return err
	}
	for _, spelling := range spellings(password) {
		key, err := h.key(ctx, spelling, salt, c)
		if err != nil {
			return err
		}
		got := []byte(encode(salt, key, c))
		for i, hash := range hashes {
			matches[i] = subtle.ConstantTimeCompare(got, []byte(hash)) == 1 || matches[i]
		}
	}
	return nil
}

// spellings returns the ways in which keyboards may write one password. A letter
// with an accent is one character on some and two on others. New hashes are of the
// first spelling (NFC, as RFC 8265 has it); earlier versions hashed what was typed.
func spellings(password string) []string {
	all := []string{norm.NFC.String(password)}
	for _, other := range []string{password, norm.NFD.String(password)} {
		if !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	return all
}

// parse reads a text that encode wrote, now or in an earlier version with other
// costs. What is wrong with it is a fault of the database, not of a user.
func parse(hash string) (c costs, salt []byte, err error) {
	parts := strings.Split(hash, "$")
	var version int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, fmt.Errorf("a stored password hash is not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, fmt.Errorf("a stored password hash has another version of argon2id")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil || c.passes == 0 || c.threads == 0 {
		return c, nil, fmt.Errorf("a stored password hash has no valid costs")
	}
	var key []byte
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(key) != keyLen {
		return c, nil, fmt.Errorf("a stored password hash is damaged")
	}
	return c, salt, nil
}
