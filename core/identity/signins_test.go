package identity_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// family is what must be true of one sign-in.
type family struct {
	who    *resident
	access string
	until  time.Time
	// tokens are all that were ever given, the good one last. at is when that
	// was, begun when the first was.
	tokens    []string
	at, begun time.Time
	ended     bool
}

// resident is a user of the model.
type resident struct {
	user     core.User
	password string
	disabled bool
}

// tokenModel is a lobby beside what must be true of each sign-in.
type tokenModel struct {
	*rapid.T
	*lobby
	people   []*resident
	families []*family
	reuses   int
	// stale is until when a node may believe what it saw before.
	stale [2]time.Time
}

func newTokenModel(t *rapid.T) *tokenModel {
	m := &tokenModel{T: t, lobby: newLobby(t)}
	m.person("boss@example.com") // an admin who stays
	for _, email := range []string{"ann@example.com", "bob@example.com"} {
		m.people = append(m.people, &resident{user: m.person(email), password: password})
	}
	return m
}

// node picks one, which sees what it does at once, as the other does a second
// later.
func (m *tokenModel) node() *identity.UseCases {
	i := rapid.IntRange(0, 1).Draw(m.T, "node")
	m.stale[1-i] = m.clock.Now().Add(time.Second)
	return m.nodes[i]
}

// some picks a family, of the youngest ones above all.
func (m *tokenModel) some() *family {
	if len(m.families) == 0 {
		m.Skip("nobody has signed in")
	}
	return m.families[len(m.families)-1-min(rapid.IntRange(0, 3).Draw(m.T, "family"), len(m.families)-1)]
}

// someone picks a user.
func (m *tokenModel) someone() *resident { return rapid.SampledFrom(m.people).Draw(m.T, "who") }

// over reports whether nothing of a family is good.
func (m *tokenModel) over(f *family) bool {
	return f.ended || f.who.disabled || !m.clock.Now().Before(f.begun.Add(core.RefreshTokenLife))
}

func (m *tokenModel) end(who *resident, but *family) {
	for _, f := range m.families {
		f.ended = f.ended || f.who == who && f != but
	}
}

// given notes tokens, of which the new one must be like none before.
func (m *tokenModel) given(f *family, signIn core.SignIn) {
	for _, other := range m.families {
		require.NotContains(m, other.tokens, signIn.RefreshToken)
	}
	require.Equal(m, f.begun.Add(core.RefreshTokenLife), signIn.RefreshUntil)
	f.tokens, f.at = append(f.tokens, signIn.RefreshToken), m.clock.Now()
	f.access, f.until = signIn.AccessToken, signIn.AccessUntil
}

func (m *tokenModel) login(*rapid.T) {
	who := m.someone()
	word := rapid.SampledFrom([]string{who.password, who.password, password + "0", ""}).Draw(m.T, "password")
	signIn, err := m.node().SignIns.Login(m.Context(), core.Visitor{}, rapid.SampledFrom([]string{who.user.Email, " " + strings.ToUpper(who.user.Email)}).Draw(m.T, "address"), word, core.ID{})
	if who.disabled || word != who.password {
		require.Equal(m, core.CodeUnauthorized, core.CodeOf(err))
		return
	}
	require.NoError(m, err)
	f := &family{who: who, begun: m.clock.Now()}
	m.given(f, signIn)
	m.families = append(m.families, f)
}

// refreshAny shows any token that was ever given.
func (m *tokenModel) refreshAny(*rapid.T) {
	f := m.some()
	m.show(f, len(f.tokens)-1-min(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 5}).Draw(m.T, "age"), len(f.tokens)-1))
}

// lag exchanges a token and shows it again about when that is no longer good.
func (m *tokenModel) lag(*rapid.T) {
	f := m.some()
	m.show(f, len(f.tokens)-1)
	if m.over(f) {
		return
	}
	m.clock.Pass(core.RefreshGrace + rapid.SampledFrom([]time.Duration{-time.Second, -time.Microsecond, 0, time.Microsecond}).Draw(m.T, "after"))
	m.show(f, len(f.tokens)-2)
}

