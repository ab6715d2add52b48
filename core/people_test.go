package core_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/core"
)

// book is a catalog of people that counts what it is asked.
type book struct {
	core.People
	t        tester
	mu       sync.Mutex
	users    map[core.ID]core.User
	sessions map[core.ID]core.Session
	tickets  map[core.KeyHash]core.Ticket
	asked    int
	broken   error
	// seen is told of each session that is shown; it may be nil.
	seen func(core.Session)
}

var errNobody = core.Errorf(core.CodeNotFound, "there is no such thing in the book")

// open waits for the calls before.
func (b *book) open() (done func()) {
	b.mu.Lock()
	b.asked++
	return b.mu.Unlock
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

func (b *book) CreateUser(_ context.Context, user core.User) error {
	defer b.open()()
	b.text(user.Email, user.Name)
	for _, other := range b.users {
		if other.Email == user.Email {
			return core.Errorf(core.CodeConflict, "taken")
		}
	}
	b.users[user.ID] = user
	return b.broken
}

func (b *book) User(_ context.Context, org, id core.ID) (core.User, error) {
	defer b.open()()
	if user, ok := b.users[id]; ok && user.Org == org {
		return user, b.broken
	}
	return core.User{}, cmp.Or(b.broken, error(errNobody))
}

func (b *book) UserByEmail(_ context.Context, email string) (core.User, error) {
	defer b.open()()
	b.text(email)
	for _, user := range b.users {
		if user.Email == email {
			return user, b.broken
		}
	}
	return core.User{}, cmp.Or(b.broken, error(errNobody))
}

func (b *book) UpdateUser(_ context.Context, user core.User) error {
	defer b.open()()
	if b.users[user.ID].Revision != user.Revision-1 {
		return core.Errorf(core.CodePreconditionFailed, "too late")
	}
	b.users[user.ID] = user
	return b.broken
}

func (b *book) TouchUser(context.Context, core.ID, core.ID, time.Time) error { return b.broken }

func (b *book) CreateSession(_ context.Context, session core.Session) error {
	defer b.open()()
	b.text(session.Address, session.UserAgent)
	b.sessions[session.ID] = session
	return b.broken
}

func (b *book) Session(_ context.Context, id core.ID) (core.Session, error) {
	done := b.open()
	session, ok := b.sessions[id]
	done()
	if !ok {
		return core.Session{}, errNobody
	}
	if b.seen != nil {
		b.seen(session)
	}
	return session, nil
}

func (b *book) RotateSession(_ context.Context, id core.ID, from int64, at time.Time) error {
	defer b.open()()
	session, ok := b.sessions[id]
	if !ok || session.Generation != from || session.RevokedAt != nil {
		return core.Errorf(core.CodePreconditionFailed, "too late")
	}
	session.Generation, session.RotatedAt = from+1, at
	b.sessions[id] = session
	return b.broken
}

func (b *book) revoke(at time.Time, which func(core.Session) bool) error {
	defer b.open()()
	for id, session := range b.sessions {
		if session.RevokedAt == nil && which(session) {
			session.RevokedAt = &at
			b.sessions[id] = session
		}
	}
	return b.broken
}

func (b *book) RevokeSession(_ context.Context, id core.ID, at time.Time) error {
	return b.revoke(at, func(s core.Session) bool { return s.ID == id })
}

func (b *book) RevokeSessions(_ context.Context, user, except core.ID, at time.Time) error {
	return b.revoke(at, func(s core.Session) bool { return s.User == user && s.ID != except })
}

func (b *book) CreateTicket(_ context.Context, ticket core.Ticket) error {
	defer b.open()()
	for hash, other := range b.tickets {
		if other.Kind == ticket.Kind && other.User == ticket.User {
			delete(b.tickets, hash)
		}
	}
	b.tickets[ticket.Hash] = ticket
	return b.broken
}

func (b *book) UseTicket(_ context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	defer b.open()()
	ticket, ok := b.tickets[hash]
	if !ok || ticket.Kind != kind || !at.Before(ticket.ExpiresAt) {
		return core.Ticket{}, errNobody
	}
	delete(b.tickets, hash)
	return ticket, b.broken
}

// plainHasher hashes quickly.
type plainHasher struct{}

func (plainHasher) Hash(_ context.Context, password string) (string, error) {
	return "hash of " + password, nil
}

func (plainHasher) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == "hash of "+password, nil
}

// lobby is where people sign in: two nodes over one book.
type lobby struct {
	t     tester
	clock *handClock
	book  *book
	orgs  *register
	nodes [2]*core.Accounts
	mails []string
	// reused counts the records of a token that came again.
	reused int
	// trail is what was recorded.
	trail []core.AuditRecord
}

const password = "Correct-Horse-9"

var lobbyOrg = core.ID{1}

func newLobby(t tester) *lobby {
	l := &lobby{t: t, clock: &handClock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, orgs: &register{}}
	l.book = &book{t: t, users: map[core.ID]core.User{}, sessions: map[core.ID]core.Session{}, tickets: map[core.KeyHash]core.Ticket{}}
	for i := range l.nodes {
		l.nodes[i] = l.node(7)
	}
	return l
}

// node returns a node of a secret over the same book.
func (l *lobby) node(secret byte) *core.Accounts {
	key := bytes.Repeat([]byte{secret}, core.MinSecretBytes)
	tokens, err := jwt.New(key)
	require.NoError(l.t, err)
	return core.NewAccounts(core.AccountPorts{
		Organizations: l.orgs, Users: l.book, Sessions: l.book, Tickets: l.book, Hasher: plainHasher{}, Tokens: tokens, Authorizer: everything{}, Mailer: l,
		Record: func(_ context.Context, record core.AuditRecord) {
			l.trail = append(l.trail, record)
			if record.Action == core.AuditRefreshReused {
				l.reused++
			}
		},
	}, key, nil, l.clock.now)
}

// Send implements core.Mailer.
func (l *lobby) Send(_ context.Context, _, _, text string) error {
	l.mails = append(l.mails, text)
	return nil
}

// person makes an active user.
func (l *lobby) person(email string) core.User {
	l.t.Helper()
	user, err := l.nodes[0].CreateUser(l.t.Context(), lobbyOrg, core.NewPerson{Email: email, Password: password}, core.RoleAdmin)
	require.NoError(l.t, err)
	return user
}

func (l *lobby) login(email, password string) core.SignIn {
	l.t.Helper()
	signIn, err := l.nodes[0].Login(l.t.Context(), core.Visitor{Address: "192.0.2.1"}, email, password)
	require.NoError(l.t, err)
	return signIn
}

// refresh holds a node to an answer that is either tokens or the one refusal.
func (l *lobby) refresh(node *core.Accounts, token string) (signIn core.SignIn, ok bool) {
	l.t.Helper()
	signIn, err := node.Refresh(l.t.Context(), core.Visitor{}, token)
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
	require.NoError(l.t, l.nodes[0].Forgot(l.t.Context(), core.Visitor{}, email))
	require.Len(l.t, l.mails, sent+1)
	_, ticket, found := strings.Cut(l.mails[sent], "/reset#t=")
	require.True(l.t, found)
	return strings.TrimSpace(ticket)
}

// sorted are the sessions, in the order in which they began.
func (b *book) sorted() []core.Session {
	var all []core.Session
	for _, session := range b.sessions {
		all = append(all, session)
	}
	slices.SortFunc(all, func(x, y core.Session) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return all
}
