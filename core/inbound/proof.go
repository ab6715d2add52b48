package inbound

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as an HMAC, which is sound, and some senders know no other
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Request is what a sender sent.
type Request struct {
	// Header returns the value of a header by its name in any case, or "".
	Header func(name string) string
	Body   []byte
	From   core.Visitor
}

// proof is what shows whether a request is its sender's.
type proof struct {
	*Request
	// secrets are those that are good now.
	secrets   []string
	signature *core.SourceSignature
	now       time.Time
}

// Tolerance is how far the time of a signature may be from the server's: what is older was
// recorded and is sent again by somebody else.
const Tolerance = 5 * time.Minute

func unproven(format string, args ...any) error {
	return core.Errorf(core.CodeUnauthorized, format, args...)
}

var errUnsigned = unproven("the signature does not match: the sender signs with another secret than this source has, or the body was changed on its way")

// required returns a header that must be there.
func (p proof) required(name string) (string, error) {
	value := p.Header(name)
	if value == "" {
		return "", unproven("the header %s is missing: the request is not signed", name)
	}
	return value, nil
}

// fresh refuses a time of a signature, in seconds since 1970, that is too far from now.
func (p proof) fresh(header, text string) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return unproven("%s has no time in seconds since 1970", header)
	}
	switch age := p.now.Sub(time.Unix(seconds, 0)); {
	case age > Tolerance:
		return unproven("it was signed %v ago, and %v are the most: it is sent again by somebody who recorded it, or the sender's clock is slow", age.Truncate(time.Second), Tolerance)
	case age < -Tolerance:
		return unproven("it was signed %v in the future: the sender's clock, or this server's, is wrong", -age.Truncate(time.Second))
	}
	return nil
}

// signed reports whether one of the signatures is that of the message, which is given in
// parts, by one of the secrets.
func (p proof) signed(algorithm func() hash.Hash, signatures [][]byte, message ...string) bool {
	return slices.ContainsFunc(p.secrets, func(secret string) bool {
		return anyOf(signatures, sum(algorithm, []byte(secret), message, p.Body))
	})
}

// sum is the HMAC of what stands before a body, and of the body.
func sum(algorithm func() hash.Hash, key []byte, before []string, body []byte) []byte {
	mac := hmac.New(algorithm, key)
	for _, part := range before {
		mac.Write([]byte(part))
	}
	mac.Write(body)
	return mac.Sum(nil)
}

// anyOf reports whether a sum is among the signatures, all of which it looks at.
func anyOf(signatures [][]byte, sum []byte) (found bool) {
	for _, signature := range signatures {
		found = hmac.Equal(signature, sum) || found
	}
	return found
}

// maxSignatures bounds how many signatures of one request are looked at.
const maxSignatures = 16

// inHex reads a signature behind its prefix. One that cannot be read is none.
func inHex(text string) [][]byte {
	signature, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return [][]byte{signature}
}

func inBase64(text string) [][]byte {
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return [][]byte{signature}
}

// algorithms are the hashes by their names in settings.
var algorithms = map[string]func() hash.Hash{core.SHA1: sha1.New, core.SHA256: sha256.New, core.SHA512: sha512.New}

// byHMAC proves by a signature as the source's settings describe it.
func byHMAC(p proof) error {
	text, err := p.required(p.signature.Header)
	if err != nil {
		return err
	}
	text, has := strings.CutPrefix(strings.TrimSpace(text), p.signature.Prefix)
	if !has {
		return unproven("the header %s does not begin with %q, as this source's settings say", p.signature.Header, p.signature.Prefix)
	}
	read := inHex
	if p.signature.Encoding == core.InBase64 {
		read = inBase64
	}
	if signatures := read(text); !p.signed(algorithms[p.signature.Algorithm], signatures) {
		return errUnsigned
	}
	return nil
}