func (m *tokenModel) show(f *family, i int) {
	signIn, ok := m.refresh(m.node(), f.tokens[i])
	switch last := len(f.tokens) - 1; {
	case m.over(f):
		require.False(m, ok, "a token of a session that has ended is good")
	case i == last:
		require.True(m, ok, "the newest token is refused")
		m.given(f, signIn)
	case i == last-1 && m.clock.Now().Sub(f.at) < core.RefreshGrace:
		require.True(m, ok, "the token before the newest one is refused at once")
		require.Equal(m, f.tokens[last], signIn.RefreshToken)
		f.access, f.until = signIn.AccessToken, signIn.AccessUntil
	default:
		require.False(m, ok, "a token is good again")
		f.ended = true
		m.reuses++
	}
	require.Equal(m, m.reuses, m.reused, "a token that comes again is recorded once")
}

func (m *tokenModel) logout(*rapid.T) {
	f, node := m.some(), m.node()
	refresh, who := rapid.SampledFrom(f.tokens).Draw(m.T, "token"), core.Principal{}
	if rapid.Bool().Draw(m.T, "with the access token") {
		refresh, who = "", m.principal(f)
	}
	require.NoError(m, node.SignIns.Logout(m.Context(), who, refresh))
	f.ended = true
}

// principal is who has a family's access token.
func (m *tokenModel) principal(f *family) core.Principal {
	who := core.Principal{Org: lobbyOrg, User: f.who.user.ID, Role: core.RoleAdmin}
	for _, id := range m.book.begun {
		if strings.Contains(f.tokens[0], strings.ReplaceAll(id.String(), "-", "")) {
			who.Session = id
		}
	}
	return who
}

// changePassword is done by who is signed in, and leaves only this session.
func (m *tokenModel) changePassword(*rapid.T) {
	f := m.some()
	if m.over(f) {
		m.Skip("who is not signed in cannot ask")
	}
	present, next := rapid.SampledFrom([]string{f.who.password, f.who.password, "wrong"}).Draw(m.T, "present"), m.another()
	err := m.node().Passwords.Change(m.Context(), m.principal(f), present, next)
	if present != f.who.password {
		require.Error(m, err)
		return
	}
	require.NoError(m, err)
	f.who.password = next
	m.end(f.who, f)
}

// another is a password.
func (m *tokenModel) another() string {
	return password + rapid.StringMatching(`[a-z]{4}`).Draw(m.T, "another password")
}

// forget resets a password by a ticket, which is then good for nothing.
func (m *tokenModel) forget(*rapid.T) {
	who := m.someone()
	if who.disabled {
		m.Skip("who is disabled gets no ticket")
	}
	ticket, next := m.reset(who.user.Email), m.another()
	require.NoError(m, m.node().Passwords.Reset(m.Context(), core.Visitor{}, ticket, next))
	who.password = next
	m.end(who, nil)
	require.Equal(m, core.CodeUnauthorized, core.CodeOf(m.node().Passwords.Reset(m.Context(), core.Visitor{}, ticket, m.another())))
}

// disable ends what a user has, and enabling brings nothing back.
func (m *tokenModel) disable(*rapid.T) {
	who, state := m.someone(), core.UserDisabled
	if who.disabled {
		state = core.UserActive
	} else if rapid.IntRange(0, 3).Draw(m.T, "spared") > 0 {
		m.Skip("most stay")
	}
	admin := core.Principal{Org: lobbyOrg, User: core.ID{9}, Role: core.RoleAdmin}
	_, _, err := m.node().Users.Change(m.Context(), admin, who.user.ID.String(), core.UserChange{State: &state}, 0, "")
	require.NoError(m, err)
	who.disabled = state == core.UserDisabled
	if who.disabled {
		m.end(who, nil)
	}
}

// signOut is an admin's doing, and keeps nobody from signing in again.
func (m *tokenModel) signOut(*rapid.T) {
	who, admin := m.someone(), core.Principal{Org: lobbyOrg, User: core.ID{9}, Role: core.RoleAdmin}
	require.NoError(m, m.node().SignIns.EndAllOf(m.Context(), admin, who.user.ID.String()))
	m.end(who, nil)
}

func (m *tokenModel) pass(*rapid.T) {
	m.clock.Pass(rapid.SampledFrom([]time.Duration{
		time.Microsecond, time.Second, 3 * time.Second, core.RefreshGrace - time.Microsecond, core.RefreshGrace, time.Minute, core.AccessTokenLife, 30 * time.Hour,
	}).Draw(m.T, "time"))
}

