package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// SignIns is how people sign in, stay signed in, and sign out.
type SignIns struct {
	users         core.Users
	sessions      core.Sessions
	organizations core.Organizations
	tokens        core.TokenIssuer
	authorizer    core.Authorizer
	presence      *presence
	people        memberships
	secrets       secrets
	throttle      Throttle
	later         Later
	record        core.Recorder
	now           core.Clock
}

var (
	errBadLogin   = core.Errorf(core.CodeUnauthorized, "the address or the password is wrong")
	errBadSession = core.Errorf(core.CodeUnauthorized, "the session has ended; sign in again")
)

// Login signs a person in to one of their organizations: to the one that is asked for
// or, if that is zero, to the one where they were last. A wrong address, a wrong
// password and a disabled account get the same answer in the same time: each costs one
// look for the users and one hash, and nothing is written before the answer.
func (s *SignIns) Login(ctx context.Context, from core.Visitor, email, password string, organization core.ID) (core.SignIn, error) {
	email = normalEmail(email)
	if err := s.throttle.admit(ctx, "login "+email, "login from "+core.NetworkOf(from.Address)); err != nil {
		return core.SignIn{}, err
	}
	users, err := usersByEmail(ctx, s.users, email)
	if err != nil {
		return core.SignIn{}, err
	}
	own, err := s.people.whose(ctx, users, password)
	if err != nil {
		return core.SignIn{}, err
	}
	if user, found := in(active(own), organization); found {
		return s.begin(ctx, from, user, own)
	}
	if len(active(own)) > 0 {
		return core.SignIn{}, errNoMembership
	}
	s.failed(ctx, from, users)
	return core.SignIn{}, errBadLogin
}

// failed records an attempt to sign in, after the answer, with every user whom it may
// have been about. Somebody who was only invited is none of them: who invites an
// address must not hear of what else happens to it.
func (s *SignIns) failed(ctx context.Context, from core.Visitor, users []core.User) {
	for _, user := range users {
		if !joined(user) {
			continue
		}
		s.later.do(ctx, func(ctx context.Context) error {
			s.record.Record(ctx, user.Principal().At(from).Did(core.AuditLoginFailed, "user", user.ID))
			return nil
		})
	}
}

// begin opens a session for one of a person's users.
func (s *SignIns) begin(ctx context.Context, from core.Visitor, user core.User, own []core.User) (core.SignIn, error) {
	organizations, err := s.people.list(ctx, own)
	if err != nil {
		return core.SignIn{}, err
	}
	now := s.now.Stamp()
	session := core.Session{
		ID: core.RandomID(now), Org: user.Org, User: user.ID, Generation: 1, RotatedAt: now, CreatedAt: now, ExpiresAt: now.Add(core.RefreshTokenLife),
		Address: from.Address, UserAgent: from.Browser(),
	}
	if err := s.sessions.CreateSession(ctx, session); err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	if err := s.users.TouchUser(ctx, user.Org, user.ID, now); err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	user.LastLoginAt = &now
	s.record.Record(ctx, user.Principal().At(from).Did(core.AuditLogin, "user", user.ID))
	signIn, err := s.issue(user, session, session.Generation)
	signIn.Organizations = organizations
	return signIn, err
}

// issue makes an access token, and the refresh token of a generation.
func (s *SignIns) issue(user core.User, session core.Session, generation int64) (core.SignIn, error) {
	now := s.now().UTC().Truncate(time.Second)
	claims := core.Claims{User: user.ID, Org: user.Org, Role: user.Role, Session: session.ID, Issued: now, Expires: now.Add(core.AccessTokenLife)}
	token, err := s.tokens.Issue(claims)
	return core.SignIn{
		AccessToken: token, AccessUntil: claims.Expires, User: user,
		RefreshToken: s.refreshToken(session.ID, generation), RefreshUntil: session.ExpiresAt,
	}, err
}

// Logout ends the session of whoever presents an access token. If who is nobody,
// it ends the session of the refresh token. Ending a session again is no error.
func (s *SignIns) Logout(ctx context.Context, who core.Principal, refresh string) error {
	session := who.Session
	if session.IsZero() {
		var ok bool
		if session, _, ok = s.parseRefresh(refresh); !ok {
			return nil
		}
	}
	if err := s.presence.end(ctx, session); err != nil {
		return err
	}
	if !who.User.IsZero() {
		s.record.Record(ctx, who.Did(core.AuditLogout, "session", session))
	}
	return nil
}

// Authenticate returns who presents an access token. The end of a session, or a
// user's new role or state, is seen within a second, on whichever node it was
// changed.
func (s *SignIns) Authenticate(ctx context.Context, token string) (core.Principal, error) {
	claims, err := s.tokens.Verify(token, s.now())
	if err != nil {
		return core.Principal{}, errBadSession
	}
	return s.present(ctx, claims.Org, claims.User, claims.Session)
}

// signedIn is the session of a principal who has been authenticated. The access token
// may expire meanwhile: whoever is signed in can get another one.
type signedIn struct {
	signIns            *SignIns
	org, user, session core.ID
}

// Credential returns what a request of somebody who is signed in was made with.
func (s *SignIns) Credential(who core.Principal) core.Credential {
	return signedIn{s, who.Org, who.User, who.Session}
}

// Bearer implements [core.Credential].
func (s signedIn) Bearer(ctx context.Context) (core.Principal, error) {
	return s.signIns.present(ctx, s.org, s.user, s.session)
}

// present returns the user of a session, where both are good.
func (s *SignIns) present(ctx context.Context, org, id, sessionID core.ID) (core.Principal, error) {
	session, err := s.presence.session(ctx, sessionID, id)
	if err != nil && !core.IsNotFound(err) {
		return core.Principal{}, core.StoreFailed(err)
	}
	if err != nil || !session.GoodAt(s.now()) || session.User != id || session.Org != org {
		return core.Principal{}, errBadSession
	}
	user, err := s.presence.user(ctx, org, id)
	if err != nil && !core.IsNotFound(err) {
		return core.Principal{}, core.StoreFailed(err)
	}
	if err != nil || user.State != core.UserActive {
		return core.Principal{}, errBadSession
	}
	who := user.Principal()
	who.Session, who.Limit = sessionID, user.limit
	return who, nil
}

// Me returns the user who is signed in, their organization, and all organizations
// that they may switch to. For a key, the user is zero and the list is empty.
func (s *SignIns) Me(ctx context.Context, who core.Principal) (core.User, core.Organization, []core.Membership, error) {
	org, err := s.organizations.Organization(ctx, who.Org)
	if err != nil || who.User.IsZero() {
		return core.User{}, org, nil, core.StoreFailed(err)
	}
	user, err := s.users.User(ctx, who.Org, who.User)
	if err != nil {
		return core.User{}, core.Organization{}, nil, core.StoreFailed(err)
	}
	own, err := s.people.of(ctx, user)
	if err != nil {
		return core.User{}, core.Organization{}, nil, err
	}
	organizations, err := s.people.list(ctx, own)
	return user, org, organizations, err
}
