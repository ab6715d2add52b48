package jwt

import (
	"bytes"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// No text makes the check of a token panic, and none but the token that was
// issued, byte for byte, is good.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, secret, bytes.Repeat([]byte{8}, 32))
	good, err := i.Issue(wanted)
	require.NoError(f, err)
	parts := strings.Split(good, ".")
	for _, text := range []string{
		"", ".", "..", "...", good, good + ".", good + "\n", good + "=", good[1:], parts[0] + "." + parts[1] + ".", parts[0] + "..", "." + parts[1] + "." + parts[2],
		forge(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": i.current}, nil),
		forge(f, jwt.SigningMethodHS256, secret, map[string]any{"kid": i.current, "jku": "https://evil.example"}, nil),
		forge(f, jwt.SigningMethodHS512, i.keys[i.current], map[string]any{"kid": i.current}, nil),
		strings.Repeat("A", maxTokenBytes), strings.Repeat("\xff", 100), "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA",
	} {
		f.Add(text, uint16(len(good)-1), byte(1))
		f.Add(text, uint16(len(parts[0])), byte('.'^'\n'))
	}
	for flip := range 128 { // the last character of base64 holds bits that no byte has
		f.Add("", uint16(len(good)-1), byte(flip))
	}
	f.Fuzz(func(t *testing.T, text string, at uint16, flip byte) {
		place := int(at) % len(good)
		changed := []byte(good)
		changed[place] ^= flip
		for _, token := range []string{
			text, parts[0] + "." + parts[1] + "." + text, parts[0] + "." + text + "." + parts[2], text + "." + parts[1] + "." + parts[2],
			string(changed), good[:place], good[:place] + "\n" + good[place:], good[:place] + "\r" + good[place:], good[:place] + string(flip) + good[place:],
		} {
			claims, err := i.Verify(token, now)
			if token == good {
				require.NoError(t, err)
				require.Equal(t, wanted, claims)
				continue
			}
			require.Error(t, err, "%q is taken for a token", token)
			require.Equal(t, core.Claims{}, claims)
		}
	})
}