// check holds every access token to its session, on each node that must know.
func (m *tokenModel) check(*rapid.T) {
	for i, node := range m.nodes {
		if m.clock.Now().Before(m.stale[i]) {
			continue
		}
		for _, f := range m.families {
			who, err := node.SignIns.Authenticate(m.Context(), f.access)
			if f.ended || f.who.disabled || !m.clock.Now().Before(f.until) {
				require.Equal(m, core.CodeUnauthorized, core.CodeOf(err), "an access token outlives its session")
				continue
			}
			require.NoError(m, err)
			require.Equal(m, f.who.user.ID, who.User)
		}
	}
}

// Whatever two people do on several devices, and whoever shows a token again: a
// token is good once, the one before it answers for ten seconds with the same
// next one, any other ends its family and no other, and nothing outlives a
// logout, another password or a disabled account.
func TestATokenIsGoodOnceInAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newTokenModel(t)
		actions := map[string]func(*rapid.T){
			"login": m.login, "login again": m.login, "refresh": m.refreshAny, "refresh again": m.refreshAny, "lag": m.lag, "logout": m.logout,
			"change the password": m.changePassword, "forget the password": m.forget, "disable or enable": m.disable, "sign out": m.signOut,
			"pass": m.pass, "": m.check,
		}
		for range 4 { // a history is thirty steps
			m.login(t)
			t.Repeat(actions)
		}
		for _, f := range m.families {
			m.show(f, len(f.tokens)-1)
			for i := range f.tokens[:len(f.tokens)/2] {
				m.show(f, i) // which ends what is left
			}
		}
		m.login(t)
		m.clock.Pass(core.RefreshTokenLife)
		for _, f := range m.families {
			m.show(f, len(f.tokens)-1)
		}
	})
}

// Many tabs that refresh at once stay signed in, with one token.
func TestTabsThatRefreshAtOnceGetOneToken(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("ann@example.com")
	first := l.login("ann@example.com", password).RefreshToken
	given := make([]string, 20)
	var met sync.WaitGroup
	met.Add(len(given))
	l.book.seen = func(session core.Session) {
		if session.Generation == 1 { // nobody exchanges it before everybody has seen it
			met.Done()
			met.Wait()
		}
	}
	var tabs sync.WaitGroup
	for i := range given {
		tabs.Go(func() {
			signIn, err := l.nodes[i%2].SignIns.Refresh(context.Background(), core.Visitor{}, first)
			if err != nil {
				t.Errorf("tab %d: %v", i, err)
			}
			given[i] = signIn.RefreshToken
		})
	}
	tabs.Wait()
	l.book.seen = nil
	require.Len(t, slices.Compact(given), 1)
	require.NotEqual(t, first, given[0])
	l.clock.Pass(core.RefreshGrace)
	_, ok := l.refresh(l.nodes[0], first)
	require.False(t, ok)
	_, ok = l.refresh(l.nodes[1], given[0])
	require.False(t, ok, "the family has ended")
}

// An address is one user's of an organization in whatever case it is written.
func TestAnAddressIsTakenInItsOrganization(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann := l.person(" Ann@Example.com")
	require.Equal(t, "ann@example.com", ann.Email)
	admin := core.Principal{Org: lobbyOrg, User: core.ID{9}, Role: core.RoleAdmin}
	for _, email := range []string{"ann@example.com", "ANN@EXAMPLE.COM", "aNN@example.com\n"} {
		_, err := l.nodes[0].Users.Create(t.Context(), operator(lobbyOrg), identity.NewPerson{Email: email, Password: password}, core.RoleViewer)
		require.Equal(t, core.CodeConflict, core.CodeOf(err), email)
		_, _, err = l.nodes[0].Users.Invite(t.Context(), admin, email, "", core.RoleViewer)
		require.Equal(t, core.CodeConflict, core.CodeOf(err), email)
		require.Equal(t, ann.ID, l.login(email, password).User.ID)
	}
	for org, count := range map[core.ID]int{lobbyOrg: 1, {2}: 0} {
		users, err := l.book.Users(t.Context(), org, "", 10)
		require.NoError(t, err)
		require.Len(t, users, count)
	}
}

// What no address can be is answered like an unknown one, and reaches no
// catalog: PostgreSQL takes no zero byte.
func TestNonsenseIsNobodysAddress(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("ann@example.com")
	for _, email := range []string{"", "\x00", "ann@example.com\x00", "ann\x00@example.com", "\xff@example.com", strings.Repeat("a", 10_000) + "@example.com"} {
		_, err := l.nodes[0].SignIns.Login(t.Context(), core.Visitor{}, email, password, core.ID{})
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "%q", email)
		require.NoError(t, l.nodes[0].Passwords.Forgot(t.Context(), core.Visitor{}, email), "%q", email)
	}
	require.Empty(t, l.mails)
}

