package identity_test

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// effort is what a request costs before its answer. Two that cost the same
// cannot be told apart by the time they take.
type effort struct{ hashes, questions, records, mails int }

// witness counts what a node does.
type witness struct {
	*lobby
	plainHasher
	node            *identity.UseCases
	hashes, records int
	later           []func() error
}

func (w *witness) Match(ctx context.Context, hashes []string, password string) ([]bool, error) {
	w.hashes++
	return w.plainHasher.Match(ctx, hashes, password)
}

func (w *witness) Hash(ctx context.Context, password, like string) (string, error) {
	w.hashes++
	return w.plainHasher.Hash(ctx, password, like)
}

// newWitness has an active user ann, a disabled dan and an invited ida.
func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{lobby: newLobby(t)}
	key := bytes.Repeat([]byte{7}, identity.MinSecretBytes)
	tokens, err := jwt.New(key)
	require.NoError(t, err)
	w.node, err = identity.New(identity.Ports{
		Organizations: w.orgs, Users: w.book, Sessions: w.book, Tickets: w.book, Credentials: w.book, Hasher: w, Tokens: tokens, Authorizer: coretest.Everything{}, Mailer: w,
		Record: func(context.Context, core.AuditRecord) { w.records++ },
		Later: func(ctx context.Context, work func(context.Context) error) {
			w.later = append(w.later, func() error { return cmp.Or(ctx.Err(), work(ctx)) })
		},
		Secret: key, Now: w.clock.Now,
	})
	require.NoError(t, err)
	w.person("ann@example.com")
	dan, ida := w.person("dan@example.com"), w.person("ida@example.com")
	dan.State, ida.State, ida.PasswordHash = core.UserDisabled, core.UserInvited, ""
	for _, user := range []core.User{dan, ida} {
		user.Revision++
		require.NoError(t, w.book.UpdateUser(t.Context(), user))
	}
	return w
}

// costs returns what a request cost, and what of it came after the answer.
func (w *witness) costs(request func()) (before, after effort) {
	look := func() effort {
		e := effort{w.hashes, w.book.questions(), w.records, len(w.mails)}
		w.hashes, w.records, w.mails = 0, 0, nil
		return e
	}
	look()
	request()
	before = look()
	for _, work := range w.later {
		require.NoError(w.t, work())
	}
	w.later = nil
	return before, look()
}

// Nobody learns from a login which addresses have an account: it costs one look
// and one hash, whatever is wrong, and what is written is written after it.
func TestALoginCostsTheSameForEverybody(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	for _, c := range []struct {
		email, password string
		records         int
	}{
		{"nobody@example.com", password, 0},
		{"nobody@example.com", "", 0},
		{"nobody@example.com", strings.Repeat("x", 10_000), 0},
		{"ann@example.com", "Wrong-Horse-99", 1},
		{"ann@example.com", "", 1},
		{"ann@example.com", strings.Repeat("x", 10_000), 1},
		{"dan@example.com", password, 1},
		{"dan@example.com", "Wrong-Horse-99", 1},
		{"ida@example.com", password, 0}, // who invited her does not hear of it
		{"ida@example.com", "", 0},
	} {
		before, after := w.costs(func() {
			signIn, err := w.node.SignIns.Login(t.Context(), core.Visitor{}, c.email, c.password, core.ID{})
			require.EqualError(t, err, "UNAUTHORIZED: the address or the password is wrong")
			require.Empty(t, signIn)
		})
		require.Equal(t, effort{hashes: 1, questions: 1}, before, "%s with %.20q", c.email, c.password)
		require.Equal(t, effort{records: c.records}, after, "%s with %.20q", c.email, c.password)
	}
}

