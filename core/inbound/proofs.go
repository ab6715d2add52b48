package inbound

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// byStripe proves by `Stripe-Signature: t=1492774577,v1=5257…,v1=…`, which is over the
// time and the body. There are several while a secret is being replaced.
func byStripe(p proof) error {
	const name = "Stripe-Signature"
	header, err := p.required(name)
	if err != nil {
		return err
	}
	var at string
	var signatures [][]byte
	for item := range strings.SplitSeq(header, ",") {
		switch key, value, _ := strings.Cut(strings.TrimSpace(item), "="); {
		case key == "t":
			at = value
		case key == "v1" && len(signatures) < maxSignatures:
			signatures = append(signatures, inHex(value)...)
		}
	}
	if !p.signed(sha256.New, signatures, at, ".") {
		return errUnsigned
	}
	return p.fresh(name, at)
}

// byGitHub proves by `X-Hub-Signature-256: sha256=7571…`.
func byGitHub(p proof) error {
	header, err := p.required("X-Hub-Signature-256")
	if err != nil {
		return err
	}
	if signature, is := strings.CutPrefix(header, "sha256="); !is || !p.signed(sha256.New, inHex(signature)) {
		return errUnsigned
	}
	return nil
}

// byShopify proves by `X-Shopify-Hmac-Sha256`, in base64.
func byShopify(p proof) error {
	header, err := p.required("X-Shopify-Hmac-Sha256")
	if err != nil {
		return err
	}
	if !p.signed(sha256.New, inBase64(header)) {
		return errUnsigned
	}
	return nil
}

// bySlack proves by `X-Slack-Signature: v0=a211…`, which is over the version, the time and
// the body.
func bySlack(p proof) error {
	const stamp = "X-Slack-Request-Timestamp"
	header, err := p.required("X-Slack-Signature")
	if err != nil {
		return err
	}
	at, err := p.required(stamp)
	if err != nil {
		return err
	}
	if signature, is := strings.CutPrefix(header, "v0="); !is || !p.signed(sha256.New, inHex(signature), "v0:", at, ":") {
		return errUnsigned
	}
	return p.fresh(stamp, at)
}

// byStandard proves by `webhook-signature: v1,g0hM… v1,…`, which is over the id, the time
// and the body. Svix's own headers have the same values.
func byStandard(p proof) error {
	prefix := "webhook-"
	if p.Header("webhook-signature") == "" && p.Header("svix-signature") != "" {
		prefix = "svix-"
	}
	var values [3]string
	for i, name := range []string{"signature", "id", "timestamp"} {
		value, err := p.required(prefix + name)
		if err != nil {
			return err
		}
		values[i] = value
	}
	header, id, at := values[0], values[1], values[2]
	if !slices.ContainsFunc(p.secrets, func(secret string) bool {
		key, err := standardKeyOf(secret)
		return err == nil && key.signed(header, []string{id, ".", at, "."}, p.Body)
	}) {
		return errUnsigned
	}
	return p.fresh(prefix+"timestamp", at)
}

// standardKey is a secret of Standard Webhooks, or the public half of a pair of keys.
type standardKey struct{ secret, public []byte }

// standardKeyOf reads `whsec_` and base64, base64 alone, or `whpk_` and base64.
func standardKeyOf(text string) (key standardKey, err error) {
	text, isPublic := strings.CutPrefix(text, "whpk_")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	switch {
	case err != nil || len(raw) == 0:
		return key, core.Invalid("secret", "must be whsec_ and base64, as the sender shows it, or whpk_ and base64 for a public key")
	case isPublic && len(raw) != ed25519.PublicKeySize:
		return key, core.Invalid("secret", "must be a public key of %d bytes behind whpk_, has %d", ed25519.PublicKeySize, len(raw))
	case isPublic:
		key.public = raw
	default:
		key.secret = raw
	}
	return key, nil
}

// signed reports whether one of the signatures in a header is the key's.
func (k standardKey) signed(header string, before []string, body []byte) bool {
	version := "v1"
	if k.public != nil {
		version = "v1a"
	}
	var signatures [][]byte
	for item := range strings.FieldsSeq(header) {
		is, signature, _ := strings.Cut(item, ",")
		if is == version && len(signatures) < maxSignatures {
			signatures = append(signatures, inBase64(signature)...)
		}
	}
	if k.public == nil {
		return anyOf(signatures, sum(sha256.New, k.secret, before, body))
	}
	message := append([]byte(strings.Join(before, "")), body...)
	return slices.ContainsFunc(signatures, func(signature []byte) bool { return ed25519.Verify(k.public, message, signature) })
}
