// Package jwt makes and checks access tokens. They are JSON Web Tokens, signed by
// HMAC-SHA-256. A token names its algorithm, but cannot choose another one.
package jwt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/eventflow-go/eventflow/core"
)

// Issuer implements [core.TokenIssuer]. It is safe for concurrent use, because
// nothing in it changes after New.
type Issuer struct {
	// keys are the keys by their ids, and current is the id of the one that signs.
	// An id is made of the key, so nodes with the same secrets agree about it.
	current string
	keys    map[string][]byte
	parser  *jwt.Parser
}

// New returns an issuer. It signs with a key made of the first secret, and takes
// tokens signed with a key made of any of them. To change a secret, put the new
// one in front, and leave the old one for as long as its tokens live.
func New(secrets ...[]byte) (*Issuer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("there is no secret to sign access tokens with")
	}
	i := &Issuer{keys: map[string][]byte{}}
	for _, secret := range secrets {
		// The secret keys other things as well. A key of its own keeps a signature
		// of one kind from passing for one of another.
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("eventflow access tokens"))
		key := mac.Sum(nil)
		sum := sha256.Sum256(key)
		id := hex.EncodeToString(sum[:6])
		i.keys[id] = key
		if i.current == "" {
			i.current = id
		}
	}
	i.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	return i, nil
}

// claims are [core.Claims] as they travel.
type claims struct {
	jwt.RegisteredClaims
	Org  string `json:"org_id"`
	Role string `json:"role"`
}

// Every token has this `iss` and `aud`, and the `typ` that RFC 9068 gives to access
// tokens. Should these keys sign anything else one day, it will not pass for an
// access token.
const (
	issuer   = "eventflow"
	audience = "eventflow-api"
	typ      = "at+jwt"
)

// Issue implements [core.TokenIssuer].
func (i *Issuer) Issue(c core.Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: c.User.String(), ID: c.Session.String(),
			IssuedAt: jwt.NewNumericDate(c.Issued), ExpiresAt: jwt.NewNumericDate(c.Expires),
		},
		Org: c.Org.String(), Role: string(c.Role),
	})
	token.Header["kid"], token.Header["typ"] = i.current, typ
	return token.SignedString(i.keys[i.current])
}

var errBadToken = errors.New("the access token is not valid")

// maxTokenBytes bounds the work that a stranger can make. Tokens of this issuer
// have a few hundred bytes.
const maxTokenBytes = 2048

// Verify implements [core.TokenIssuer]. A token is good only in the form in which
// it was issued: no other spelling of the same bytes passes. Of the header, Verify
// looks at `alg` and `typ`, which must be those of Issue, and at `kid`, which must
// name one of the issuer's keys.
func (i *Issuer) Verify(token string, now time.Time) (core.Claims, error) {
	// Go's base64 skips line breaks, even where it is strict.
	if len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") {
		return core.Claims{}, errBadToken
	}
	var c claims
	_, err := i.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, ok := i.keys[id]
		if !ok || t.Header["typ"] != typ {
			return nil, errBadToken
		}
		return key, nil
	})
	if err != nil {
		return core.Claims{}, err
	}
	return c.read(now)
}

// read checks the claims of a token whose signature is good, at a time of the
// caller's. The library would check by a clock of its own. A token that lives
// longer than [core.AccessTokenLife] was not made by this program.
func (c *claims) read(now time.Time) (core.Claims, error) {
	if c.Issuer != issuer || !slices.Equal(c.Audience, jwt.ClaimStrings{audience}) || c.ExpiresAt == nil || c.IssuedAt == nil ||
		!now.Before(c.ExpiresAt.Time) || c.ExpiresAt.Sub(c.IssuedAt.Time) > core.AccessTokenLife || c.NotBefore != nil && now.Before(c.NotBefore.Time) {
		return core.Claims{}, errBadToken
	}
	out := core.Claims{Role: core.Role(c.Role), Issued: c.IssuedAt.UTC(), Expires: c.ExpiresAt.UTC()}
	for _, one := range []struct {
		text string
		id   *core.ID
	}{{c.Subject, &out.User}, {c.Org, &out.Org}, {c.ID, &out.Session}} {
		id, err := core.ParseID(one.text)
		if err != nil {
			return core.Claims{}, errBadToken
		}
		*one.id = id
	}
	return out, nil
}
