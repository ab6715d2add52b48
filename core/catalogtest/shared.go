package catalogtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var reopening = []guarantee{
	{"everything survives", reopened},
	{"revisions, names and hashes survive", reopenedRules},
}

var sharing = []guarantee{
	{"each sees at once what the other stores", seesAtOnce},
	{"an engine that tells the time tells all the same", tellsOneTime},
	{"one catalog for all that race", racingHandles},
	{"several can open a new catalog at once", openedAtOnce},
	{"one may close while another goes on", closedBeside},
}

// reopen closes the catalog and opens it again.
func (s *suite) reopen() {
	s.Helper()
	s.must(s.catalog.Close(), "Close")
	s.catalog = s.again()
}

func reopened(s *suite) {
	org := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start})
	org = s.limited(org, core.Rate{PerMinute: 2, PerSecond: 1}, core.Rate{PerMinute: 4, PerSecond: 3})
	want := s.several(org.ID, oddNames...)
	want[3] = s.update(want[3], func(stream *core.Stream) { stream.Description = "changed" })
	deleted := s.remove(s.created(org.ID, "deleted"))
	key, revoked := s.createdKey(newKey(org.ID, "web shop")), s.createdKey(newKey(org.ID, "old shop"))
	s.revoke(revoked, start.Add(time.Hour))
	revoked.RevokedAt = new(start.Add(time.Hour))
	source := s.createdSource(want[0], "shop")
	refused := newRefusal(source.ID, 1)
	s.must(s.catalog.AddRefusal(context.Background(), refused), "AddRefusal")
	processor := s.createdProcessor(want[0], "mail")
	delivery := newDelivery(processor, start)
	s.noted(processor, delivery)
	ann, bob := s.guest(org.ID), s.guest(org.ID)
	ann.session = s.rotate(ann.session, start.Add(time.Second))
	bob.session = s.end(bob.session, start.Add(time.Minute))
	s.uses(bob.ticket, start)
	for range 2 {
		s.reopen()
		s.must(s.catalog.Check(context.Background()), "Check")
		got := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start.Add(time.Hour)})
		s.check(got == org, "the organization must survive: want %+v, got %+v", org, got)
		s.sameStreams(s.list(org.ID, everything), want)
		s.gone(org.ID, deleted.ID)
		s.check(len(s.all(everything)) == len(want)+1, "a deleted stream must survive, in AllStreams")
		s.hasKey(key)
		s.hasKey(revoked)
		s.hasSource(source)
		s.refusalsOf(source.ID, refused)
		s.hasProcessor(processor)
		s.listsDeliveries(processor, core.DeliveryScan{}, delivery)
		for _, guest := range []guest{ann, bob} {
			s.hasUser(guest.user)
			s.hasSession(guest.session)
		}
		s.noTicket(bob.ticket, start)
	}
	s.uses(ann.ticket, start)
}

func reopenedRules(s *suite) {
	org := s.organization()
	stream := s.update(s.created(org, "orders"), func(*core.Stream) {})
	key := s.createdKey(newKey(org, "web shop"))
	ann := s.guest(org)
	ann.session = s.rotate(ann.session, start)
	s.reopen()
	s.refused(s.catalog.CreateUser(context.Background(), newUser(org, ann.user.Email)), core.CodeConflict, "CreateUser with a taken address")
	s.refused(s.catalog.UpdateUser(context.Background(), ann.user), core.CodePreconditionFailed, "UpdateUser that does not follow the stored Revision")
	s.refused(s.catalog.RotateSession(context.Background(), ann.session.ID, 1, start), core.CodePreconditionFailed, "RotateSession from another generation")
	s.refused(s.catalog.CreateStream(context.Background(), newStream(org, "orders")), core.CodeConflict, "CreateStream with a taken name")
	s.refused(s.catalog.UpdateStream(context.Background(), stream), core.CodePreconditionFailed, "UpdateStream that does not follow the stored Revision")
	again := newKey(org, "again")
	again.Hash = key.Hash
	s.check(s.catalog.CreateKey(context.Background(), again) != nil, "CreateKey with the hash of another key must fail")
	s.has(s.update(stream, func(stream *core.Stream) { stream.Description = "" }))
}

