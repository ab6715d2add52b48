package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// The organizations of these tests: ann is at home in the first, and eve is the admin
// of the second.
var (
	here = lobbyOrg
	away = core.ID{2}
	eve  = core.Principal{Org: away, User: core.ID{66}, Label: "eve@example.com", Role: core.RoleAdmin}
)

const evesPassword = "Wicked-Ladder-66"

// invite returns the ticket by which somebody joins the second organization. As
// anybody who invites does, eve gets to see it.
func (l *lobby) invite(email string) (core.User, string) {
	l.t.Helper()
	user, link, err := l.nodes[0].Users.Invite(l.t.Context(), eve, email, "", core.RoleViewer)
	require.NoError(l.t, err)
	return user, ticketOf(l.t, link)
}

func (l *lobby) accept(ticket, password string) core.SignIn {
	l.t.Helper()
	signIn, err := l.nodes[0].Passwords.Accept(l.t.Context(), visitor, ticket, "", password)
	require.NoError(l.t, err)
	return signIn
}

// principal is who presents the access token of a sign-in.
func (l *lobby) principal(signIn core.SignIn) core.Principal {
	l.t.Helper()
	who, err := l.nodes[0].SignIns.Authenticate(l.t.Context(), signIn.AccessToken)
	require.NoError(l.t, err)
	return who
}

// organizations are the ones that a sign-in may switch to.
func organizations(signIn core.SignIn) (ids []core.ID) {
	for _, membership := range signIn.Organizations {
		ids = append(ids, membership.ID)
	}
	return ids
}

// switched goes on in another organization.
func (l *lobby) switched(signIn core.SignIn, org core.ID) core.SignIn {
	l.t.Helper()
	next, err := l.nodes[0].SignIns.Switch(l.t.Context(), visitor, signIn.RefreshToken, org)
	require.NoError(l.t, err)
	return next
}

// unswitched holds that there is no other organization to go to, and that nothing
// has happened by asking.
func (l *lobby) unswitched(signIn core.SignIn, org core.ID) {
	l.t.Helper()
	_, err := l.nodes[0].SignIns.Switch(l.t.Context(), visitor, signIn.RefreshToken, org)
	require.EqualError(l.t, err, "NOT_FOUND: there is no such organization among yours")
}

// Who invites learns nothing of other organizations, however the address is known
// there: it costs the same, and so does whatever is done with the link.
func TestAnInvitationTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWitness(t) // ann is active, dan disabled and ida invited, in another organization
	for _, email := range []string{"nobody@example.com", "ann@example.com", "dan@example.com", "ida@example.com"} {
		var user core.User
		var link string
		before, after := w.costs(func() {
			var err error
			user, link, err = w.node.Users.Invite(t.Context(), eve, email, "", core.RoleViewer)
			require.NoError(t, err, email)
		})
		require.Equal(t, effort{questions: 2, records: 1, mails: 1}, before, email)
		require.Zero(t, after, email)
		require.Equal(t, core.UserInvited, user.State)
		require.Equal(t, email, user.Email)
		var signIn core.SignIn
		before, after = w.costs(func() {
			var err error
			signIn, err = w.node.Passwords.Accept(t.Context(), visitor, ticketOf(t, link), "", evesPassword)
			require.NoError(t, err, email)
		})
		require.Equal(t, effort{hashes: 2, questions: 7, records: 1}, before, email)
		require.Zero(t, after, email)
		require.Equal(t, []core.ID{away}, organizations(signIn), email)
		require.Equal(t, user.ID, signIn.User.ID)
	}
}

// The admin who invites sees the link, and may use it. That makes an account in the
// admin's own organization, and gives nothing of the account that the person has.
func TestAnInvitationGivesNoPowerElsewhere(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann := l.person("ann@example.com")
	own := l.login(ann.Email, password)
	reserved, ticket := l.invite(ann.Email)
	stolen := l.accept(ticket, evesPassword)
	require.Equal(t, reserved.ID, stolen.User.ID)
	require.Equal(t, []core.ID{away}, organizations(stolen))
	l.unswitched(stolen, here)
	thief := l.principal(stolen)
	sessions, err := l.nodes[0].SignIns.Sessions(t.Context(), thief)
	require.NoError(t, err)
	require.Len(t, sessions, 1, "the thief's own")
	_, _, listed, err := l.nodes[0].SignIns.Me(t.Context(), thief)
	require.NoError(t, err)
	require.Equal(t, stolen.Organizations, listed)
	coretest.RequireRefusal(t, l.nodes[0].SignIns.End(t.Context(), thief, l.principal(own).Session, evesPassword), core.CodeNotFound, "")

	require.NoError(t, l.nodes[0].SignIns.End(t.Context(), thief, core.ID{}, evesPassword))
	require.NoError(t, l.nodes[0].Passwords.Change(t.Context(), thief, evesPassword, evesPassword+"!"))
	require.NoError(t, l.nodes[0].SignIns.EndAllOf(t.Context(), eve, reserved.ID.String()))
	_, err = l.nodes[0].Users.Remove(t.Context(), eve, reserved.ID.String(), "")
	require.NoError(t, err)
	require.Equal(t, ann.ID, l.principal(own).User, "all that was the thief's doing")
	again := l.login(ann.Email, password)
	require.Equal(t, []core.ID{here}, organizations(again))
	_, err = l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, evesPassword, core.ID{})
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
}

