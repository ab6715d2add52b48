package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// Accounts is how people sign in, stay signed in, and come by a password.
type Accounts struct {
	AccountPorts
	// secrets are the present one and, where there is one, the one before.
	secrets [][]byte
	now     core.Clock
	orgs    tenants
	people  *cache.Cache[core.ID, knownUser]
	live    *cache.Cache[core.ID, core.Session]
}

// knownUser is a user as the hot path remembers them, with the limit of their
// organization.
type knownUser struct {
	core.User
	limit core.Limit
}

// AccountPorts is what Accounts works with.
type AccountPorts struct {
	Organizations core.Organizations
	Users         core.Users
	Sessions      core.Sessions
	Tickets       core.Tickets
	Hasher        core.PasswordHasher
	Tokens        core.TokenIssuer
	Authorizer    core.Authorizer
	// Mailer sends links, Links says where they lead: `https://host`. Without a
	// mailer, links are given to whoever may invite.
	Mailer core.Mailer
	Links  string
	// Throttle refuses attempts for a key, such as an address, that come too fast.
	// It may be nil.
	Throttle func(ctx context.Context, key string) error
	// Record is told of everything that belongs into the audit trail. It may be
	// nil.
	Record func(ctx context.Context, record core.AuditRecord)
	// Later does work after the answer that it must not hold up: how long a
	// request takes would tell whether there is such a user. It is given a context
	// that the end of the request does not end. It may be nil: then the work is
	// done at once.
	Later func(ctx context.Context, work func(context.Context) error)
}

// The time that a user's or a session's state is trusted without asking the
// catalog again, and how many are kept.
const (
	accountTTL       = time.Second
	accountCacheSize = 50_000
)

// guessLimit bounds attempts on one account, and those from one address.
var guessLimit = core.Limit{PerMinute: 10, Burst: 10}

// Throttle returns a function for [AccountPorts] that holds attempts to a few a
// minute for each key.
func Throttle(limiter core.RateLimiter, now func() time.Time) func(ctx context.Context, key string) error {
	return func(ctx context.Context, key string) error {
		state, err := limiter.Take(ctx, key, guessLimit, 1, now())
		if err != nil || state.Allowed {
			return err
		}
		return &core.Error{
			Code: core.CodeRateLimited, RetryAfter: state.RetryAfter,
			Message: "too many attempts; try again later",
		}
	}
}

// NewAccounts returns the use case. secret signs refresh tokens and keys the
// hashes of tickets; what was made with previous, which may be empty, is good as
// well.
func NewAccounts(ports AccountPorts, secret, previous []byte, now func() time.Time) *Accounts {
	if ports.Throttle == nil {
		ports.Throttle = func(context.Context, string) error { return nil }
	}
	if ports.Record == nil {
		ports.Record = func(context.Context, core.AuditRecord) {}
	}
	if ports.Later == nil {
		ports.Later = func(ctx context.Context, work func(context.Context) error) { _ = work(ctx) }
	}
	secrets := [][]byte{derive(secret, "accounts")}
	if len(previous) > 0 {
		secrets = append(secrets, derive(previous, "accounts"))
	}
	return &Accounts{
		AccountPorts: ports, secrets: secrets, now: now,
		orgs:   newTenants(ports.Organizations, now),
		people: cache.New[core.ID, knownUser](now, accountTTL, accountCacheSize),
		live:   cache.New[core.ID, core.Session](now, accountTTL, accountCacheSize),
	}
}

// derive makes a key for one purpose out of the server's secret.
func derive(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("eventflow " + purpose))
	return mac.Sum(nil)
}

var (
	errBadLogin   = core.Errorf(core.CodeUnauthorized, "the address or the password is wrong")
	errBadSession = core.Errorf(core.CodeUnauthorized, "the session has ended; sign in again")
	errBadTicket  = core.Errorf(core.CodeUnauthorized, "the link is wrong, was used before or has expired; ask for another one")
)

