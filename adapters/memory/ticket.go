package memory

import (
	"context"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownTicket(ticket core.Ticket) core.Ticket {
	ticket.CreatedAt, ticket.ExpiresAt, ticket.UsedAt = utc(ticket.CreatedAt), utc(ticket.ExpiresAt), utcOrNone(ticket.UsedAt)
	return ticket
}

// CreateTicket implements [core.Tickets].
func (c *Catalog) CreateTicket(ctx context.Context, ticket core.Ticket) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if err := c.checkTicket(ticket); err != nil {
		return err // and void nothing
	}
	maps.DeleteFunc(c.tickets, func(_ core.ID, older core.Ticket) bool {
		return older.Kind == ticket.Kind && older.User == ticket.User && older.Org == ticket.Org
	})
	return add(c.tickets, ticket.ID, ownTicket(ticket))
}

// checkTicket says why a new ticket cannot be: its user is gone, or another
// ticket has its id or hash. A ticket for a set-up has no user.
func (c *Catalog) checkTicket(ticket core.Ticket) error {
	if !ticket.User.IsZero() {
		if _, err := c.userOf(ticket.Org, ticket.User); err != nil {
			return err
		}
	}
	_, taken := find(c.tickets, func(other core.Ticket) bool { return other.ID == ticket.ID || other.Hash == ticket.Hash })
	if taken {
		return errTaken
	}
	return nil
}

// Ticket implements [core.Tickets].
func (c *Catalog) Ticket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	if err := c.enter(ctx); err != nil {
		return core.Ticket{}, err
	}
	defer c.mu.Unlock()
	ticket, err := c.goodTicket(kind, hash, at)
	return ownTicket(ticket), err
}

// goodTicket finds a ticket that can be used. mu is held.
func (c *Catalog) goodTicket(kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	ticket, ok := find(c.tickets, func(ticket core.Ticket) bool { return ticket.Hash == hash })
	if !ok || ticket.Kind != kind || ticket.UsedAt != nil || !at.Before(ticket.ExpiresAt) {
		return core.Ticket{}, missing("ticket")
	}
	return ticket, nil
}

// UseTicket implements [core.Tickets].
func (c *Catalog) UseTicket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	if err := c.enter(ctx); err != nil {
		return core.Ticket{}, err
	}
	defer c.mu.Unlock()
	ticket, err := c.goodTicket(kind, hash, at)
	if err != nil {
		return core.Ticket{}, err
	}
	ticket.UsedAt = new(utc(at))
	c.tickets[ticket.ID] = ticket
	return ownTicket(ticket), nil
}

// ReturnTicket implements [core.Tickets].
func (c *Catalog) ReturnTicket(ctx context.Context, id core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if ticket, ok := c.tickets[id]; ok {
		ticket.UsedAt = nil
		c.tickets[id] = ticket
	}
	return nil
}

// VoidTickets implements [core.Tickets].
func (c *Catalog) VoidTickets(ctx context.Context, kind core.TicketKind, user core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	maps.DeleteFunc(c.tickets, func(_ core.ID, ticket core.Ticket) bool { return ticket.Kind == kind && ticket.User == user })
	return nil
}
