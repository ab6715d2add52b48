package identity

import (
	"context"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Tickets makes the tickets that people are sent as links, and redeems them.
type Tickets struct {
	tickets    core.Tickets
	users      core.Users
	authorizer core.Authorizer
	secrets    secrets
	post       post
	record     core.Recorder
	now        core.Clock
}

var errBadTicket = core.Errorf(core.CodeUnauthorized, "the link is wrong, has been used before or has expired; ask for another one")

// A ticket's text is `eft_`, 32 random base-62 characters (190 bits) and a
// checksum of 6 characters, like an API key's.
const ticketPrefix = "eft_"

func wellFormedTicket(text string) bool {
	split := len(text) - keyChecksumLength
	return strings.HasPrefix(text, ticketPrefix) && split == len(ticketPrefix)+keyRandomLength && isBase62(text[len(ticketPrefix):split]) &&
		endsInChecksum(text)
}

// ticketMessage is what is signed of a ticket. The signature is the hash that
// the catalog keeps; the text itself is kept nowhere.
func ticketMessage(text string) []byte { return []byte("ticket " + text) }

// issue makes a ticket and returns its text. A zero user is somebody who does
// not exist yet.
func (t *Tickets) issue(ctx context.Context, kind core.TicketKind, org, user core.ID, life time.Duration) (string, error) {
	text := newKeyText(ticketPrefix, keyRandomLength)
	now := t.now.Stamp()
	err := t.tickets.CreateTicket(ctx, core.Ticket{
		ID: core.RandomID(now), Kind: kind, Org: org, User: user, Hash: core.KeyHash(t.secrets.sign(ticketMessage(text))),
		CreatedAt: now, ExpiresAt: now.Add(life),
	})
	return text, core.StoreFailed(err)
}

// returnTimeout bounds how long a ticket that is given back waits for the catalog.
const returnTimeout = 5 * time.Second

// redeem uses a ticket up for a step. If the step fails, the ticket is as good as it was
// before: whoever is refused, or comes while the store is away, tries again. Of several
// who try at once, one gets to the step. Every bad ticket gets the same answer. A text
// whose checksum is wrong never reaches the catalog.
func (t *Tickets) redeem(ctx context.Context, kind core.TicketKind, text string, step func(core.Ticket) error) error {
	ticket, err := t.find(text, func(hash core.KeyHash) (core.Ticket, error) {
		return t.tickets.UseTicket(ctx, kind, hash, t.now.Stamp())
	})
	if err != nil {
		return err
	}
	if err = step(ticket); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTimeout)
	defer cancel()
	_ = t.tickets.ReturnTicket(ctx, ticket.ID) // or another link has to be made
	return err
}

// peek returns a ticket that redeem would use up.
func (t *Tickets) peek(ctx context.Context, kind core.TicketKind, text string) (core.Ticket, error) {
	return t.find(text, func(hash core.KeyHash) (core.Ticket, error) { return t.tickets.Ticket(ctx, kind, hash, t.now.Stamp()) })
}

// find finds the ticket with a text by its hash.
func (t *Tickets) find(text string, get func(core.KeyHash) (core.Ticket, error)) (core.Ticket, error) {
	if !wellFormedTicket(text) {
		return core.Ticket{}, errBadTicket
	}
	for _, key := range t.secrets.keys {
		ticket, err := get(core.KeyHash(sign(key, ticketMessage(text))))
		if !core.IsNotFound(err) {
			return ticket, core.StoreFailed(err)
		}
	}
	return core.Ticket{}, errBadTicket
}

// voidResets makes void what users have of links to another password. Whoever changes
// the password does so because somebody else may know it, or read the mail.
func (t *Tickets) voidResets(ctx context.Context, users []core.User) error {
	for _, user := range users {
		if err := t.tickets.VoidTickets(everywhere(ctx), core.TicketReset, user.ID); err != nil {
			return core.StoreFailed(err)
		}
	}
	return nil
}