// Login signs a person in. Whatever is wrong, the answer is the same, and takes
// as long: one look for the user, one hash, and nothing written before it.
func (a *Accounts) Login(ctx context.Context, from core.Visitor, email, password string) (core.SignIn, error) {
	email = normalEmail(email)
	for _, key := range []string{"login " + email, "login from " + core.NetworkOf(from.Address)} {
		if err := a.Throttle(ctx, key); err != nil {
			return core.SignIn{}, err
		}
	}
	user, err := a.userOf(ctx, email)
	if err != nil && !core.IsNotFound(err) {
		return core.SignIn{}, core.StoreFailed(err)
	}
	if len(password) > 4*core.MaxPasswordLength {
		password = ""
	}
	good, err := a.Hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	if !good || user.State != core.UserActive {
		if !user.ID.IsZero() {
			a.later(ctx, func(ctx context.Context) error {
				a.Record(ctx, from.Record(user.Principal(), core.AuditLoginFailed, "user", user.ID))
				return nil
			})
		}
		return core.SignIn{}, errBadLogin
	}
	return a.begin(ctx, from, user)
}

// later does work after the answer.
func (a *Accounts) later(ctx context.Context, work func(context.Context) error) {
	a.Later(context.WithoutCancel(ctx), work)
}

// userOf finds the user with an address. What cannot be one is nobody's, and
// nothing to give to a database.
func (a *Accounts) userOf(ctx context.Context, email string) (core.User, error) {
	if checkEmail(email) != nil {
		return core.User{}, core.Errorf(core.CodeNotFound, "there is no such user")
	}
	return a.Users.UserByEmail(ctx, email)
}

// begin opens a session.
func (a *Accounts) begin(ctx context.Context, from core.Visitor, user core.User) (core.SignIn, error) {
	now := a.now.Stamp()
	session := core.Session{
		ID: core.RandomID(now), Org: user.Org, User: user.ID, Generation: 1, RotatedAt: now, CreatedAt: now, ExpiresAt: now.Add(core.RefreshTokenLife),
		Address: from.Address, UserAgent: from.Browser(),
	}
	if err := a.Sessions.CreateSession(ctx, session); err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	if err := a.Users.TouchUser(ctx, user.Org, user.ID, now); err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	user.LastLoginAt = &now
	a.Record(ctx, from.Record(user.Principal(), core.AuditLogin, "user", user.ID))
	return a.issue(user, session, session.Generation)
}

func (a *Accounts) issue(user core.User, session core.Session, generation int64) (core.SignIn, error) {
	now := a.now().UTC().Truncate(time.Second)
	claims := core.Claims{User: user.ID, Org: user.Org, Role: user.Role, Session: session.ID, Issued: now, Expires: now.Add(core.AccessTokenLife)}
	token, err := a.Tokens.Issue(claims)
	return core.SignIn{
		AccessToken: token, AccessUntil: claims.Expires, User: user,
		RefreshToken: a.refreshToken(session.ID, generation), RefreshUntil: session.ExpiresAt,
	}, err
}

// A refresh token is `efr_`, the session, the generation and a MAC over both:
// a token of an earlier generation is known for what it is, without being kept.
const refreshPrefix = "efr_"

const refreshBytes = 16 + 8 + 32

func (a *Accounts) refreshToken(session core.ID, generation int64) string {
	raw := binary.BigEndian.AppendUint64(session[:], uint64(generation))
	return refreshPrefix + hex.EncodeToString(append(raw, mac(a.secrets[0], raw)...))
}

func mac(secret, raw []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(raw)
	return mac.Sum(nil)
}

func (a *Accounts) parseRefresh(token string) (session core.ID, generation int64, ok bool) {
	text, found := strings.CutPrefix(token, refreshPrefix)
	raw, err := hex.DecodeString(text)
	if !found || err != nil || len(raw) != refreshBytes || text != strings.ToLower(text) {
		return core.ID{}, 0, false
	}
	genuine := func(secret []byte) bool { return hmac.Equal(raw[24:], mac(secret, raw[:24])) }
	if !slices.ContainsFunc(a.secrets, genuine) {
		return core.ID{}, 0, false
	}
	return core.ID(raw[:16]), int64(binary.BigEndian.Uint64(raw[16:24])), true
}