// Two people do not have addresses or names that read alike.
func TestWhatReadsLikeAnotherIsRefused(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("bob@example.com")
	who := core.Principal{Org: lobbyOrg, Role: core.RoleAdmin}
	for _, person := range []identity.NewPerson{
		{Email: "bob@example.com\u200b", Password: password},
		{Email: "b\u00adob@example.com", Password: password},
		{Email: "eve@example.com", Name: "Bob\u202e", Password: password},
	} {
		_, err := l.nodes[0].Users.Create(t.Context(), who, person, core.RoleViewer)
		require.ErrorContains(t, err, "U+", "%+q", person)
		_, _, err = l.nodes[0].Users.Invite(t.Context(), who, person.Email, person.Name, core.RoleViewer)
		require.ErrorContains(t, err, "U+", "%+q", person)
	}
}

// A browser may say of itself what it likes: who uses it is signed in.
func TestAnyBrowserSignsIn(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("ann@example.com")
	for _, said := range []string{"", "\xff\xfe", "a\x00b\tc", strings.Repeat("x", 255) + "é", strings.Repeat("\U0001f389", 100), strings.Repeat("\xff", 1000)} {
		l.clock.Pass(time.Second)
		_, err := l.nodes[0].SignIns.Login(t.Context(), core.Visitor{UserAgent: said}, "ann@example.com", password, core.ID{})
		require.NoError(t, err)
		sessions := l.book.sessions()
		require.LessOrEqual(t, len(sessions[len(sessions)-1].UserAgent), 256)
	}
	_, err := l.nodes[0].SignIns.Login(t.Context(), core.Visitor{UserAgent: "curl/8.0 \u754c"}, "ann@example.com", password, core.ID{})
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(l.book.sessions(), func(s core.Session) bool { return s.UserAgent == "curl/8.0 \u754c" }))
}

// An admin's hand reaches as far as the organization, and not to the admin's own
// sessions, which need the password.
func TestSessionsOfOthersAreEndedWithinTheOrganization(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann := l.person("ann@example.com")
	here := l.login("ann@example.com", password)
	for id, who := range map[string]core.Principal{
		ann.ID.String():     {Org: core.ID{2}, User: core.ID{9}, Role: core.RoleAdmin},
		core.ID{8}.String(): {Org: lobbyOrg, User: core.ID{9}, Role: core.RoleAdmin},
	} {
		err := l.nodes[0].SignIns.EndAllOf(t.Context(), who, id)
		coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	}
	admin := core.Principal{Org: lobbyOrg, User: core.ID{9}, Role: core.RoleAdmin}
	coretest.RequireRefusal(t, l.nodes[0].SignIns.EndAllOf(t.Context(), admin, "7"), core.CodeValidation, "id")
	admin.User = ann.ID
	coretest.RequireRefusal(t, l.nodes[0].SignIns.EndAllOf(t.Context(), admin, ann.ID.String()), core.CodeConflict, "")
	_, err := l.nodes[1].SignIns.Authenticate(t.Context(), here.AccessToken)
	require.NoError(t, err, "nothing was ended")
	admin.User = core.ID{} // a key
	require.NoError(t, l.nodes[0].SignIns.EndAllOf(t.Context(), admin, ann.ID.String()))
	_, err = l.nodes[0].SignIns.Authenticate(t.Context(), here.AccessToken)
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	l.clock.Pass(time.Second)
	_, err = l.nodes[1].SignIns.Authenticate(t.Context(), here.AccessToken)
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	_, ok := l.refresh(l.nodes[1], here.RefreshToken)
	require.False(t, ok)
}

// A catalog that fails signs nobody out.
func TestAFailingCatalogSignsNobodyOut(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("ann@example.com")
	token := l.login("ann@example.com", password).RefreshToken
	l.book.broken = coretest.ErrBroken
	_, err := l.nodes[0].SignIns.Refresh(t.Context(), core.Visitor{}, token)
	coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
	l.book.broken = nil
	_, ok := l.refresh(l.nodes[0], token)
	require.True(t, ok)
}
