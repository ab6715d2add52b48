package catalogtest

import (
	"context"
	"reflect"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var tickets = []guarantee{
	{"a ticket is used as it was stored", storedTicket},
	{"a ticket's times are in UTC to the microsecond", ticketTimes},
	{"a ticket is used once", usedOnce},
	{"a ticket that is returned is good again", returnedTicket},
	{"a user's tickets of a kind are made void", voidedTickets},
	{"a ticket expires", expiredTicket},
	{"a ticket is of its kind only", ticketKinds},
	{"a hash names one ticket exactly", ticketHashes},
	{"a ticket's hash is taken", takenTicketHash},
	{"a newer ticket makes the older ones void", newerTicket},
	{"a ticket voids no other kind, user or organization's", otherTickets},
	{"of many that use a ticket one does", racingUses},
	{"of many that make a ticket one is good", racingTickets},
}

func racingUses(s *suite)    { raceUses(s, []core.Catalog{s.catalog}) }
func racingTickets(s *suite) { raceTickets(s, []core.Catalog{s.catalog}) }

// newTicket makes up a ticket for a user. For a set-up, of the user only the
// organization is set.
func newTicket(kind core.TicketKind, user core.User) core.Ticket {
	id := newID(start)
	hash := core.KeyHash{0: 0x27, 1: 0x00, 2: 0xff, 3: 0x5c} // a quote, a zero, no UTF-8, a backslash
	copy(hash[4:], id[:])
	return core.Ticket{ID: id, Kind: kind, Org: user.Org, User: user.ID, Hash: hash, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
}

// createdTicket stores a new ticket.
func (s *suite) createdTicket(kind core.TicketKind, user core.User) core.Ticket {
	s.Helper()
	return s.storedTicket(newTicket(kind, user))
}

func (s *suite) storedTicket(ticket core.Ticket) core.Ticket {
	s.Helper()
	s.must(s.catalog.CreateTicket(context.Background(), ticket), "CreateTicket")
	return ticket
}

// uses redeems a ticket and checks that it is what was stored.
func (s *suite) uses(want core.Ticket, at time.Time) {
	s.Helper()
	for range 2 { // looking does not use it up
		got, err := s.catalog.Ticket(context.Background(), want.Kind, want.Hash, at)
		s.must(err, "Ticket")
		s.check(reflect.DeepEqual(got, want), "Ticket must return the ticket as it was stored:\nwant %s\ngot  %s", show(want), show(got))
	}
	got, err := s.catalog.UseTicket(context.Background(), want.Kind, want.Hash, at)
	s.must(err, "UseTicket")
	want.UsedAt = &at
	s.check(reflect.DeepEqual(got, want), "UseTicket must return the ticket as it was stored, used at that time:\nwant %s\ngot  %s", show(want), show(got))
}

// noTicket checks that a ticket is good for nothing.
func (s *suite) noTicket(ticket core.Ticket, at time.Time) {
	s.Helper()
	got, err := s.catalog.UseTicket(context.Background(), ticket.Kind, ticket.Hash, at)
	s.refused(err, core.CodeNotFound, "UseTicket of a ticket that is unknown, used, void or expired")
	s.check(got == core.Ticket{}, "a ticket that is not good must not be shown, got %s", show(got))
	got, err = s.catalog.Ticket(context.Background(), ticket.Kind, ticket.Hash, at)
	s.refused(err, core.CodeNotFound, "Ticket of a ticket that is unknown, used, void or expired")
	s.check(got == core.Ticket{}, "a ticket that is not good must not be shown, got %s", show(got))
}

func storedTicket(s *suite) {
	org := s.organization()
	user := s.createdUser(org, "ann@example.com")
	setup := s.createdTicket(core.TicketSetup, core.User{Org: org})
	invite, reset := s.createdTicket(core.TicketInvite, user), s.createdTicket(core.TicketReset, user)
	s.uses(reset, start)
	s.uses(setup, start.Add(time.Minute))
	s.uses(invite, start.Add(time.Second))
}

func ticketTimes(s *suite) {
	elsewhere := time.FixedZone("elsewhere", -3*3600)
	want := newTicket(core.TicketSetup, core.User{Org: s.organization()})
	given := want
	given.CreatedAt, given.ExpiresAt = want.CreatedAt.Add(1).In(elsewhere), want.ExpiresAt.Add(999).In(elsewhere)
	s.storedTicket(given)
	got, err := s.catalog.UseTicket(context.Background(), want.Kind, want.Hash, start.Add(time.Minute+500).In(elsewhere))
	s.must(err, "UseTicket")
	want.UsedAt = new(start.Add(time.Minute))
	s.check(reflect.DeepEqual(got, want), "a ticket's times must be in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

func usedOnce(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	for _, kind := range []core.TicketKind{core.TicketReset, core.TicketInvite, core.TicketReset} {
		ticket := s.createdTicket(kind, user)
		s.uses(ticket, start.Add(time.Minute))
		for _, at := range []time.Time{start, start.Add(time.Minute), start.Add(time.Hour)} {
			s.noTicket(ticket, at)
		}
	}
}

func returnedTicket(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	ticket, other := s.createdTicket(core.TicketReset, user), s.createdTicket(core.TicketInvite, user)
	giveBack := func(ticket core.Ticket) {
		s.must(s.catalog.ReturnTicket(context.Background(), ticket.ID), "ReturnTicket")
	}
	giveBack(ticket) // which is not used
	s.uses(other, start)
	for range 2 {
		s.uses(ticket, start.Add(time.Minute))
		s.noTicket(ticket, start)
		giveBack(ticket)
		s.noTicket(ticket, ticket.ExpiresAt)
		s.noTicket(other, start)
	}
	s.uses(ticket, start)
	newer := s.createdTicket(core.TicketReset, user)
	giveBack(ticket)
	s.noTicket(ticket, start)
	s.uses(newer, start)
	giveBack(core.Ticket{ID: newID(start)})
}

func voidedTickets(s *suite) {
	org := s.organization()
	ann, bob := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	reset, invite, his := s.createdTicket(core.TicketReset, ann), s.createdTicket(core.TicketInvite, ann), s.createdTicket(core.TicketReset, bob)
	for range 2 {
		s.must(s.catalog.VoidTickets(context.Background(), core.TicketReset, ann.ID), "VoidTickets")
	}
	s.noTicket(reset, start)
	s.uses(invite, start)
	s.uses(his, start)
	s.uses(s.createdTicket(core.TicketReset, ann), start)
}

func expiredTicket(s *suite) {
	org := s.organization()
	ticket := s.createdTicket(core.TicketSetup, core.User{Org: org})
	for _, at := range []time.Time{ticket.ExpiresAt.Add(1000 * time.Hour), ticket.ExpiresAt.Add(time.Microsecond), ticket.ExpiresAt} {
		s.noTicket(ticket, at)
	}
	s.uses(ticket, ticket.ExpiresAt.Add(-time.Microsecond)) // a refused use does not use it up
	past := newTicket(core.TicketSetup, core.User{Org: org})
	past.CreatedAt, past.ExpiresAt = start.Add(-2*time.Hour), start.Add(-time.Hour) // long ago by any clock
	s.storedTicket(past)
	s.noTicket(past, start)
	s.uses(past, start.Add(-90*time.Minute))
}

func ticketKinds(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	for _, kind := range []core.TicketKind{core.TicketInvite, core.TicketReset} {
		ticket := s.createdTicket(kind, user)
		for _, other := range []core.TicketKind{core.TicketSetup, core.TicketInvite, core.TicketReset, "", "%", "RESET"} {
			if wrong := ticket; other != kind {
				wrong.Kind = other
				s.noTicket(wrong, start)
			}
		}
		s.uses(ticket, start)
	}
}

func ticketHashes(s *suite) {
	ticket := s.createdTicket(core.TicketSetup, core.User{Org: s.organization()})
	s.noTicket(core.Ticket{Kind: ticket.Kind}, start)
	for i := range ticket.Hash {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			near := ticket
			near.Hash[i] ^= bit
			s.noTicket(near, start)
		}
	}
	s.uses(ticket, start)
}

func takenTicketHash(s *suite) {
	org := s.organization()
	first := s.createdTicket(core.TicketReset, s.createdUser(org, "ann@example.com"))
	second := newTicket(core.TicketInvite, s.createdUser(org, "bob@example.com"))
	older := s.createdTicket(core.TicketInvite, core.User{Org: org, ID: second.User})
	second.Hash = first.Hash
	s.check(s.catalog.CreateTicket(context.Background(), second) != nil, "CreateTicket with the hash of another ticket must fail")
	second.Hash, second.ID = newTicket(core.TicketInvite, core.User{}).Hash, first.ID
	s.check(s.catalog.CreateTicket(context.Background(), second) != nil, "CreateTicket with the id of another ticket must fail")
	s.noTicket(second, start)
	s.uses(first, start)
	s.uses(older, start) // a ticket that was not made voids none
}

func newerTicket(s *suite) {
	org := s.organization()
	user := s.createdUser(org, "ann@example.com")
	for kind, whose := range map[core.TicketKind]core.User{core.TicketSetup: {Org: org}, core.TicketInvite: user, core.TicketReset: user} {
		first, second := s.createdTicket(kind, whose), s.createdTicket(kind, whose)
		third := newTicket(kind, whose)
		third.CreatedAt, third.ExpiresAt = start.Add(-time.Hour), start.Add(30*time.Minute) // by a clock that is behind
		s.storedTicket(third)
		s.noTicket(first, start)
		s.noTicket(second, start)
		s.uses(third, start)
		s.noTicket(first, start)
		s.uses(s.createdTicket(kind, whose), start)
	}
}

func otherTickets(s *suite) {
	one, two := s.organization(), s.organization()
	ann, bob, eve := s.createdUser(one, "ann@example.com"), s.createdUser(one, "bob@example.com"), s.createdUser(two, "eve@example.com")
	var made []core.Ticket
	for _, user := range []core.User{ann, bob, eve} {
		made = append(made, s.createdTicket(core.TicketInvite, user), s.createdTicket(core.TicketReset, user))
	}
	made = append(made, s.createdTicket(core.TicketSetup, core.User{Org: one}), s.createdTicket(core.TicketSetup, core.User{Org: two}))
	for _, ticket := range made {
		s.uses(ticket, start)
	}
}

func raceUses(s *suite, handles []core.Catalog) {
	ticket := s.createdTicket(core.TicketSetup, core.User{Org: s.organization()})
	got := make([]core.Ticket, callers)
	winner := s.won(race(callers, func(i int) (err error) {
		got[i], err = handles[i%len(handles)].UseTicket(context.Background(), ticket.Kind, ticket.Hash, start.Add(time.Duration(i)*time.Second))
		return err
	}), core.CodeNotFound, "UseTicket")
	ticket.UsedAt = new(start.Add(time.Duration(winner) * time.Second))
	s.check(reflect.DeepEqual(got[winner], ticket), "UseTicket must return the ticket:\nwant %s\ngot  %s", show(ticket), show(got[winner]))
	s.noTicket(ticket, start)
}

// raceTickets makes tickets of one kind for one user at once: whichever was the
// last, the others are older.
func raceTickets(s *suite, handles []core.Catalog) {
	org := s.organization()
	user := s.createdUser(org, newID(start).String()+"@example.com")
	for kind, whose := range map[core.TicketKind]core.User{core.TicketSetup: {Org: org}, core.TicketReset: user} {
		made := make([]core.Ticket, callers)
		for i := range made {
			made[i] = newTicket(kind, whose)
		}
		for _, err := range race(callers, func(i int) error {
			return handles[i%len(handles)].CreateTicket(context.Background(), made[i])
		}) {
			s.must(err, "CreateTicket beside others")
		}
		errs := make([]error, callers)
		for i, ticket := range made {
			_, errs[i] = s.catalog.UseTicket(context.Background(), kind, ticket.Hash, start)
		}
		s.won(errs, core.CodeNotFound, "UseTicket of the tickets")
	}
}
