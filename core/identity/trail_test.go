package identity_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// visitor is where the requests of these tests come from.
var visitor = core.Visitor{Address: "192.0.2.1", UserAgent: "curl", RequestID: "r-1"}

// traced returns what was recorded since the last time.
func (l *lobby) traced() []core.AuditRecord {
	defer func() { l.trail = nil }()
	return l.trail
}

var ticketInLink = regexp.MustCompile(`#(?:t|invite)=(eft_\w+)$`)

// ticketOf cuts the ticket out of a link.
func ticketOf(t coretest.Tester, link string) string {
	t.Helper()
	found := ticketInLink.FindStringSubmatch(link)
	require.Len(t, found, 2, link)
	return found[1]
}

// The first admin is in the trail from the link on: whoever made the link, the
// account that it made, and the sign-in.
func TestTheFirstAdminIsInTheTrail(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	who := operator(lobbyOrg).At(visitor)
	link, err := l.nodes[0].Tickets.SetupLink(t.Context(), who)
	require.NoError(t, err)
	require.Equal(t, []core.AuditRecord{who.Did(core.AuditSetupLinkCreated, "organization", lobbyOrg)}, l.traced())
	ticket := ticketOf(t, link)
	_, err = l.nodes[1].Users.Setup(t.Context(), visitor, ticket, identity.NewPerson{Email: "ann@example.com", Password: "weak"})
	coretest.RequireRefusal(t, err, core.CodeValidation, "password")
	require.Empty(t, l.traced())
	signIn, err := l.nodes[1].Users.Setup(t.Context(), visitor, ticket, identity.NewPerson{Email: "ann@example.com", Password: password})
	require.NoError(t, err)
	ann := signIn.User.Principal().At(visitor)
	require.Equal(t, []core.AuditRecord{
		ann.Did(core.AuditUserCreated, "user", signIn.User.ID), ann.Did(core.AuditLogin, "user", signIn.User.ID),
	}, l.traced())
	_, err = l.nodes[0].Tickets.SetupLink(t.Context(), who)
	require.ErrorIs(t, err, identity.ErrSetUp)
	require.Empty(t, l.traced(), "there is no other link")
}

// A user whom the operator makes is in the trail as the operator's doing. One
// that is refused is not.
func TestAUserWhoIsMadeIsInTheTrail(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	who := operator(lobbyOrg).At(visitor)
	create := func(email, password string, role core.Role) (core.User, error) {
		return l.nodes[0].Users.Create(t.Context(), who, identity.NewPerson{Email: email, Password: password}, role)
	}
	user, err := create("ann@example.com", password, core.RoleViewer)
	require.NoError(t, err)
	require.Equal(t, []core.AuditRecord{who.Did(core.AuditUserCreated, "user", user.ID)}, l.traced())
	for code, refused := range map[core.Code]func() (core.User, error){
		core.CodeConflict:   func() (core.User, error) { return create("ann@example.com", password, core.RoleViewer) },
		core.CodeValidation: func() (core.User, error) { return create("bob@example.com", password, core.RoleProducer) },
	} {
		none, err := refused()
		require.Equal(t, code, core.CodeOf(err))
		require.Empty(t, none)
	}
	require.Empty(t, l.traced())
}

// Every link that lets somebody in is in the trail: an invitation that is made
// anew as the first one is.
func TestEveryInvitationIsInTheTrail(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	admin := l.person("ann@example.com").Principal().At(visitor)
	l.traced()
	user, first, err := l.nodes[0].Users.Invite(t.Context(), admin, "bob@example.com", "Bob", core.RoleViewer)
	require.NoError(t, err)
	invited := []core.AuditRecord{admin.Did(core.AuditUserInvited, "user", user.ID)}
	require.Equal(t, invited, l.traced())
	second, err := l.nodes[0].Users.InviteAgain(t.Context(), admin, user.ID.String())
	require.NoError(t, err)
	require.Equal(t, invited, l.traced())
	_, err = l.nodes[1].Passwords.Accept(t.Context(), visitor, ticketOf(t, first), "", password)
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	_, err = l.nodes[1].Passwords.Accept(t.Context(), visitor, ticketOf(t, second), "", password)
	require.NoError(t, err)
	l.traced()
	_, err = l.nodes[0].Users.InviteAgain(t.Context(), admin, user.ID.String())
	require.EqualError(t, err, "CONFLICT: this user has already accepted the invitation")
	require.Empty(t, l.traced())
}

// An organization that is made, and the link that makes its first admin, are in
// the trail of the organization that made it.
func TestAnOrganizationThatIsMadeIsInTheTrail(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	who := operator(lobbyOrg).At(visitor)
	org, link, err := l.nodes[0].Organizations.Create(t.Context(), who, "acme")
	require.NoError(t, err)
	require.Equal(t, []core.AuditRecord{
		who.Did(core.AuditOrganizationCreated, "organization", org.ID), who.Did(core.AuditSetupLinkCreated, "organization", org.ID),
	}, l.traced())
	signIn, err := l.nodes[0].Users.Setup(t.Context(), visitor, ticketOf(t, link), identity.NewPerson{Email: "eve@example.com", Password: password})
	require.NoError(t, err)
	for _, record := range l.traced() {
		require.Equal(t, org.ID, record.Who.Org, "their own trail")
		require.Equal(t, signIn.User.ID, record.Who.User)
	}
	namesake, _, err := l.nodes[0].Organizations.Create(t.Context(), who, "acme")
	require.NoError(t, err, "names are labels")
	require.NotEqual(t, org.ID, namesake.ID)
}

// The end of a session is in the trail with where the request came from, once the
// catalog has confirmed it.
func TestTheEndOfASessionIsInTheTrail(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, admin, signIns := l.person("ann@example.com"), operator(lobbyOrg).At(visitor), l.nodes[0].SignIns
	signedIn := func() core.Principal {
		who, err := signIns.Authenticate(t.Context(), l.login("ann@example.com", password).AccessToken)
		require.NoError(t, err)
		return who.At(visitor)
	}
	here, there := signedIn(), signedIn()
	l.traced()
	for _, ended := range []struct {
		err    error
		record core.AuditRecord
	}{
		{signIns.End(t.Context(), here, there.Session, password), here.Did(core.AuditSessionEnded, "session", there.Session)},
		{signIns.End(t.Context(), here, core.ID{}, password), here.Did(core.AuditSessionEnded, "user", ann.ID)},
		{signIns.Logout(t.Context(), here, ""), here.Did(core.AuditLogout, "session", here.Session)},
		{signIns.EndAllOf(t.Context(), admin, ann.ID.String()), admin.Did(core.AuditSessionEnded, "user", ann.ID)},
	} {
		require.NoError(t, ended.err)
		require.Equal(t, ended.record, l.trail[0])
		l.trail = l.trail[1:]
	}
	require.Empty(t, l.trail)
	coretest.RequireRefusal(t, signIns.End(t.Context(), here, there.Session, "Wrong-Horse-99"), core.CodeValidation, "password")
	coretest.RequireRefusal(t, signIns.End(t.Context(), here, there.Session, password), core.CodeNotFound, "")
	l.book.broken = coretest.ErrBroken
	coretest.RequireRefusal(t, signIns.Logout(t.Context(), here, ""), core.CodeUnavailable, "")
	require.Empty(t, l.trail)
}
