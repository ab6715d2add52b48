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

	livePrefix     = "ef_" + string(core.Live) + "_"
	testPrefix     = "ef_" + string(core.Test) + "_"
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
	sum := keyChecksum(string(text))
	return string(append(text, sum[:]...))
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

// keyChecksum returns the CRC-32 of a text in base 62. Every request has one computed,
// so it takes no memory.
func keyChecksum(text string) (out [keyChecksumLength]byte) {
	sum := ^uint32(0)
	for i := range len(text) {
		sum = crc32.IEEETable[byte(sum)^text[i]] ^ sum>>8
	}
	sum = ^sum
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return out
}

// endsInChecksum reports whether a text of at least that length ends in the checksum of
// what is before it.
func endsInChecksum(text string) bool {
	split := len(text) - keyChecksumLength
	sum := keyChecksum(text[:split])
	return string(sum[:]) == text[split:]
}

func wellFormedKey(secret string) bool {
	split := len(secret) - keyChecksumLength
	switch {
	case strings.HasPrefix(secret, livePrefix), strings.HasPrefix(secret, testPrefix):
		const start = len(livePrefix) // of the other one, too
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
	return endsInChecksum(secret)
}

// isBase62 reports whether a text could be the random part of a key.
func isBase62(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
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
