package core

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// Sealer encrypts what the server has to keep and to use: secrets that it signs with for
// others, or checks the signatures of others by. It uses AES-256-GCM. Every sealing has a
// key of its own, derived by HKDF from the server's secret and a random salt, so that the
// number of sealings is not bounded. It may be used by several goroutines at once.
type Sealer struct {
	// keys is never empty. The first key seals. Every key opens, so that what is stored
	// stays readable while the server's secret is replaced.
	keys []sealKey
}

// sealKey is what is derived from one secret of the server.
type sealKey struct {
	// mark tells the secrets of a server apart and says nothing about them.
	mark [sealMarkSize]byte
	// root is what the keys of sealings are derived from.
	root []byte
}

// A sealing is its version, the mark of its secret, its salt, and the ciphertext.
const (
	sealVersion  = 1
	sealMarkSize = 8
	sealSaltSize = 24
	sealHead     = 1 + sealMarkSize + sealSaltSize
)

// ErrSealed says that a sealing cannot be opened: it was made with a secret that the
// server no longer has, for another thing, or was changed.
var ErrSealed = errors.New("it was sealed with another secret of the server than it has now, or was changed; set the secret it was sealed with as secret-previous, or enter the value again")

// NewSealer returns a sealer by the server's secret and those that it had before. Empty
// ones are passed over; without any it panics.
func NewSealer(secrets ...[]byte) *Sealer {
	s := &Sealer{}
	for _, secret := range secrets {
		if len(secret) > 0 {
			s.keys = append(s.keys, newSealKey(secret))
		}
	}
	if len(s.keys) == 0 {
		panic("core: a sealer needs a secret")
	}
	return s
}

func newSealKey(secret []byte) (key sealKey) {
	// Both derivations fail only for a hash that is not approved, or a key that is too long.
	key.root, _ = hkdf.Extract(sha256.New, secret, []byte("eventflow seal"))
	mark, _ := hkdf.Expand(sha256.New, key.root, "mark", sealMarkSize)
	copy(key.mark[:], mark)
	return key
}

// cipher returns what seals and opens under a salt. A salt is used once, so the nonce is
// derived, too, and stands for nothing of its own.
func (k sealKey) cipher(salt []byte) (box cipher.AEAD, nonce []byte) {
	const keySize, nonceSize = 32, 12
	derived, _ := hkdf.Expand(sha256.New, k.root, "sealing"+string(salt), keySize+nonceSize)
	block, err := aes.NewCipher(derived[:keySize])
	if err != nil {
		panic(err) // the size is right
	}
	if box, err = cipher.NewGCM(block); err != nil {
		panic(err) // AES has the right block
	}
	return box, derived[keySize:]
}

// Seal encrypts plain for the thing that about names, such as the kind and id of what the
// secret belongs to. It is opened for that thing only.
func (s *Sealer) Seal(plain, about []byte) (sealed []byte) {
	key := s.keys[0]
	sealed = make([]byte, sealHead, sealHead+len(plain)+16)
	sealed[0] = sealVersion
	copy(sealed[1:], key.mark[:])
	salt := sealed[1+sealMarkSize : sealHead]
	_, _ = rand.Read(salt) // never fails
	box, nonce := key.cipher(salt)
	return box.Seal(sealed, nonce, plain, about)
}

// Open returns what was sealed about a thing, or [ErrSealed].
func (s *Sealer) Open(sealed, about []byte) (plain []byte, err error) {
	key := s.key(sealed)
	if key == nil {
		return nil, ErrSealed
	}
	box, nonce := key.cipher(sealed[1+sealMarkSize : sealHead])
	if plain, err = box.Open(nil, nonce, sealed[sealHead:], about); err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Stale reports whether a sealing should be made anew: it opens with a secret that the
// server had before, and not with the one that it has.
func (s *Sealer) Stale(sealed []byte) bool {
	key := s.key(sealed)
	return key != nil && key != &s.keys[0]
}

// key returns the key that a sealing was made with, or nil.
func (s *Sealer) key(sealed []byte) *sealKey {
	if len(sealed) < sealHead || sealed[0] != sealVersion {
		return nil
	}
	for i := range s.keys {
		if bytes.Equal(s.keys[i].mark[:], sealed[1:1+sealMarkSize]) {
			return &s.keys[i]
		}
	}
	return nil
}
