package identity

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
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

func ticketHash(secret []byte, text string) core.KeyHash {
	return core.KeyHash(mac(secret, []byte("ticket "+text)))
}

// ticket makes a ticket and returns its text.
func (a *Accounts) ticket(ctx context.Context, kind core.TicketKind, org, user core.ID, life time.Duration) (string, error) {
	text := newTicketText()
	now := a.now.Stamp()
	err := a.Tickets.CreateTicket(ctx, core.Ticket{
		ID: core.RandomID(now), Kind: kind, Org: org, User: user, Hash: ticketHash(a.secrets[0], text), CreatedAt: now, ExpiresAt: now.Add(life),
	})
	return text, core.StoreFailed(err)
}

// use redeems a ticket.
func (a *Accounts) use(ctx context.Context, kind core.TicketKind, text string) (core.Ticket, error) {
	if !wellFormedTicket(text) {
		return core.Ticket{}, errBadTicket
	}
	for _, secret := range a.secrets {
		ticket, err := a.Tickets.UseTicket(ctx, kind, ticketHash(secret, text), a.now.Stamp())
		if !core.IsNotFound(err) {
			return ticket, core.StoreFailed(err)
		}
	}
	return core.Ticket{}, errBadTicket
}

// ErrSetUp says that an organization has users: there is nothing to set up.
var ErrSetUp = errors.New("the organization has users already")

// SetupLink makes the link by which the first admin of an organization is made.
// Once there are users it answers [ErrSetUp].
func (a *Accounts) SetupLink(ctx context.Context, org core.ID) (string, error) {
	users, err := a.Users.Users(ctx, org, "", 1)
	if err != nil {
		return "", core.StoreFailed(err)
	}
	if len(users) > 0 {
		return "", ErrSetUp
	}
	ticket, err := a.ticket(ctx, core.TicketSetup, org, core.ID{}, core.SetupTicketLife)
	return a.Links + "/setup#t=" + ticket, err
}

// Setup makes the first admin by a set-up ticket, and signs in. What is wrong
// with the person does not use the ticket up.
func (a *Accounts) Setup(ctx context.Context, from core.Visitor, ticket string, person NewPerson) (core.SignIn, error) {
	if err := a.Throttle(ctx, "ticket from "+core.NetworkOf(from.Address)); err != nil {
		return core.SignIn{}, err
	}
	if err := person.check(); err != nil {
		return core.SignIn{}, err
	}
	used, err := a.use(ctx, core.TicketSetup, ticket)
	if err != nil {
		return core.SignIn{}, err
	}
	if users, err := a.Users.Users(ctx, used.Org, "", 1); err != nil || len(users) > 0 {
		return core.SignIn{}, errors.Join(core.StoreFailed(err), errBadTicket)
	}
	user, err := a.CreateUser(ctx, used.Org, person, core.RoleAdmin)
	if err != nil {
		return core.SignIn{}, err
	}
	return a.begin(ctx, from, user)
}

// Accept lets an invited user choose a password, and signs in.
func (a *Accounts) Accept(ctx context.Context, from core.Visitor, ticket, name, password string) (core.SignIn, error) {
	user, err := a.choose(ctx, from, core.TicketInvite, ticket, name, password)
	if err != nil {
		return core.SignIn{}, err
	}
	return a.begin(ctx, from, user)
}

// Reset lets a user who has a reset ticket choose another password. All
// sessions end.
func (a *Accounts) Reset(ctx context.Context, from core.Visitor, ticket, password string) error {
	user, err := a.choose(ctx, from, core.TicketReset, ticket, "", password)
	if err != nil {
		return err
	}
	a.Record(ctx, from.Record(user.Principal(), core.AuditPasswordReset, "user", user.ID))
	a.tellOfPassword(ctx, user)
	return a.endAll(ctx, user.ID, core.ID{})
}

func (a *Accounts) endAll(ctx context.Context, user, except core.ID) error {
	err := a.Sessions.RevokeSessions(ctx, user, except, a.now.Stamp())
	a.live.Clear()
	a.people.Drop(user)
	return core.StoreFailed(err)
}

