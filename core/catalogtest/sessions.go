package catalogtest

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var sessions = []guarantee{
	{"a session is found as it was stored", storedSession},
	{"a session's times are in UTC to the microsecond", sessionTimes},
	{"a session's id is taken", takenSessionID},
	{"a session that is not there is not found", noSessionThere},
	{"an expired session is found", expiredSession},
	{"every address and browser of a session is text and nothing else", oddBrowsers},
	{"a session is rotated from its generation only", rotatedSession},
	{"a revoked session is not rotated", rotatedAfterItsEnd},
	{"a session is moved to another user from its generation only", movedSession},
	{"a session is not moved to a user who may not have it", unmovedSession},
	{"no session is moved to a user who is signed out meanwhile", racingMoves},
	{"a session is revoked once", revokedSession},
	{"all sessions of a user are revoked but one", revokedSessions},
	{"sessions and tickets are forgotten once they have expired", forgottenSessions},
	{"of many that rotate a session one does", racingTabs},
	{"a session that was revoked stays as it was", racingEnd},
	{"sessions of one user end beside each other", racingEnds},
}

func racingTabs(s *suite) { raceTabs(s, []core.Catalog{s.catalog}) }

// newSession makes up a session with something in every field.
func newSession(user core.User) core.Session {
	return core.Session{
		ID: newID(start), Org: user.Org, User: user.ID, Generation: 1, RotatedAt: start.Add(time.Microsecond), CreatedAt: start,
		ExpiresAt: start.Add(core.RefreshTokenLife), Address: "2001:db8::1", UserAgent: `Mozilla/5.0 (X11; "it's" %_\)`,
	}
}

// createdSession stores a new session.
func (s *suite) createdSession(user core.User) core.Session {
	s.Helper()
	return s.storedSession(newSession(user))
}

func (s *suite) storedSession(session core.Session) core.Session {
	s.Helper()
	s.must(s.catalog.CreateSession(context.Background(), session), "CreateSession")
	return session
}