// An address that a stranger has taken first is not lost for its owner: whoever is
// invited elsewhere joins there, whatever password the stranger chose.
func TestAnAddressCannotBeReserved(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	_, ticket := l.invite("ann@example.com")
	l.accept(ticket, evesPassword)
	ann := l.person("ann@example.com")
	signIn := l.login(ann.Email, password)
	require.Equal(t, ann.ID, signIn.User.ID)
	require.Equal(t, []core.ID{here}, organizations(signIn))
	stranger := l.login(ann.Email, evesPassword)
	require.Equal(t, []core.ID{away}, organizations(stranger))
	l.unswitched(stranger, here)
}

// A link is for one choice of whoever was invited: nothing that was accepted before
// is changed by it.
func TestAnInvitationIsNoReset(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	user, ticket := l.invite("ann@example.com")
	user.State, user.PasswordHash, user.Revision = core.UserActive, "hash of "+password, user.Revision+1
	require.NoError(t, l.book.UpdateUser(t.Context(), user))
	_, err := l.nodes[0].Passwords.Accept(t.Context(), visitor, ticket, "", evesPassword)
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	l.login("ann@example.com", password)
}

// member has ann belong to both organizations, by one password.
func (l *lobby) member() (ann, guest core.User) {
	l.t.Helper()
	ann = l.person("ann@example.com")
	_, ticket := l.invite(ann.Email)
	l.clock.Pass(time.Second)
	joined := l.accept(ticket, password)
	require.Equal(l.t, []core.ID{here, away}, organizations(joined))
	return ann, joined.User
}

// Who belongs to several organizations signs in once, to the one that is asked for or
// was the last, and goes on in the others with the same session.
func TestOneSignInForAllOrganizations(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, guest := l.member()
	l.clock.Pass(time.Minute)
	signIn := l.login(ann.Email, password)
	require.Equal(t, guest.ID, signIn.User.ID, "where she was last")
	want := []core.Membership{{ID: here, Name: firm(here).Name, Role: core.RoleAdmin}, {ID: away, Name: firm(away).Name, Role: core.RoleViewer}}
	require.Equal(t, want, signIn.Organizations)
	asked, err := l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, password, here)
	require.NoError(t, err)
	require.Equal(t, ann.ID, asked.User.ID)
	_, err = l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, password, core.ID{9})
	require.EqualError(t, err, "NOT_FOUND: there is no such organization among yours")

	l.clock.Pass(time.Minute)
	l.traced()
	next := l.switched(signIn, here)
	require.Equal(t, ann.ID, next.User.ID)
	require.Equal(t, want, next.Organizations)
	require.Equal(t, signIn.RefreshUntil, next.RefreshUntil, "a session lives no longer for it")
	entered := ann.Principal().At(visitor)
	require.Equal(t, []core.AuditRecord{entered.Did(core.AuditSwitched, "user", ann.ID)}, l.traced())
	for _, node := range l.nodes {
		who, err := node.SignIns.Authenticate(t.Context(), next.AccessToken)
		require.NoError(t, err)
		require.Equal(t, ann.ID, who.User)
		require.Equal(t, here, who.Org)
		_, err = node.SignIns.Authenticate(t.Context(), signIn.AccessToken)
		coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	}
	refreshed, ok := l.refresh(l.nodes[1], next.RefreshToken)
	require.True(t, ok)
	require.Equal(t, ann.ID, refreshed.User.ID)
	require.Equal(t, ann.ID, l.login(ann.Email, password).User.ID, "where she is now")
}

