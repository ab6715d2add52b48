package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

var (
	now    = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	wanted = core.Claims{
		User: core.ID{1}, Org: core.ID{2}, Session: core.ID{3}, Role: core.RoleAdmin, Issued: now, Expires: now.Add(core.AccessTokenLife),
	}
	secret = bytes.Repeat([]byte{7}, 32)
)

func newIssuer(t testing.TB, secrets ...[]byte) *Issuer {
	t.Helper()
	issuer, err := New(secrets...)
	require.NoError(t, err)
	return issuer
}

func TestATokenSaysWhatItWasIssuedFor(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, secret)
	token, err := issuer.Issue(wanted)
	require.NoError(t, err)
	got, err := issuer.Verify(token, now.Add(core.AccessTokenLife-time.Second))
	require.NoError(t, err)
	require.Equal(t, wanted, got)
	_, err = issuer.Verify(token, now.Add(core.AccessTokenLife))
	require.Error(t, err, "it expires")
}

// A secret is changed without a moment in which nobody is signed in.
func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	next := bytes.Repeat([]byte{8}, 32)
	old, both, after := newIssuer(t, secret), newIssuer(t, next, secret), newIssuer(t, next)
	token, err := old.Issue(wanted)
	require.NoError(t, err)
	_, err = both.Verify(token, now)
	require.NoError(t, err)
	_, err = after.Verify(token, now)
	require.Error(t, err)
	token, err = both.Issue(wanted)
	require.NoError(t, err)
	_, err = after.Verify(token, now)
	require.NoError(t, err)
}

// forge makes a token with any header, method and key.
func forge(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, change func(*claims)) string {
	t.Helper()
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: wanted.User.String(), ID: wanted.Session.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
		},
		Org: wanted.Org.String(), Role: "admin",
	}
	if change != nil {
		change(&c)
	}
	token := jwt.NewWithClaims(method, c)
	token.Header["typ"] = typ
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(key)
	require.NoError(t, err)
	return signed
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, secret)
	kid, key := i.current, i.keys[i.current]
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	own := map[string]any{"kid": kid}
	_, err = i.Verify(forge(t, jwt.SigningMethodHS256, key, own, nil), now)
	require.NoError(t, err, "the forger's tool makes good tokens with the right key")
	good := forge(t, jwt.SigningMethodHS256, key, own, nil)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":                   "",
		"not a token":             "x.y.z",
		"no algorithm":            forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, own, nil),
		"stripped signature":      parts[0] + "." + parts[1] + ".",
		"another payload":         parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + "." + parts[2],
		"another HMAC":            forge(t, jwt.SigningMethodHS512, key, own, nil),
		"an asymmetric key":       forge(t, jwt.SigningMethodES256, private, own, nil),
		"the secret itself":       forge(t, jwt.SigningMethodHS256, secret, own, nil),
		"no key id":               forge(t, jwt.SigningMethodHS256, key, nil, nil),
		"an unknown key id":       forge(t, jwt.SigningMethodHS256, key, map[string]any{"kid": "../../dev/null"}, nil),
		"a key of its own":        forge(t, jwt.SigningMethodHS256, []byte("k"), map[string]any{"kid": "x", "jku": "https://evil.example", "jwk": map[string]any{"k": "aw"}}, nil),
		"another type":            forge(t, jwt.SigningMethodHS256, key, map[string]any{"kid": kid, "typ": "JWT"}, nil),
		"another audience":        forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.Audience = jwt.ClaimStrings{"x"} }),
		"an audience more":        forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.Audience = append(c.Audience, "x") }),
		"no audience":             forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.Audience = nil }),
		"not good yet":            forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.NotBefore = jwt.NewNumericDate(now.Add(time.Second)) }),
		"another issuer":          forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.Issuer = "x" }),
		"no expiry":               forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.ExpiresAt = nil }),
		"no time of issue":        forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.IssuedAt = nil }),
		"too long a life":         forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(now.Add(time.Hour)) }),
		"a subject that is no id": forge(t, jwt.SigningMethodHS256, key, own, func(c *claims) { c.Subject = "root" }),
		"too long":                good + strings.Repeat("A", maxTokenBytes),
	} {
		_, err := i.Verify(token, now)
		require.Error(t, err, name)
	}
	_, err = New()
	require.Error(t, err)
}
