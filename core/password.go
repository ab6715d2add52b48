package core

import (
	"context"
	"errors"
	"strings"
	"time"
)

// A ticket's text is `eft_`, 32 random base-62 characters (190 bits) and 6 of a
// checksum, like an API key's.
const ticketPrefix = "eft_"

func newTicketText() string {
	text := []byte(ticketPrefix)
	for range keyRandomLength {
		text = append(text, base62[randomBelow(len(base62))])
	}
	return string(text) + keyChecksum(string(text))
}

func wellFormedTicket(text string) bool {
	split := len(text) - keyChecksumLength
	return strings.HasPrefix(text, ticketPrefix) && split == len(ticketPrefix)+keyRandomLength && isBase62(text[len(ticketPrefix):split]) &&
		keyChecksum(text[:split]) == text[split:]
}

func ticketHash(secret []byte, text string) KeyHash {
	return KeyHash(mac(secret, []byte("ticket "+text)))
}

// ticket makes a ticket and returns its text.
func (a *Accounts) ticket(ctx context.Context, kind TicketKind, org, user ID, life time.Duration) (string, error) {
	text := newTicketText()
	now := a.now.Stamp()
	err := a.Tickets.CreateTicket(ctx, Ticket{
		ID: newID(now), Kind: kind, Org: org, User: user, Hash: ticketHash(a.secrets[0], text), CreatedAt: now, ExpiresAt: now.Add(life),
	})
	return text, StoreFailed(err)
}

// use redeems a ticket.
func (a *Accounts) use(ctx context.Context, kind TicketKind, text string) (Ticket, error) {
	if !wellFormedTicket(text) {
		return Ticket{}, errBadTicket
	}
	for _, secret := range a.secrets {
		ticket, err := a.Tickets.UseTicket(ctx, kind, ticketHash(secret, text), a.now.Stamp())
		if !IsNotFound(err) {
			return ticket, StoreFailed(err)
		}
	}
	return Ticket{}, errBadTicket
}

// ErrSetUp says that an organization has users: there is nothing to set up.
var ErrSetUp = errors.New("the organization has users already")

// SetupLink makes the link by which the first admin of an organization is made.
// Once there are users it answers [ErrSetUp].
func (a *Accounts) SetupLink(ctx context.Context, org ID) (string, error) {
	users, err := a.Users.Users(ctx, org, "", 1)
	if err != nil {
		return "", StoreFailed(err)
	}
	if len(users) > 0 {
		return "", ErrSetUp
	}
	ticket, err := a.ticket(ctx, TicketSetup, org, ID{}, SetupTicketLife)
	return a.Links + "/setup#t=" + ticket, err
}

// NewPerson is what somebody says of themselves who begins to use the product.
type NewPerson struct{ Email, Name, Password string }

// check holds it to the rules.
func (p *NewPerson) check() error {
	p.Email, p.Name = normalEmail(p.Email), strings.TrimSpace(p.Name)
	if err := checkEmail(p.Email); err != nil {
		return err
	}
	if err := checkText("name", p.Name, 0, MaxUserNameLength); err != nil {
		return err
	}
	return checkPassword("password", p.Password, p.Email)
}

// Setup makes the first admin by a set-up ticket, and signs in. What is wrong
// with the person does not use the ticket up.
func (a *Accounts) Setup(ctx context.Context, from Visitor, ticket string, person NewPerson) (SignIn, error) {
	if err := a.Throttle(ctx, "ticket from "+NetworkOf(from.Address)); err != nil {
		return SignIn{}, err
	}
	if err := person.check(); err != nil {
		return SignIn{}, err
	}
	used, err := a.use(ctx, TicketSetup, ticket)
	if err != nil {
		return SignIn{}, err
	}
	if users, err := a.Users.Users(ctx, used.Org, "", 1); err != nil || len(users) > 0 {
		return SignIn{}, errors.Join(StoreFailed(err), errBadTicket)
	}
	user, err := a.CreateUser(ctx, used.Org, person, RoleAdmin)
	if err != nil {
		return SignIn{}, err
	}
	return a.begin(ctx, from, user)
}