// A session that was switched on one node is known on the other at once, which has
// seen it as it was.
func TestASwitchIsKnownEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, _ := l.member()
	signIn := l.login(ann.Email, password)
	for _, org := range []core.ID{here, away, here} {
		_, err := l.nodes[1].SignIns.Authenticate(t.Context(), signIn.AccessToken)
		require.NoError(t, err)
		signIn = l.switched(signIn, org)
		who, err := l.nodes[1].SignIns.Authenticate(t.Context(), signIn.AccessToken)
		require.NoError(t, err)
		require.Equal(t, org, who.Org)
	}
}

// A switch is a rotation: the token before is good for a moment, and ends the family
// after that, whoever shows it and whichever organization the session is in.
func TestASwitchRotatesTheToken(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, guest := l.member()
	signIn := l.login(ann.Email, password)
	require.Equal(t, guest.ID, signIn.User.ID)
	next := l.switched(signIn, here)
	lagging, ok := l.refresh(l.nodes[1], signIn.RefreshToken)
	require.True(t, ok, "another tab")
	require.Equal(t, next.RefreshToken, lagging.RefreshToken)
	require.Equal(t, ann.ID, lagging.User.ID)
	l.clock.Pass(core.RefreshGrace)
	_, err := l.nodes[0].SignIns.Switch(t.Context(), visitor, signIn.RefreshToken, away)
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	require.Equal(t, 1, l.reused)
	_, ok = l.refresh(l.nodes[0], next.RefreshToken)
	require.False(t, ok, "the family has ended")
	for _, token := range []string{"", "efr_00", next.AccessToken} {
		_, err = l.nodes[0].SignIns.Switch(t.Context(), visitor, token, here)
		coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	}
}

// What an admin ends is over in the admin's organization, and goes on in others.
func TestAnOrganizationEndsItsOwn(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, guest := l.member()
	l.person("boss@example.com") // an admin who stays
	admin := operator(here)
	elsewhere, inside := l.login(ann.Email, password), l.switched(l.login(ann.Email, password), here)
	l.clock.Pass(time.Second)
	require.NoError(t, l.nodes[0].SignIns.EndAllOf(t.Context(), admin, ann.ID.String()))
	_, ok := l.refresh(l.nodes[0], inside.RefreshToken)
	require.False(t, ok)
	require.Equal(t, guest.ID, l.principal(elsewhere).User, "it goes on")
	l.unswitched(elsewhere, here)
	l.clock.Pass(time.Second)
	fresh := l.login(ann.Email, password)
	inside = l.switched(fresh, here)

	disabled, enabled := core.UserDisabled, core.UserActive
	elsewhere = l.login(ann.Email, password)
	elsewhere = l.switched(elsewhere, away)
	_, _, err := l.nodes[0].Users.Change(t.Context(), admin, ann.ID.String(), core.UserChange{State: &disabled}, 0, "")
	require.NoError(t, err)
	_, ok = l.refresh(l.nodes[0], inside.RefreshToken)
	require.False(t, ok)
	l.unswitched(elsewhere, here)
	require.Equal(t, []core.ID{away}, organizations(l.login(ann.Email, password)))
	_, _, err = l.nodes[0].Users.Change(t.Context(), admin, ann.ID.String(), core.UserChange{State: &enabled}, 0, "")
	require.NoError(t, err)
	l.unswitched(elsewhere, here)
	l.clock.Pass(time.Second)
	require.Equal(t, []core.ID{here, away}, organizations(l.login(ann.Email, password)))

	_, err = l.nodes[0].Users.Remove(t.Context(), admin, ann.ID.String(), "")
	require.NoError(t, err)
	l.unswitched(elsewhere, here)
	require.Equal(t, []core.ID{away}, organizations(l.login(ann.Email, password)))
}

// A password is the person's: changing it changes it everywhere, ends the other
// sessions everywhere, and each organization has it in its trail.
func TestAPasswordIsThePersons(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, guest := l.member()
	stranger := l.stranger(ann.Email)
	kept, other := l.login(ann.Email, password), l.switched(l.login(ann.Email, password), here)
	l.traced()
	const next = "Another-Horse-10"
	require.NoError(t, l.nodes[0].Passwords.Change(t.Context(), l.principal(kept), password, next))
	require.ElementsMatch(t, []core.ID{here, away}, organizationsOf(l.traced(), core.AuditPasswordChanged))
	_, ok := l.refresh(l.nodes[0], other.RefreshToken)
	require.False(t, ok)
	require.Equal(t, guest.ID, l.principal(kept).User)
	l.switched(kept, here)
	require.Equal(t, []core.ID{here, away}, organizations(l.login(ann.Email, next)))
	_, err := l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, password, core.ID{})
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	require.Equal(t, core.ID{9}, l.principal(stranger).Org, "somebody else with the address")
	require.Equal(t, []core.ID{{9}}, organizations(l.login(ann.Email, evesPassword)))
}

