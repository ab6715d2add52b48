package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
)

// secrets signs what people are given to keep: refresh tokens and tickets.
type secrets struct {
	// keys is never empty. The first key signs. Every key is believed, so that
	// what people hold stays good when the server's secret is replaced.
	keys [][]byte
}

// newSecrets derives the keys from the server's secret and from the one before
// it, which may be empty.
func newSecrets(secret, previous []byte) secrets {
	keys := [][]byte{derive(secret, "accounts")}
	if len(previous) > 0 {
		keys = append(keys, derive(previous, "accounts"))
	}
	return secrets{keys}
}

// derive makes a key for one purpose out of the server's secret.
func derive(secret []byte, purpose string) []byte { return sign(secret, []byte("eventflow "+purpose)) }

func sign(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}

// sign returns the signature that messages get now.
func (s secrets) sign(message []byte) []byte { return sign(s.keys[0], message) }

// signed reports whether the signature is the message's, by any of the keys.
func (s secrets) signed(message, signature []byte) bool {
	return slices.ContainsFunc(s.keys, func(key []byte) bool { return hmac.Equal(signature, sign(key, message)) })
}