// CreateUser makes an active user, for those who run the installation: it asks
// nobody's permission.
func (a *Accounts) CreateUser(ctx context.Context, org ID, person NewPerson, role Role) (User, error) {
	if err := person.check(); err != nil {
		return User{}, err
	}
	if err := checkUserRole(role); err != nil {
		return User{}, err
	}
	hash, err := a.Hasher.Hash(ctx, person.Password)
	if err != nil {
		return User{}, StoreFailed(err)
	}
	now := a.now.Stamp()
	user := User{
		ID: newID(now), Org: org, Email: person.Email, Name: person.Name, Role: role, State: UserActive,
		PasswordHash: hash, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	return user, StoreFailed(a.Users.CreateUser(ctx, user))
}

// Accept lets an invited user choose a password, and signs in.
func (a *Accounts) Accept(ctx context.Context, from Visitor, ticket, name, password string) (SignIn, error) {
	user, err := a.choose(ctx, from, TicketInvite, ticket, name, password)
	if err != nil {
		return SignIn{}, err
	}
	return a.begin(ctx, from, user)
}

// Reset lets a user who has a reset ticket choose another password. All
// sessions end.
func (a *Accounts) Reset(ctx context.Context, from Visitor, ticket, password string) error {
	user, err := a.choose(ctx, from, TicketReset, ticket, "", password)
	if err != nil {
		return err
	}
	a.Record(ctx, from.record(user.principal(), AuditPasswordReset, "user", user.ID))
	a.tellOfPassword(ctx, user)
	return a.endAll(ctx, user.ID, ID{})
}

func (a *Accounts) endAll(ctx context.Context, user, except ID) error {
	err := a.Sessions.RevokeSessions(ctx, user, except, a.now.Stamp())
	a.live.clear()
	a.people.drop(user)
	return StoreFailed(err)
}

// choose sets the password of the user whom a ticket names.
func (a *Accounts) choose(ctx context.Context, from Visitor, kind TicketKind, ticket, name, password string) (User, error) {
	if err := a.Throttle(ctx, "ticket from "+NetworkOf(from.Address)); err != nil {
		return User{}, err
	}
	if err := checkPassword("password", password, ""); err != nil {
		return User{}, err
	}
	if err := checkText("name", name, 0, MaxUserNameLength); err != nil {
		return User{}, err
	}
	used, err := a.use(ctx, kind, ticket)
	if err != nil {
		return User{}, err
	}
	user, err := a.Users.User(ctx, used.Org, used.User)
	if IsNotFound(err) || err == nil && user.State == UserDisabled {
		return User{}, errBadTicket
	}
	if err != nil {
		return User{}, StoreFailed(err)
	}
	if name != "" {
		user.Name = name
	}
	return a.setPassword(ctx, user, password)
}

func (a *Accounts) setPassword(ctx context.Context, user User, password string) (User, error) {
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return User{}, StoreFailed(err)
	}
	user.PasswordHash, user.State = hash, UserActive
	user.Revision++
	user.UpdatedAt = a.now.Stamp()
	err = a.Users.UpdateUser(ctx, user)
	a.people.drop(user.ID)
	return user, StoreFailed(err)
}

// ChangePassword sets another password for who knows the present one. All
// other sessions end.
func (a *Accounts) ChangePassword(ctx context.Context, from Visitor, who Principal, present, next string) error {
	if who.User.IsZero() {
		return Errorf(CodeForbidden, "a key has no password")
	}
	user, err := a.Users.User(ctx, who.Org, who.User)
	if err != nil {
		return StoreFailed(err)
	}
	if err := checkPassword("new_password", next, user.Email); err != nil {
		return err
	}
	if err := a.confirm(ctx, who, present); err != nil {
		return err
	}
	if user, err = a.setPassword(ctx, user, next); err != nil {
		return err
	}
	a.Record(ctx, from.record(who, AuditPasswordChanged, "user", user.ID))
	a.tellOfPassword(ctx, user)
	return a.endAll(ctx, user.ID, who.Session)
}

// tellOfPassword tells a user of another password, in case it was not the
// user's doing. The password is changed, whether or not the mail arrives.
func (a *Accounts) tellOfPassword(ctx context.Context, user User) {
	_ = a.mail(ctx, user.Email, "Your EventFlow password was changed", "The password of this address was changed, and all other sessions were ended. "+
		"If it was not you, choose another password at once and tell an admin.\n\n"+a.Links+"\n")
}

// Forgot sends a link by which a user can choose another password. Whether
// there is such a user, neither the answer tells nor the time it takes: the link
// is made and sent after it, and who gets none asks for another one.
func (a *Accounts) Forgot(ctx context.Context, from Visitor, email string) error {
	email = normalEmail(email)
	for _, key := range []string{"forgot " + email, "forgot from " + NetworkOf(from.Address)} {
		if err := a.Throttle(ctx, key); err != nil {
			return err
		}
	}
	user, err := a.userOf(ctx, email)
	if IsNotFound(err) || err == nil && user.State != UserActive {
		return nil
	}
	if err != nil {
		return StoreFailed(err)
	}
	a.later(ctx, func(ctx context.Context) error { return a.sendReset(ctx, from, user) })
	return nil
}

func (a *Accounts) sendReset(ctx context.Context, from Visitor, user User) error {
	text, err := a.ticket(ctx, TicketReset, user.Org, user.ID, ResetTicketLife)
	if err != nil {
		return err
	}
	a.Record(ctx, from.record(user.principal(), AuditPasswordForgotten, "user", user.ID))
	return a.mail(ctx, user.Email, "Choose another password for EventFlow", "Somebody asked to reset the password of this address. "+
		"If it was you, open this link within 15 minutes; if not, do nothing.\n\n"+a.Links+"/reset#t="+text+"\n")
}

// mail sends a message. The mailer does so in the background: how long it takes
// would tell whether there is such a user.
func (a *Accounts) mail(ctx context.Context, to, subject, text string) error {
	if a.Mailer == nil {
		return nil
	}
	return a.Mailer.Send(context.WithoutCancel(ctx), to, subject, text)
}