// stranger joins a third organization by an address that is another's.
func (l *lobby) stranger(email string) core.SignIn {
	l.t.Helper()
	third := eve
	third.Org = core.ID{9}
	_, link, err := l.nodes[0].Users.Invite(l.t.Context(), third, email, "", core.RoleViewer)
	require.NoError(l.t, err)
	return l.accept(ticketOf(l.t, link), evesPassword)
}

// organizationsOf are those in whose trails an action stands.
func organizationsOf(records []core.AuditRecord, action core.AuditAction) (orgs []core.ID) {
	for _, record := range records {
		if record.Action == action {
			orgs = append(orgs, record.Who.Org)
		}
	}
	return orgs
}

// A mail proves whose the address is: by its link the owner has one password for all
// that goes by the address, and who had another one is out.
func TestAMailGivesTheAddressToItsOwner(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, _ := l.member()
	stranger := l.stranger(ann.Email)
	_, invited, err := l.nodes[0].Users.Invite(t.Context(), core.Principal{Org: here, Role: core.RoleAdmin}, "bob@example.com", "", core.RoleViewer)
	require.NoError(t, err)
	require.NotEmpty(t, invited)
	l.traced()
	ticket := l.reset(ann.Email)
	const next = "Another-Horse-10"
	require.NoError(t, l.nodes[1].Passwords.Reset(t.Context(), visitor, ticket, next))
	all := []core.ID{here, away, {9}}
	records := l.traced()
	require.ElementsMatch(t, all, organizationsOf(records, core.AuditPasswordForgotten))
	require.ElementsMatch(t, all, organizationsOf(records, core.AuditPasswordReset))
	_, ok := l.refresh(l.nodes[0], stranger.RefreshToken)
	require.False(t, ok)
	require.Equal(t, all, organizations(l.login(ann.Email, next)))
	for _, old := range []string{password, evesPassword} {
		_, err := l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, old, core.ID{})
		coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	}
}

// People see and end all their sessions, in whichever organization they are used.
func TestPeopleSeeAllTheirSessions(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, _ := l.member()
	l.stranger(ann.Email)
	l.clock.Pass(time.Second)
	first := l.switched(l.login(ann.Email, password), here)
	l.clock.Pass(time.Second)
	second := l.switched(l.login(ann.Email, password), away)
	who := l.principal(second)
	sessions, err := l.nodes[0].SignIns.Sessions(t.Context(), who)
	require.NoError(t, err)
	require.Len(t, sessions, 3, "two and the one that accepted")
	require.True(t, slices.IsSortedFunc(sessions, func(a, b core.Session) int { return b.CreatedAt.Compare(a.CreatedAt) }))
	require.NoError(t, l.nodes[0].SignIns.End(t.Context(), who, l.principal(first).Session, password))
	_, ok := l.refresh(l.nodes[0], first.RefreshToken)
	require.False(t, ok)
	first = l.switched(l.login(ann.Email, password), here)
	require.NoError(t, l.nodes[0].SignIns.End(t.Context(), who, core.ID{}, password))
	_, ok = l.refresh(l.nodes[0], first.RefreshToken)
	require.False(t, ok)
	require.Equal(t, who.User, l.principal(second).User)
}

// A failed sign-in stands in the trail of every organization that it may have been
// about, and in none that has only invited the address.
func TestAFailedSignInIsTheirsWhomItConcerns(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, _ := l.member()
	third := core.Principal{Org: core.ID{9}, Role: core.RoleAdmin}
	_, _, err := l.nodes[0].Users.Invite(t.Context(), third, ann.Email, "", core.RoleViewer)
	require.NoError(t, err)
	l.traced()
	_, err = l.nodes[0].SignIns.Login(t.Context(), visitor, ann.Email, evesPassword, core.ID{})
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
	require.ElementsMatch(t, []core.ID{here, away}, organizationsOf(l.traced(), core.AuditLoginFailed))
}

// A name is a label: another organization may have it.
func TestARenamedOrganizationLearnsNothing(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	for _, name := range []string{firm(here).Name, "nobody's"} {
		org, err := l.nodes[0].Organizations.Rename(t.Context(), eve, name)
		require.NoError(t, err)
		require.Equal(t, name, org.Name)
	}
}
