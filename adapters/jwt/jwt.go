// Package jwt makes and checks access tokens: JSON Web Tokens signed by
// HMAC-SHA-256, an algorithm that no token may choose itself.
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

// Issuer implements [core.TokenIssuer]. It is safe for concurrent use.
type Issuer struct {
	current string
	keys    map[string][]byte
	parser  *jwt.Parser
}

// New returns an issuer that signs with a key made of the first secret, and
// takes tokens signed with that of any: to change a secret, put the new one in
// front and leave the old one for as long as its tokens live.
func New(secrets ...[]byte) (*Issuer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("there is no secret to sign access tokens with")
	}
	i := &Issuer{keys: map[string][]byte{}}
	for _, secret := range secrets {
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

// claims are those of [core.Claims] as they travel.
type claims struct {
	jwt.RegisteredClaims
	Org  string `json:"org_id"`
	Role string `json:"role"`
}

// The `iss` and `aud` of the tokens, and the `typ` that RFC 9068 gives to access
// tokens: whatever else is signed with these keys one day is none.
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

// maxTokenBytes bounds what is parsed.
const maxTokenBytes = 2048

// Verify implements [core.TokenIssuer]. A token is good in the one form in which
// it was issued. Of the header it looks at `alg` and `typ`, which must be the
// ones, and `kid`, which must be a key of its own.
func (i *Issuer) Verify(token string, now time.Time) (core.Claims, error) {
	if len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") { // which base64 passes over
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

// read checks what the token says.
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