// seesAtOnce stores by one handle and looks by the other, in turns.
func seesAtOnce(s *suite) {
	handles := []core.Catalog{s.catalog, s.again()}
	org := s.organization()
	for i := range 10 {
		by := func(n int) *suite { return &suite{T: s.T, catalog: handles[(i+n)%2], open: s.open} }
		stream := by(0).created(org, fmt.Sprint("stream ", i))
		by(1).has(stream)
		stream = by(1).update(stream, func(stream *core.Stream) { stream.Name += "!" })
		by(0).has(stream)
		by(0).remove(stream)
		by(1).gone(org, stream.ID)
		by(1).nameless(org, stream.Name)
		key := by(0).createdKey(newKey(org, "web shop"))
		by(1).hasKey(key)
		by(1).revoke(key, start)
		key.RevokedAt = &start
		by(0).hasKey(key)
		by(0).seesPeople(by(1), org)
	}
}

// seesPeople makes changes by s and looks at them by other, and the other way round.
func (s *suite) seesPeople(other *suite, org core.ID) {
	s.Helper()
	guest := s.guest(org)
	for _, by := range []*suite{s, other} {
		by.hasUser(guest.user)
		by.hasSession(guest.session)
	}
	guest.user = other.updateUser(guest.user, func(user *core.User) { user.State = core.UserDisabled })
	s.hasUser(guest.user)
	guest.session = other.rotate(guest.session, start)
	s.hasSession(guest.session)
	other.hasSession(s.end(guest.session, start))
	other.uses(guest.ticket, start)
	s.noTicket(guest.ticket, start)
	voided := s.createdTicket(core.TicketReset, guest.user)
	other.createdTicket(core.TicketReset, guest.user)
	s.noTicket(voided, start)
	s.deleteUser(guest.user)
	other.noUserID(org, guest.user.ID)
	other.noAddress(guest.user.Email)
	other.noSession(guest.session.ID)
}

func racingHandles(s *suite) {
	handles := []core.Catalog{s.catalog, s.again(), s.again()}
	for _, run := range []func(*suite, []core.Catalog){raceOrganizations, raceNames, raceChanges, raceRenames, raceIncrements, raceRevokes, raceAddresses, raceUserChanges, raceAdmins, raceTabs, raceUses, raceTickets} {
		run(s, handles)
	}
}

// openedAtOnce opens data that is not there yet from several tests at once.
func openedAtOnce(s *suite) {
	open := s.place(s.T)
	ids := make([]core.ID, 6)
	s.Run("together", func(t *testing.T) {
		for i := range ids {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				one := &suite{T: t, open: open}
				one.catalog = one.again()
				ids[i] = one.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start}).ID
			})
		}
	})
	for _, id := range ids {
		s.check(id == ids[0], "all that open a catalog must share it: two organizations of one name, %s and %s", id, ids[0])
	}
}

func closedBeside(s *suite) {
	org := s.organization()
	other := s.again()
	stream := s.created(org, "orders")
	s.must(other.Close(), "Close")
	s.has(stream)
	s.has(s.created(org, "payments"))
	s.must(s.catalog.Check(context.Background()), "Check")
}

// tellsOneTime asks two handles by turns. The time that they tell does not go back, or
// is zero at both.
func tellsOneTime(s *suite) {
	var last time.Time
	for i, handle := range []core.Catalog{s.catalog, s.again(), s.catalog} {
		keeper, tells := handle.(core.Timekeeper)
		if !tells {
			return
		}
		now, err := keeper.Time(context.Background())
		s.must(err, "Time")
		s.check(!now.Before(last) && (i == 0 || now.IsZero() == last.IsZero()), "Time must be that of one clock: %s after %s", now, last)
		last = now
	}
}
