package server

import (
	"encoding/hex"
	"math/rand/v2"
)

// maxRequestIDLength bounds the request id that a client may choose.
const maxRequestIDLength = 128

// appendRequestID appends the request id that the client chose, if it can be
// logged and sent back safely, and otherwise a new one.
func appendRequestID(b, given []byte) []byte {
	if len(given) > 0 && len(given) <= maxRequestIDLength && visibleASCII(given) {
		return append(b, given...)
	}
	var random [16]byte
	for i := 0; i < len(random); i += 8 {
		n := rand.Uint64() //nolint:gosec // it must be unique, not secret
		for j := range 8 {
			random[i+j] = byte(n >> (8 * j))
		}
	}
	return hex.AppendEncode(b, random[:])
}

func visibleASCII(text []byte) bool {
	for _, b := range text {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}
