package identity_test

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// book is a catalog in memory that counts how often it is asked about people,
// and whose answers are lost while it is broken: what it was asked to do is done.
type book struct {
	*memory.Catalog
	t      coretest.Tester
	mu     sync.Mutex
	asked  int
	broken error
	// begun are the sessions that were stored, in the order in which they began.
	begun []core.ID
	// seen is told of each session that is shown; it may be nil.
	seen func(core.Session)
}

// answer counts a question, and loses its answer while the book is broken.
func (b *book) answer(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return cmp.Or(b.broken, err)
}

// questions returns how often the book was asked since the last time.
func (b *book) questions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.asked = 0 }()
	return b.asked
}

// text holds what reaches a catalog to what every database takes.
func (b *book) text(texts ...string) {
	for _, text := range texts {
		require.True(b.t, utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl), "a catalog is given %q", text)
	}
}

// sessions are all that were ever begun, in that order, as they are now.
func (b *book) sessions() []core.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]core.Session, len(b.begun))
	for i, id := range b.begun {
		var err error
		all[i], err = b.Catalog.Session(b.t.Context(), id)
		require.NoError(b.t, err)
	}
	return all
}

func (b *book) CreateUser(ctx context.Context, user core.User) error {
	b.text(user.Email, user.Name)
	return b.answer(b.Catalog.CreateUser(ctx, user))
}

func (b *book) User(ctx context.Context, org, id core.ID) (core.User, error) {
	user, err := b.Catalog.User(ctx, org, id)
	return user, b.answer(err)
}

func (b *book) UsersByEmail(ctx context.Context, email string) ([]core.User, error) {
	b.text(email)
	users, err := b.Catalog.UsersByEmail(ctx, email)
	return users, b.answer(err)
}

func (b *book) SetPassword(ctx context.Context, email, from, hash string, at time.Time) error {
	b.text(email)
	return b.answer(b.Catalog.SetPassword(ctx, email, from, hash, at))
}

func (b *book) SignOutUser(ctx context.Context, org, id core.ID, at time.Time) error {
	return b.answer(b.Catalog.SignOutUser(ctx, org, id, at))
}

func (b *book) MoveSession(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
	return b.answer(b.Catalog.MoveSession(ctx, id, from, org, user, at))
}

func (b *book) Users(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
	b.text(after)
	page, err := b.Catalog.Users(ctx, org, after, limit)
	return page, b.answer(err)
}

func (b *book) UpdateUser(ctx context.Context, user core.User) error {
	b.text(user.Email, user.Name)
	return b.answer(b.Catalog.UpdateUser(ctx, user))
}

func (b *book) DeleteUser(ctx context.Context, org, id core.ID) error {
	return b.answer(b.Catalog.DeleteUser(ctx, org, id))
}

func (b *book) TouchUser(ctx context.Context, org, id core.ID, at time.Time) error {
	return b.answer(b.Catalog.TouchUser(ctx, org, id, at))
}

func (b *book) CreateSession(ctx context.Context, session core.Session) error {
	b.text(session.Address, session.UserAgent)
	b.mu.Lock()
	b.begun = append(b.begun, session.ID)
	b.mu.Unlock()
	return b.answer(b.Catalog.CreateSession(ctx, session))
}

// Session answers even while the book is broken, so that what comes after it is
// what fails.
func (b *book) Session(ctx context.Context, id core.ID) (core.Session, error) {
	_ = b.answer(nil)
	session, err := b.Catalog.Session(ctx, id)
	if err == nil && b.seen != nil {
		b.seen(session)
	}
	return session, err
}

func (b *book) RotateSession(ctx context.Context, id core.ID, from int64, at time.Time) error {
	return b.answer(b.Catalog.RotateSession(ctx, id, from, at))
}

func (b *book) RevokeSession(ctx context.Context, id core.ID, at time.Time) error {
	return b.answer(b.Catalog.RevokeSession(ctx, id, at))
}

func (b *book) RevokeSessions(ctx context.Context, user, except core.ID, at time.Time) error {
	return b.answer(b.Catalog.RevokeSessions(ctx, user, except, at))
}

func (b *book) LiveSessions(ctx context.Context, user core.ID, at time.Time) ([]core.Session, error) {
	live, err := b.Catalog.LiveSessions(ctx, user, at)
	return live, b.answer(err)
}

func (b *book) ForgetSessions(ctx context.Context, before time.Time) error {
	return b.answer(b.Catalog.ForgetSessions(ctx, before))
}

