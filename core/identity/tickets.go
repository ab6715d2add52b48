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
		keyChecksum(text[:split]) == text[split:]
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

// redeem uses a ticket up. Every bad ticket gets the same answer. A text whose
// checksum is wrong never reaches the catalog.
func (t *Tickets) redeem(ctx context.Context, kind core.TicketKind, text string) (core.Ticket, error) {
	return t.find(text, func(hash core.KeyHash) (core.Ticket, error) {
		return t.tickets.UseTicket(ctx, kind, hash, t.now.Stamp())
	})
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
