package identity

import (
	"crypto/rand"
	"hash/crc32"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The text of an API key is `ef_live_` or `ef_test_`, 32 random base-62 characters
// (190 bits) and 6 characters of a checksum. The checksum is the CRC-32 of the
// text before it; by it, a scanner can tell a real key from a lookalike. The text
// of a service token is `svc_`, the name of the service, `_`, 24 random characters
// (142 bits) and the checksum.
const (
	keyRandomLength     = 32
	serviceRandomLength = 24
	keyChecksumLength   = 6
	base62              = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

	servicePrefix  = "svc_"
	maxServiceName = 40
)

func keyPrefix(environment core.Environment) string { return "ef_" + string(environment) + "_" }

// keyForm returns the beginning of a key's text, and the number of random
// characters that follow.
func keyForm(k *core.APIKey) (prefix string, random int) {
	if k.Kind == core.KindServiceToken {
		return servicePrefix + k.Label + "_", serviceRandomLength
	}
	return keyPrefix(k.Environment), keyRandomLength
}

func newKeyText(prefix string, random int) string {
	text := []byte(prefix)
	for range random {
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
	split := len(secret) - keyChecksumLength
	switch {
	case strings.HasPrefix(secret, keyPrefix(core.Live)), strings.HasPrefix(secret, keyPrefix(core.Test)):
		start := len(keyPrefix(core.Live))
		if split != start+keyRandomLength || !isBase62(secret[start:split]) {
			return false
		}
	case strings.HasPrefix(secret, servicePrefix):
		end := split - serviceRandomLength - 1
		if end < len(servicePrefix) || secret[end] != '_' || !isServiceName(secret[len(servicePrefix):end]) || !isBase62(secret[end+1:split]) {
			return false
		}
	default:
		return false
	}
	return keyChecksum(secret[:split]) == secret[split:]
}

// isBase62 reports whether a text could be the random part of a key.
func isBase62(text string) bool {
	for i := range len(text) {
		if !strings.Contains(base62, text[i:i+1]) {
			return false
		}
	}
	return true
}

// isServiceName reports whether a service token can be made for a name.
func isServiceName(name string) bool {
	if name == "" || len(name) > maxServiceName || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// maskKey returns as much of a key's text as people need to tell keys apart in a
// list.
func maskKey(prefix, secret string) string { return prefix + "…" + secret[len(secret)-4:] }
