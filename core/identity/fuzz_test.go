package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

var ticketForm = regexp.MustCompile(`\Aeft_[0-9A-Za-z]{32}[0-9A-Za-z]{6}\z`)

// seal gives a text the checksum that a key or a ticket of it would have.
func seal(t require.TestingT, text string) string {
	_, sum := checksum(t, text+"000000")
	digits := []byte("000000")
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[sum%62]
		sum /= 62
	}
	return text + string(digits)
}

// No text makes the check of a refresh token panic. What is not a token byte for
// byte asks the catalog nothing and ends nobody's session.
func FuzzRefreshToken(f *testing.F) {
	elsewhere := newLobby(f)
	elsewhere.nodes[0] = elsewhere.node(8) // or the fuzzer finds out how to show a good token
	elsewhere.person("ann@example.com")
	token := elsewhere.login("ann@example.com", password).RefreshToken
	for _, text := range []string{"", "efr_", token + "00", token[:len(token)-2], strings.ToUpper(token), "efr_" + strings.ToUpper(token[4:]), " " + token, token + "\n", strings.Repeat("0", 116), "efr_é"} {
		f.Add(text, uint8(20), byte(0x20))
		f.Add(text, uint8(len(text)), byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8, flip byte) {
		l := newLobby(t)
		l.person("ann@example.com")
		token := l.login("ann@example.com", password).RefreshToken
		texts := []string{text, "efr_" + text, "efr_" + strings.ToUpper(token[4:])}
		if changed, ok := coretest.Flipped(token, at, flip); ok {
			texts = append(texts, changed)
		}
		l.book.questions()
		for _, forged := range texts {
			_, ok := l.refresh(l.nodes[0], forged)
			require.False(t, ok, "%q is taken for a token", forged)
			require.NoError(t, l.nodes[1].SignIns.Logout(t.Context(), core.Principal{}, forged))
		}
		_, ok := l.refresh(l.node(8), token)
		require.False(t, ok, "another server's token is good")
		require.Zero(t, l.book.questions(), "%q asks the catalog", texts)
		_, ok = l.refresh(l.nodes[0], token)
		require.True(t, ok, "a forged token ended a session")
	})
}

// No text makes the check of a ticket panic, the catalog is asked about none but
// those of the right form and checksum, and none but the ticket is good.
func FuzzTicket(f *testing.F) {
	elsewhere := newLobby(f)
	elsewhere.person("ann@example.com")
	ticket := elsewhere.reset("ann@example.com")
	for _, text := range []string{"", "eft_", strings.Repeat("!", 32), strings.Repeat("a", 31) + "\x00", ticket, ticket + "0", ticket[:30], strings.ToUpper(ticket), strings.Repeat("\x00", 42), strings.Repeat("é", 16)} {
		f.Add(text, uint8(9), byte(0x20))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8, flip byte) {
		l := newLobby(t)
		l.person("ann@example.com")
		ticket := l.reset("ann@example.com")
		texts := []string{text, seal(t, text), seal(t, "eft_"+text)}
		if changed, ok := coretest.Flipped(ticket, at, flip); ok {
			texts = append(texts, changed, seal(t, changed[:len(changed)-6]))
		}
		for _, forged := range texts {
			l.book.questions()
			if forged != ticket {
				err := l.nodes[0].Passwords.Reset(t.Context(), core.Visitor{}, forged, password)
				require.EqualError(t, err, "UNAUTHORIZED: the link is wrong, has been used before or has expired; ask for another one")
			}
			if l.book.questions() > 0 {
				require.Regexp(t, ticketForm, forged)
				said, want := checksum(t, forged)
				require.Equal(t, want, said)
			}
		}
		require.NoError(t, l.nodes[1].Passwords.Reset(t.Context(), core.Visitor{}, ticket, password))
	})
}