// Nor from asking for another password.
func TestAForgottenPasswordCostsTheSameForEverybody(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	for email, later := range map[string]effort{
		"nobody@example.com": {}, "dan@example.com": {}, "ida@example.com": {}, "ann@example.com": {questions: 1, records: 1, mails: 1},
	} {
		ctx, end := context.WithCancel(t.Context())
		before, after := w.costs(func() {
			require.NoError(t, w.node.Passwords.Forgot(ctx, core.Visitor{}, email))
			end() // as a request that was answered does
		})
		require.Equal(t, effort{questions: 1}, before, email)
		require.Equal(t, later, after, email)
	}
}

// The work after an answer outlives its request.
func TestWhatIsDoneLaterIsNotEndedByItsRequest(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	ctx, end := context.WithCancel(t.Context())
	require.NoError(t, w.node.Passwords.Forgot(ctx, core.Visitor{}, "ann@example.com"))
	end()
	require.Len(t, w.later, 1)
	require.NoError(t, w.later[0]())
	require.Len(t, w.mails, 1)
}

// A link that nobody made, one that was used, one that has expired and one for
// something else cost one look and get the same answer, without a hash.
func TestEveryBadLinkCostsTheSame(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	link := func() string {
		w.clock.Pass(time.Second)
		return w.reset("ann@example.com")
	}
	used := link()
	require.NoError(t, w.node.Passwords.Reset(t.Context(), core.Visitor{}, used, "Another-Horse-9"))
	expired := link()
	w.clock.Pass(core.ResetTicketLife)
	for name, ticket := range map[string]string{"unknown": seal(t, "eft_"+strings.Repeat("a", 32)), "used": used, "expired": expired} {
		for what, choose := range map[string]func() error{
			"reset": func() error { return w.node.Passwords.Reset(t.Context(), core.Visitor{}, ticket, password) },
			"accept": func() error {
				_, err := w.node.Passwords.Accept(t.Context(), core.Visitor{}, ticket, "", password)
				return err
			},
			"setup": func() error {
				_, err := w.node.Users.Setup(t.Context(), core.Visitor{}, ticket, identity.NewPerson{Email: "x@example.com", Password: password})
				return err
			},
		} {
			before, after := w.costs(func() {
				require.EqualError(t, choose(), "UNAUTHORIZED: the link is wrong, has been used before or has expired; ask for another one", "%s %s", name, what)
			})
			require.Equal(t, effort{questions: 1}, before, "%s %s", name, what)
			require.Zero(t, after, "%s %s", name, what)
		}
	}
}

// A key that nobody made, one that was revoked and one that has expired get the
// same answer for the same look.
func TestEveryBadKeyCostsTheSame(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	expiry := g.clock.Now().Add(time.Minute)
	_, live := g.key()
	_, expired := g.key(func(spec *identity.KeySpec) { spec.ExpiresAt = &expiry })
	revokedKey, revoked := g.key()
	require.NoError(t, g.access.RevokeKey(t.Context(), core.ID{1}, revokedKey.ID))
	tokenKey, token := g.key(func(spec *identity.KeySpec) { *spec = identity.KeySpec{Kind: core.KindServiceToken, Label: "mailer"} })
	require.NoError(t, g.access.RevokeKey(t.Context(), core.ID{1}, tokenKey.ID))
	g.clock.Pass(time.Minute)
	for name, secret := range map[string]string{
		"unknown": seal(t, live[:8]+strings.Repeat("a", 32)), "unknown token": seal(t, "svc_mailer_"+strings.Repeat("a", 24)),
		"known but for the end": seal(t, live[:39]+string(other(live[39]))), "expired": expired, "revoked": revoked, "revoked token": token,
	} {
		g.ring.questions()
		g.refused(g.access, secret)
		require.Equal(t, 1, g.ring.questions(), name)
		g.refused(g.access, secret)
		require.Zero(t, g.ring.questions(), "%s is remembered as any is", name)
	}
	g.accepted(g.access, live)
}

// other is another character that a key may have.
func other(c byte) byte {
	if c == 'a' {
		return 'b'
	}
	return 'a'
}