// choose sets the password of the user whom a ticket names.
func (a *Accounts) choose(ctx context.Context, from core.Visitor, kind core.TicketKind, ticket, name, password string) (core.User, error) {
	if err := a.Throttle(ctx, "ticket from "+core.NetworkOf(from.Address)); err != nil {
		return core.User{}, err
	}
	if err := checkPassword("password", password, ""); err != nil {
		return core.User{}, err
	}
	if err := core.CheckText("name", name, 0, core.MaxUserNameLength); err != nil {
		return core.User{}, err
	}
	used, err := a.use(ctx, kind, ticket)
	if err != nil {
		return core.User{}, err
	}
	user, err := a.Users.User(ctx, used.Org, used.User)
	if core.IsNotFound(err) || err == nil && user.State == core.UserDisabled {
		return core.User{}, errBadTicket
	}
	if err != nil {
		return core.User{}, core.StoreFailed(err)
	}
	if name != "" {
		user.Name = name
	}
	return a.setPassword(ctx, user, password)
}

func (a *Accounts) setPassword(ctx context.Context, user core.User, password string) (core.User, error) {
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return core.User{}, core.StoreFailed(err)
	}
	user.PasswordHash, user.State = hash, core.UserActive
	user.Revision++
	user.UpdatedAt = a.now.Stamp()
	err = a.Users.UpdateUser(ctx, user)
	a.people.Drop(user.ID)
	return user, core.StoreFailed(err)
}

// ChangePassword sets another password for who knows the present one. All
// other sessions end.
func (a *Accounts) ChangePassword(ctx context.Context, from core.Visitor, who core.Principal, present, next string) error {
	if who.User.IsZero() {
		return core.Errorf(core.CodeForbidden, "a key has no password")
	}
	user, err := a.Users.User(ctx, who.Org, who.User)
	if err != nil {
		return core.StoreFailed(err)
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
	a.Record(ctx, from.Record(who, core.AuditPasswordChanged, "user", user.ID))
	a.tellOfPassword(ctx, user)
	return a.endAll(ctx, user.ID, who.Session)
}

// tellOfPassword tells a user of another password, in case it was not the
// user's doing. The password is changed, whether or not the mail arrives.
func (a *Accounts) tellOfPassword(ctx context.Context, user core.User) {
	_ = a.mail(ctx, user.Email, "Your EventFlow password was changed", "The password of this address was changed, and all other sessions were ended. "+
		"If it was not you, choose another password at once and tell an admin.\n\n"+a.Links+"\n")
}

// Forgot sends a link by which a user can choose another password. Whether
// there is such a user, neither the answer tells nor the time it takes: the link
// is made and sent after it, and who gets none asks for another one.
func (a *Accounts) Forgot(ctx context.Context, from core.Visitor, email string) error {
	email = normalEmail(email)
	for _, key := range []string{"forgot " + email, "forgot from " + core.NetworkOf(from.Address)} {
		if err := a.Throttle(ctx, key); err != nil {
			return err
		}
	}
	user, err := a.userOf(ctx, email)
	if core.IsNotFound(err) || err == nil && user.State != core.UserActive {
		return nil
	}
	if err != nil {
		return core.StoreFailed(err)
	}
	a.later(ctx, func(ctx context.Context) error { return a.sendReset(ctx, from, user) })
	return nil
}

func (a *Accounts) sendReset(ctx context.Context, from core.Visitor, user core.User) error {
	text, err := a.ticket(ctx, core.TicketReset, user.Org, user.ID, core.ResetTicketLife)
	if err != nil {
		return err
	}
	a.Record(ctx, from.Record(user.Principal(), core.AuditPasswordForgotten, "user", user.ID))
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

// checkPassword holds a new password to the policy. It never quotes it.
func checkPassword(field, password, email string) error {
	length := utf8.RuneCountInString(password)
	if !utf8.ValidString(password) || length < core.MinPasswordLength || length > core.MaxPasswordLength {
		return core.Invalid(field, "must have %d to %d characters", core.MinPasswordLength, core.MaxPasswordLength)
	}
	var upper, lower, digit, special bool
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		default:
			special = true
		}
	}
	if !upper || !lower || !digit || !special {
		return core.Invalid(field, "must have an upper-case letter, a lower-case letter, a digit and another character")
	}
	if local, _, _ := strings.Cut(email, "@"); len(local) > 3 && strings.Contains(strings.ToLower(password), local) {
		return core.Invalid(field, "must not contain the address")
	}
	if guessable(password) {
		return core.Invalid(field, "is among the first that anybody would guess: use several words that are not on every list")
	}
	return nil
}