// hasSession checks that a session is found as it was stored.
func (s *suite) hasSession(want core.Session) {
	s.Helper()
	got, err := s.catalog.Session(context.Background(), want.ID)
	s.must(err, "Session")
	s.check(reflect.DeepEqual(got, want), "the session must come back as it was stored, times in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

// noSession checks that there is no session of an id.
func (s *suite) noSession(id core.ID) {
	s.Helper()
	_, err := s.catalog.Session(context.Background(), id)
	s.refused(err, core.CodeNotFound, "Session of a session that is not there")
}

// rotate raises the generation and returns the session as it must be then.
func (s *suite) rotate(session core.Session, at time.Time) core.Session {
	s.Helper()
	s.must(s.catalog.RotateSession(context.Background(), session.ID, session.Generation, at), "RotateSession")
	session.Generation++
	session.RotatedAt = at
	return session
}

// end revokes a session and returns it as it must be then.
func (s *suite) end(session core.Session, at time.Time) core.Session {
	s.Helper()
	s.must(s.catalog.RevokeSession(context.Background(), session.ID, at), "RevokeSession")
	session.RevokedAt = &at
	return session
}

func storedSession(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	first, most := s.createdSession(user), newSession(user)
	least := core.Session{ID: newID(start), Org: user.Org, User: user.ID, Generation: 1, RotatedAt: start, CreatedAt: start, ExpiresAt: start}
	most.Generation, most.RevokedAt, most.UserAgent = math.MaxInt64-1, new(start.Add(time.Hour)), strings.Repeat("\U0001f389", 256)
	for _, session := range []core.Session{first, s.storedSession(least), s.storedSession(most)} {
		s.hasSession(session)
	}
}

func sessionTimes(s *suite) {
	elsewhere := time.FixedZone("elsewhere", 3*3600)
	want := newSession(s.createdUser(s.organization(), "ann@example.com"))
	given := want
	given.RotatedAt, given.CreatedAt = want.RotatedAt.Add(1).In(elsewhere), want.CreatedAt.Add(500).In(elsewhere)
	given.ExpiresAt = want.ExpiresAt.Add(999).In(elsewhere)
	s.storedSession(given)
	s.hasSession(want)
	s.rotate(want, start.Add(time.Minute+999).In(elsewhere))
	want.Generation, want.RotatedAt = 2, start.Add(time.Minute)
	s.hasSession(want)
	s.end(want, start.Add(time.Hour+501).In(elsewhere))
	want.RevokedAt = new(start.Add(time.Hour))
	s.hasSession(want)
}

func takenSessionID(s *suite) {
	org := s.organization()
	first := s.createdSession(s.createdUser(org, "ann@example.com"))
	second := newSession(s.createdUser(org, "bob@example.com"))
	second.ID = first.ID
	s.check(s.catalog.CreateSession(context.Background(), second) != nil, "CreateSession with the id of another session must fail")
	s.hasSession(first)
}

func noSessionThere(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	session := s.createdSession(user)
	for _, id := range []core.ID{newID(start), {}, user.ID, user.Org} {
		s.noSession(id)
		s.refused(s.catalog.RotateSession(context.Background(), id, 1, start), core.CodePreconditionFailed, "RotateSession of a session that is not there")
		s.must(s.catalog.RevokeSession(context.Background(), id, start), "RevokeSession of a session that is not there")
	}
	for _, id := range []core.ID{newID(start), {}, session.ID, user.Org} {
		s.must(s.catalog.RevokeSessions(context.Background(), id, core.ID{}, start), "RevokeSessions of a user that is not there")
	}
	s.hasSession(session)
}

func expiredSession(s *suite) {
	session := newSession(s.createdUser(s.organization(), "ann@example.com"))
	session.ExpiresAt = session.CreatedAt.Add(-time.Hour) // long ago by any clock, and before it was made
	s.hasSession(s.storedSession(session))
}

func oddBrowsers(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	for _, text := range oddNames {
		session := newSession(user)
		session.Address, session.UserAgent = text, text+"\t"
		s.hasSession(s.storedSession(session))
	}
}

func rotatedSession(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	session, other := s.createdSession(user), s.createdSession(user)
	for i := range 4 {
		for _, wrong := range []int64{session.Generation - 1, session.Generation + 1, -session.Generation, 0, math.MaxInt64} {
			if wrong != session.Generation {
				s.refused(s.catalog.RotateSession(context.Background(), session.ID, wrong, start.Add(time.Hour)), core.CodePreconditionFailed, "RotateSession from another generation")
			}
		}
		s.hasSession(session)
		session = s.rotate(session, start.Add(time.Duration(i)*time.Second))
		s.hasSession(session)
		s.hasSession(other)
	}
}

func (s *suite) move(session core.Session, user core.User, at time.Time) core.Session {
	s.Helper()
	s.must(s.catalog.MoveSession(context.Background(), session.ID, session.Generation, user.Org, user.ID, at), "MoveSession")
	session.Org, session.User, session.RotatedAt = user.Org, user.ID, at
	session.Generation++
	return session
}

func movedSession(s *suite) {
	here, there := s.createdUser(s.organization(), "ann@example.com"), s.createdUser(s.organization(), "ann@example.com")
	session, other := s.createdSession(here), s.createdSession(here)
	for i := range 4 {
		next, at := []core.User{there, here}[i%2], start.Add(time.Duration(i)*time.Second)
		for _, wrong := range []int64{session.Generation - 1, session.Generation + 1, 0, math.MaxInt64} {
			if wrong != session.Generation {
				err := s.catalog.MoveSession(context.Background(), session.ID, wrong, next.Org, next.ID, at)
				s.refused(err, core.CodePreconditionFailed, "MoveSession from another generation")
			}
		}
		s.hasSession(session)
		session = s.move(session, next, at)
		s.hasSession(session)
		s.hasSession(other)
		session = s.rotate(session, at)
		s.hasSession(session)
	}
	moved := s.move(session, there, start)
	s.must(s.catalog.SignOutUser(context.Background(), here.Org, here.ID, start.Add(time.Minute)), "SignOutUser")
	s.hasSession(moved) // it is not that user's any more
	moved = s.end(moved, start.Add(time.Hour))
	err := s.catalog.MoveSession(context.Background(), moved.ID, moved.Generation, there.Org, there.ID, start)
	s.refused(err, core.CodePreconditionFailed, "MoveSession of a revoked session")
	err = s.catalog.MoveSession(context.Background(), newID(start), 1, there.Org, there.ID, start)
	s.refused(err, core.CodePreconditionFailed, "MoveSession of a session that is not there")
	s.hasSession(moved)
}

func unmovedSession(s *suite) {
	session := s.createdSession(s.createdUser(s.organization(), "ann@example.com"))
	refused := func(user core.User, why string) {
		s.Helper()
		err := s.catalog.MoveSession(context.Background(), session.ID, session.Generation, user.Org, user.ID, start)
		s.refused(err, core.CodeNotFound, "MoveSession to a user who "+why)
		s.hasSession(session)
	}
	for _, state := range []core.UserState{core.UserInvited, core.UserDisabled} {
		user := newUser(s.organization(), "ann@example.com")
		user.State = state
		s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
		refused(user, "is "+string(state))
	}
	user := s.createdUser(s.organization(), "ann@example.com")
	refused(core.User{Org: session.Org, ID: user.ID}, "is of another organization")
	refused(core.User{Org: user.Org, ID: newID(start)}, "is not there")
	for _, at := range []time.Time{session.CreatedAt, session.CreatedAt.Add(time.Hour)} {
		s.must(s.catalog.SignOutUser(context.Background(), user.Org, user.ID, at), "SignOutUser")
		refused(user, "was signed out since it was created")
	}
	s.must(s.catalog.SignOutUser(context.Background(), user.Org, user.ID, session.CreatedAt.Add(-time.Microsecond)), "SignOutUser")
	session = s.move(session, user, start)
	s.deleteUser(user)
	s.noSession(session.ID)
}

// racingMoves signs a user out while many sessions are moved to that user. Those that
// were faster have ended, and the others have not been moved.
func racingMoves(s *suite) {
	here, there := s.createdUser(s.organization(), "ann@example.com"), s.createdUser(s.organization(), "ann@example.com")
	made := make([]core.Session, callers)
	for i := range made {
		made[i] = s.createdSession(here)
	}
	errs := race(callers, func(i int) error {
		if i == callers/2 {
			return s.catalog.SignOutUser(context.Background(), there.Org, there.ID, start.Add(time.Hour))
		}
		return s.catalog.MoveSession(context.Background(), made[i].ID, 1, there.Org, there.ID, start)
	})
	for i, err := range errs {
		if i == callers/2 {
			s.must(err, "SignOutUser beside others")
			continue
		}
		session, found := s.catalog.Session(context.Background(), made[i].ID)
		s.must(found, "Session")
		if err != nil {
			s.refused(err, core.CodeNotFound, "MoveSession to a user who was signed out")
			s.check(session.User == here.ID, "a session that was refused must stay with its user")
			continue
		}
		s.check(session.User == there.ID && session.RevokedAt != nil, "a session that was moved before its user was signed out must have ended, got %s", show(session))
	}
}

func rotatedAfterItsEnd(s *suite) {
	session := s.createdSession(s.createdUser(s.organization(), "ann@example.com"))
	session = s.end(s.rotate(session, start.Add(time.Second)), start.Add(time.Minute))
	for generation := range int64(4) {
		s.refused(s.catalog.RotateSession(context.Background(), session.ID, generation, start), core.CodePreconditionFailed, "RotateSession of a revoked session")
	}
	s.hasSession(session)
}

func revokedSession(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	session, other := s.createdSession(user), s.createdSession(user)
	session = s.end(session, start.Add(time.Minute))
	for _, at := range []time.Time{start, start.Add(time.Hour)} {
		s.hasSession(session)
		s.must(s.catalog.RevokeSession(context.Background(), session.ID, at), "RevokeSession of a revoked session")
		s.must(s.catalog.RevokeSessions(context.Background(), user.ID, other.ID, at), "RevokeSessions")
	}
	s.hasSession(session)
	s.hasSession(other)
}

func revokedSessions(s *suite) {
	org := s.organization()
	ann, bob := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	first, second, kept, bobs := s.createdSession(ann), s.createdSession(ann), s.createdSession(ann), s.createdSession(bob)
	at := start.Add(time.Minute)
	s.must(s.catalog.RevokeSessions(context.Background(), ann.ID, kept.ID, at), "RevokeSessions")
	first.RevokedAt, second.RevokedAt = &at, &at
	for _, session := range []core.Session{first, second, kept, bobs} {
		s.hasSession(session)
	}
	later := start.Add(time.Hour)
	fourth := s.createdSession(ann)
	s.must(s.catalog.RevokeSessions(context.Background(), ann.ID, core.ID{}, later), "RevokeSessions")
	kept.RevokedAt, fourth.RevokedAt = &later, &later
	for _, session := range []core.Session{first, second, kept, fourth, bobs} {
		s.hasSession(session)
	}
	s.must(s.catalog.RevokeSessions(context.Background(), ann.ID, bobs.ID, later), "RevokeSessions but for another's")
	s.hasSession(bobs)
}

func forgottenSessions(s *suite) {
	expiring := func(at time.Time) (core.Session, core.Ticket) {
		user := s.createdUser(s.organization(), newID(start).String()+"@example.com")
		session, ticket := newSession(user), newTicket(core.TicketReset, user)
		session.ExpiresAt, ticket.ExpiresAt = at, at
		return s.storedSession(session), s.storedTicket(ticket)
	}
	before := start.Add(time.Hour)
	oldSession, oldTicket := expiring(before.Add(-time.Microsecond))
	revoked, _ := expiring(before.Add(-time.Minute))
	s.end(revoked, start)
	session, ticket := expiring(before)
	ended, used := expiring(before.Add(time.Minute)) // an end is remembered for as long as a token may come
	ended = s.end(ended, start)
	s.uses(used, start)
	for range 2 {
		s.must(s.catalog.ForgetSessions(context.Background(), before), "ForgetSessions")
		s.noSession(oldSession.ID)
		s.noSession(revoked.ID)
		s.noTicket(oldTicket, start)
		s.hasSession(session)
		s.hasSession(ended)
		s.noTicket(used, start)
	}
	s.uses(ticket, start)
}

func raceTabs(s *suite, handles []core.Catalog) {
	session := s.createdSession(s.createdUser(s.organization(), newID(start).String()+"@example.com"))
	for range 3 {
		winner := s.won(race(callers, func(i int) error {
			return handles[i%len(handles)].RotateSession(context.Background(), session.ID, session.Generation, start.Add(time.Duration(i)*time.Second))
		}), core.CodePreconditionFailed, "RotateSession")
		session.Generation++
		session.RotatedAt = start.Add(time.Duration(winner) * time.Second)
		s.hasSession(session)
	}
}

// racingEnd revokes a session while others rotate it. A rotation that begins after
// that must be refused.
func racingEnd(s *suite) {
	session := s.createdSession(s.createdUser(s.organization(), "ann@example.com"))
	var ended atomic.Bool
	for _, err := range race(10, func(i int) error {
		for {
			over := ended.Load()
			current, err := s.catalog.Session(context.Background(), session.ID)
			if err != nil {
				return err
			}
			if i == 0 && current.Generation > 20 {
				err := s.catalog.RevokeSession(context.Background(), session.ID, start)
				ended.Store(true)
				return err
			}
			err = s.catalog.RotateSession(context.Background(), session.ID, current.Generation, start.Add(time.Hour))
			switch {
			case err == nil && over:
				return fmt.Errorf("a revoked session was rotated, from generation %d", current.Generation)
			case err != nil && core.CodeOf(err) != core.CodePreconditionFailed:
				return err
			case over:
				return nil
			}
		}
	}) {
		s.must(err, "a session that is rotated and revoked at once")
	}
	got, err := s.catalog.Session(context.Background(), session.ID)
	s.must(err, "Session")
	s.check(got.RevokedAt != nil && got.RevokedAt.Equal(start), "a revoked session must stay revoked, got %s", show(got))
}

// racingEnds ends the sessions of a user in all ways at once.
func racingEnds(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	made := make([]core.Session, callers)
	for i := range made {
		made[i] = s.createdSession(user)
	}
	for _, err := range race(callers, func(i int) error {
		switch i % 3 {
		case 0:
			return s.catalog.RevokeSessions(context.Background(), user.ID, made[0].ID, start)
		case 1:
			return s.catalog.RevokeSession(context.Background(), made[i].ID, start)
		default:
			return s.catalog.ForgetSessions(context.Background(), start)
		}
	}) {
		s.must(err, "ending sessions beside each other")
	}
	s.hasSession(made[0])
	for _, session := range made[1:] {
		session.RevokedAt = &start
		s.hasSession(session)
	}
}
