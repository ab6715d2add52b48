package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

const (
	// secretPrefix begins a secret, so that tools that look for leaked secrets know it.
	secretPrefix = "whsec_"
	// minKey and maxKey bound the bytes behind it, as the specification has it.
	minKey, maxKey = 24, 64
	// madeKey is how many bytes a secret has that is made here.
	madeKey = 32
)

// maskStart begins everything that [destination.Mask] returns.
var maskStart = destination.Mask("")

// secrets are what nobody reads of a webhook again.
type secrets struct {
	Secret string `json:"secret"`
	// Former signs, too, until FormerUntil.
	Former      string            `json:"former_secret,omitempty"`
	FormerUntil *time.Time        `json:"former_secret_until,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
}

func maskSecret(secret string) string {
	return secretPrefix + destination.Mask(strings.TrimPrefix(secret, secretPrefix))
}

func newSecret() string {
	var key [madeKey]byte
	_, _ = rand.Read(key[:]) // never fails: see the package's documentation
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// keyOf returns the bytes of a secret. ok is false for what is none.
func keyOf(secret string) (key []byte, ok bool) {
	text, prefixed := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	return key, prefixed && err == nil && len(key) >= minKey && len(key) <= maxKey && !strings.ContainsAny(text, "\r\n")
}

// change takes over what somebody says. before is what was said formerly.
func (k *secrets) change(said, before *settings) error {
	if said.FormerSecretUntil != "" && said.FormerSecretUntil != before.FormerSecretUntil {
		return core.Invalid("former_secret_until", "is set when the secret is rotated, and cannot be given")
	}
	if err := k.changeSecret(said.Secret); err != nil {
		return err
	}
	return k.changeHeaders(said, before)
}

// changeSecret takes over a secret. Who gives one of their own has it used at once and
// alone; who wants both for a while rotates.
func (k *secrets) changeSecret(given string) error {
	kept := k.Secret != "" && (given == "" || given == k.Secret || given == maskSecret(k.Secret))
	_, valid := keyOf(given)
	switch {
	case kept:
	case given == "":
		*k = secrets{Secret: newSecret(), Headers: k.Headers}
	case strings.Contains(given, maskStart):
		return core.Invalid("secret", "is masked: give the secret itself, or leave it out to keep it")
	case !valid:
		return core.Invalid("secret", "must be whsec_ and %d to %d bytes in base64; without one, the server makes one", minKey, maxKey)
	default:
		*k = secrets{Secret: given, Headers: k.Headers}
	}
	return nil
}

// changeHeaders takes over the secret headers. Those that are masked stay, unless events
// are to be sent to another URL: somebody who may change a webhook, and not read its
// secrets, would otherwise have them sent to a place of their own.
func (k *secrets) changeHeaders(said, before *settings) error {
	given := said.SecretHeaders
	if given == nil {
		given = before.SecretHeaders
	}
	headers := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		field := "secret_headers." + name
		old, had := k.Headers[name]
		switch {
		case !strings.HasPrefix(value, maskStart):
			if len(value) < minSecretHeader {
				return core.Invalid(field, "must have at least %d characters: what is shorter is no secret", minSecretHeader)
			}
			headers[name] = value
		case !had || value != destination.Mask(old):
			return core.Invalid(field, "is masked: give the value itself, or leave secret_headers out to keep them all")
		case said.URL != before.URL:
			return core.Invalid(field, "must be given again, because events are to be sent to another URL")
		default:
			headers[name] = old
		}
	}
	k.Headers = headers
	return nil
}

// rotate puts a new secret in the place of the present one, which signs beside it for the
// grace.
func (k *secrets) rotate(now time.Time, grace time.Duration) {
	former := k.Secret
	k.Secret, k.Former, k.FormerUntil = newSecret(), "", nil
	if grace > 0 && former != "" {
		until := now.Add(grace).UTC().Truncate(time.Second)
		k.Former, k.FormerUntil = former, &until
	}
}

// signer signs with one secret or two.
type signer struct {
	key, former []byte
	until       time.Time
}

func newSigner(k *secrets) (s signer, ok bool) {
	s.key, ok = keyOf(k.Secret)
	if k.FormerUntil != nil {
		s.former, _ = keyOf(k.Former)
		s.until = *k.FormerUntil
	}
	return s, ok
}

// sign returns the value of the header webhook-signature, the newest signature first.
func (s *signer) sign(id string, now time.Time, body []byte) string {
	head := append(strconv.AppendInt(append([]byte(id), '.'), now.Unix(), 10), '.')
	signature := signatureOf(s.key, head, body)
	if len(s.former) > 0 && now.Before(s.until) {
		signature += " " + signatureOf(s.former, head, body)
	}
	return signature
}

func signatureOf(key, head, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(head)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