func (b *book) CreateTicket(ctx context.Context, ticket core.Ticket) error {
	return b.answer(b.Catalog.CreateTicket(ctx, ticket))
}

func (b *book) Ticket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	ticket, err := b.Catalog.Ticket(ctx, kind, hash, at)
	return ticket, b.answer(err)
}

func (b *book) UseTicket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	ticket, err := b.Catalog.UseTicket(ctx, kind, hash, at)
	return ticket, b.answer(err)
}

// plainHasher hashes quickly.
type plainHasher struct{}

func (plainHasher) Hash(_ context.Context, password, _ string) (string, error) {
	return "hash of " + password, nil
}

func (plainHasher) Match(_ context.Context, hashes []string, password string) ([]bool, error) {
	matches := make([]bool, len(hashes))
	for i, hash := range hashes {
		matches[i] = hash == "hash of "+password
	}
	return matches, nil
}

// lobby is where people sign in: two nodes over one book.
type lobby struct {
	t     coretest.Tester
	clock *coretest.HandClock
	book  *book
	orgs  *register
	nodes [2]*identity.UseCases
	mails []string
	// reused counts the records of a token that came again.
	reused int
	// trail is what was recorded.
	trail []core.AuditRecord
}

const password = "Correct-Horse-9"

var lobbyOrg = core.ID{1}

func newLobby(t coretest.Tester) *lobby {
	t.Helper()
	catalog := memory.NewCatalog()
	l := &lobby{t: t, clock: coretest.NewClock(), book: &book{Catalog: catalog, t: t}, orgs: newRegister(t, catalog)}
	for i := range l.nodes {
		l.nodes[i] = l.node(7)
	}
	return l
}

// node returns a node of a secret over the same book.
func (l *lobby) node(secret byte) *identity.UseCases {
	key := bytes.Repeat([]byte{secret}, identity.MinSecretBytes)
	tokens, err := jwt.New(key)
	require.NoError(l.t, err)
	node, err := identity.New(identity.Ports{
		Organizations: l.orgs, Users: l.book, Sessions: l.book, Tickets: l.book, Credentials: l.book, Hasher: plainHasher{}, Tokens: tokens, Authorizer: coretest.Everything{}, Mailer: l,
		Record: func(_ context.Context, record core.AuditRecord) {
			l.trail = append(l.trail, record)
			if record.Action == core.AuditRefreshReused {
				l.reused++
			}
		},
		Secret: key, Now: l.clock.Now,
	})
	require.NoError(l.t, err)
	return node
}

// operator is whoever operates the installation, at work on an organization.
func operator(org core.ID) core.Principal {
	return core.Principal{Org: org, Label: "operator", Role: core.RoleAdmin}
}

// Send implements core.Mailer.
func (l *lobby) Send(_ context.Context, _, _, text string) error {
	l.mails = append(l.mails, text)
	return nil
}

// person makes an active user.
func (l *lobby) person(email string) core.User {
	l.t.Helper()
	user, err := l.nodes[0].Users.Create(l.t.Context(), operator(lobbyOrg), identity.NewPerson{Email: email, Password: password}, core.RoleAdmin)
	require.NoError(l.t, err)
	return user
}

func (l *lobby) login(email, password string) core.SignIn {
	l.t.Helper()
	signIn, err := l.nodes[0].SignIns.Login(l.t.Context(), core.Visitor{Address: "192.0.2.1"}, email, password, core.ID{})
	require.NoError(l.t, err)
	return signIn
}

// refresh holds a node to an answer that is either tokens or the one refusal.
func (l *lobby) refresh(node *identity.UseCases, token string) (signIn core.SignIn, ok bool) {
	l.t.Helper()
	signIn, err := node.SignIns.Refresh(l.t.Context(), core.Visitor{}, token)
	if err != nil {
		require.Equal(l.t, core.CodeUnauthorized, core.CodeOf(err), "%v", err)
		require.Empty(l.t, signIn)
	}
	return signIn, err == nil
}

// reset is the ticket of the newest mail.
func (l *lobby) reset(email string) (ticket string) {
	l.t.Helper()
	sent := len(l.mails)
	require.NoError(l.t, l.nodes[0].Passwords.Forgot(l.t.Context(), core.Visitor{}, email))
	require.Len(l.t, l.mails, sent+1)
	_, ticket, found := strings.Cut(l.mails[sent], "/reset#t=")
	require.True(l.t, found)
	return strings.TrimSpace(ticket)
}
