package core

import "time"

// TicketKind says what a ticket is for.
type TicketKind string

// The kinds of tickets.
const (
	// TicketSetup makes the first admin of an organization.
	TicketSetup TicketKind = "setup"
	// TicketInvite lets an invited user choose a password.
	TicketInvite TicketKind = "invite"
	// TicketReset lets a user choose another password.
	TicketReset TicketKind = "reset"
)

// Ticket is the right to do one thing once, given away as a link. Only the hash of
// the link's secret is kept.
type Ticket struct {
	ID        ID
	Kind      TicketKind
	Org       ID
	User      ID // zero for a set-up
	Hash      KeyHash
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// The lives of the kinds of tickets.
const (
	ResetTicketLife  = 15 * time.Minute
	SetupTicketLife  = 30 * time.Minute
	InviteTicketLife = 7 * 24 * time.Hour
)