// Refresh exchanges a refresh token for the next one and an access token. One
// that was exchanged before ends the session: it is in wrong hands, or the
// newer one is. For a moment after an exchange it still answers, with the
// newer one, because two tabs may have asked at once.
func (a *Accounts) Refresh(ctx context.Context, from core.Visitor, token string) (core.SignIn, error) {
	id, generation, ok := a.parseRefresh(token)
	if !ok {
		return core.SignIn{}, errBadSession
	}
	for {
		session, err := a.Sessions.Session(ctx, id)
		if err != nil && !core.IsNotFound(err) {
			return core.SignIn{}, core.StoreFailed(err)
		}
		now := a.now.Stamp()
		if err != nil || !session.GoodAt(now) {
			return core.SignIn{}, errBadSession
		}
		user, err := a.Users.User(ctx, session.Org, session.User)
		if err != nil && !core.IsNotFound(err) {
			return core.SignIn{}, core.StoreFailed(err)
		}
		if err != nil || user.State != core.UserActive {
			return core.SignIn{}, errBadSession
		}
		switch {
		case generation == session.Generation:
			err := a.Sessions.RotateSession(ctx, id, generation, now)
			if core.CodeOf(err) == core.CodePreconditionFailed && ctx.Err() == nil {
				continue // the other tab was faster
			}
			if err != nil {
				return core.SignIn{}, core.StoreFailed(err)
			}
			return a.issue(user, session, generation+1)
		case generation == session.Generation-1 && now.Sub(session.RotatedAt) < core.RefreshGrace:
			return a.issue(user, session, session.Generation)
		}
		a.Record(ctx, from.Record(user.Principal(), core.AuditRefreshReused, "session", session.ID))
		return core.SignIn{}, a.end(ctx, session.ID, errBadSession)
	}
}

// end revokes a session and returns err, or what kept it from being revoked.
func (a *Accounts) end(ctx context.Context, session core.ID, err error) error {
	if failed := a.Sessions.RevokeSession(ctx, session, a.now.Stamp()); failed != nil {
		return core.StoreFailed(failed)
	}
	a.live.Drop(session)
	return err
}

// Logout ends the session of an access token or, where there is none, of a
// refresh token. Ending what has ended is no error.
func (a *Accounts) Logout(ctx context.Context, from core.Visitor, who core.Principal, refresh string) error {
	session := who.Session
	if session.IsZero() {
		var ok bool
		if session, _, ok = a.parseRefresh(refresh); !ok {
			return nil
		}
	}
	if !who.User.IsZero() {
		a.Record(ctx, from.Record(who, core.AuditLogout, "session", session))
	}
	return a.end(ctx, session, nil)
}

// Authenticate returns who presents an access token. A user who was disabled,
// or whose session was ended or role changed, on any node, is seen as such
// within a second.
func (a *Accounts) Authenticate(ctx context.Context, token string) (core.Principal, error) {
	claims, err := a.Tokens.Verify(token, a.now())
	if err != nil {
		return core.Principal{}, errBadSession
	}
	session, err := a.live.Get(claims.Session, func(core.Session) (core.Session, error) {
		return a.Sessions.Session(ctx, claims.Session)
	}, core.IsNotFound)
	if err != nil && !core.IsNotFound(err) {
		return core.Principal{}, core.StoreFailed(err)
	}
	if err != nil || !session.GoodAt(a.now()) || session.User != claims.User || session.Org != claims.Org {
		return core.Principal{}, errBadSession
	}
	user, err := a.people.Get(claims.User, func(knownUser) (knownUser, error) {
		user, err := a.Users.User(ctx, claims.Org, claims.User)
		if err != nil {
			return knownUser{}, err
		}
		org, err := a.orgs.get(ctx, user.Org)
		return knownUser{user, org.UserRate.Limit()}, err
	}, core.IsNotFound)
	if err != nil && !core.IsNotFound(err) {
		return core.Principal{}, core.StoreFailed(err)
	}
	if err != nil || user.State != core.UserActive {
		return core.Principal{}, errBadSession
	}
	who := user.Principal()
	who.Session, who.Limit = claims.Session, user.limit
	return who, nil
}

// Me returns the user who is signed in, and the organization.
func (a *Accounts) Me(ctx context.Context, who core.Principal) (core.User, core.Organization, error) {
	org, err := a.Organizations.Organization(ctx, who.Org)
	if err != nil {
		return core.User{}, core.Organization{}, core.StoreFailed(err)
	}
	if who.User.IsZero() {
		return core.User{}, org, nil
	}
	user, err := a.Users.User(ctx, who.Org, who.User)
	return user, org, core.StoreFailed(err)
}
