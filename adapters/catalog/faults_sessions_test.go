package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

const (
	sessionStored    = "session/a session is found as it was stored"
	sessionAbsent    = "session/a session that is not there is not found"
	sessionRotated   = "session/a session is rotated from its generation only"
	sessionMoved     = "session/a session is moved to another user from its generation only"
	sessionUnmoved   = "session/a session is not moved to a user who may not have it"
	sessionEnded     = "session/a session is revoked once"
	sessionsEnded    = "session/all sessions of a user are revoked but one"
	sessionForgotten = "session/sessions and tickets are forgotten once they have expired"
)

// opens changes sessions before they are stored.
func opens(change func(*core.Session)) func(*faulty) {
	return func(f *faulty) {
		f.createSession = func(ctx context.Context, session core.Session) error {
			change(&session)
			return f.Catalog.CreateSession(ctx, session)
		}
	}
}

// rotates changes sessions by a statement of its own, which is given the next generation,
// the time, the id and the present generation.
func rotates(statement string) func(*faulty) {
	return func(f *faulty) {
		f.rotateSession = func(ctx context.Context, id core.ID, from int64, at time.Time) error {
			done := f.db.WithContext(ctx).Exec(statement, from+1, micros(at), id.String(), from)
			if done.Error == nil && done.RowsAffected == 0 {
				return errMoved
			}
			return done.Error
		}
	}
}

// moves changes the generation from which a session is moved.
func moves(change func(s *core.Session, from *int64)) func(*faulty) {
	return func(f *faulty) {
		f.moveSession = func(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
			if session, err := f.Catalog.Session(ctx, id); err == nil {
				change(&session, &from)
			}
			return f.Catalog.MoveSession(ctx, id, from, org, user, at)
		}
	}
}

// endsAll ends sessions by another user and another exception.
func endsAll(whose func(user, except core.ID) (core.ID, core.ID)) func(*faulty) {
	return func(f *faulty) {
		f.revokeSessions = func(ctx context.Context, user, except core.ID, at time.Time) error {
			user, except = whose(user, except)
			return f.Catalog.RevokeSessions(ctx, user, except, at)
		}
	}
}

// forgets removes by a condition of its own.
func forgets(sessions, tickets string) func(*faulty) {
	return func(f *faulty) {
		f.forgetSessions = func(ctx context.Context, before time.Time) error {
			if err := f.db.WithContext(ctx).Where(tickets, micros(before)).Delete(&ticketRow{}).Error; err != nil {
				return err
			}
			return f.db.WithContext(ctx).Where(sessions, micros(before)).Delete(&sessionRow{}).Error
		}
	}
}

var sessionFaults = []fault{
	{"loses the browser", sessionStored, asStored, opens(func(s *core.Session) { s.UserAgent = "" })},
	{"cuts long browsers", sessionStored, asStored, opens(func(s *core.Session) { s.UserAgent = s.UserAgent[:min(len(s.UserAgent), 256)] })},
	{"begins each session anew", sessionStored, asStored, opens(func(s *core.Session) { s.Generation = 1 })},
	{"trims browsers", "session/every address and browser of a session is text and nothing else", asStored, opens(func(s *core.Session) {
		for len(s.UserAgent) > 0 && s.UserAgent[len(s.UserAgent)-1] == '\t' {
			s.UserAgent = s.UserAgent[:len(s.UserAgent)-1]
		}
	})},
	{"answers in local time", "session/a session's times are in UTC to the microsecond", asStored, func(f *faulty) {
		f.session = func(ctx context.Context, id core.ID) (core.Session, error) {
			session, err := f.Catalog.Session(ctx, id)
			session.ExpiresAt = session.ExpiresAt.In(time.FixedZone("elsewhere", 3600))
			return session, err
		}
	}},
	{"opens a session over another", "session/a session's id is taken", "must fail", func(f *faulty) {
		f.createSession = func(ctx context.Context, session core.Session) error {
			if err := f.sql(ctx, "delete from sessions where id = ?", session.ID.String()); err != nil {
				return err
			}
			return f.Catalog.CreateSession(ctx, session)
		}
	}},
	{"hides expired sessions", "session/an expired session is found", "unexpected error", func(f *faulty) {
		f.session = func(ctx context.Context, id core.ID) (core.Session, error) {
			session, err := f.Catalog.Session(ctx, id)
			if err == nil && session.ExpiresAt.Before(session.CreatedAt) {
				err = core.Errorf(core.CodeNotFound, "expired")
			}
			return session, err
		}
	}},
	{"does not find what it is to end", sessionAbsent, "unexpected error", func(f *faulty) {
		f.revokeSession = func(ctx context.Context, id core.ID, at time.Time) error {
			if _, err := f.Catalog.Session(ctx, id); err != nil {
				return err
			}
			return f.Catalog.RevokeSession(ctx, id, at)
		}
	}},
	{"does not find what it is to rotate", sessionAbsent, asTooLate, func(f *faulty) {
		f.rotateSession = func(ctx context.Context, id core.ID, from int64, at time.Time) error {
			if _, err := f.Catalog.Session(ctx, id); err != nil {
				return err
			}
			return f.Catalog.RotateSession(ctx, id, from, at)
		}
	}},
	{"rotates from any generation", sessionRotated, asTooLate, rotates("update sessions set generation = ?, rotated_at = ? where id = ? and revoked_at is null and ? <> 0")},
	{"rotates from an earlier generation", sessionRotated, asTooLate, rotates("update sessions set generation = ?, rotated_at = ? where id = ? and revoked_at is null and generation > ?")},
	{"rotates all sessions", sessionRotated, asStored, rotates("update sessions set generation = ?, rotated_at = ? where ? <> '' and revoked_at is null and generation = ?")},
	{"does not note when it rotates", sessionRotated, asStored, rotates("update sessions set generation = ? where ? <> 0 and id = ? and revoked_at is null and generation = ?")},
	{"moves from any generation", sessionMoved, asTooLate, moves(func(s *core.Session, from *int64) { *from = s.Generation })},
	{"leaves the organization as it was", sessionMoved, asStored, func(f *faulty) {
		f.moveSession = func(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
			session, _ := f.Catalog.Session(ctx, id)
			if err := f.Catalog.MoveSession(ctx, id, from, org, user, at); err != nil {
				return err
			}
			return f.sql(ctx, "update sessions set org = ? where id = ?", session.Org.String(), id.String())
		}
	}},
	{"moves a session to whom it likes", sessionUnmoved, asNotFound, func(f *faulty) {
		f.moveSession = func(ctx context.Context, id core.ID, _ int64, org, user core.ID, at time.Time) error {
			return f.sql(ctx, "update sessions set generation = generation + 1, org = ?, user_id = ?, rotated_at = ? where id = ?", org.String(), user.String(), micros(at), id.String())
		}
	}},
	{"moves a session to who was signed out", sessionUnmoved, asNotFound, func(f *faulty) {
		f.moveSession = func(ctx context.Context, id core.ID, _ int64, org, user core.ID, at time.Time) error {
			if there, err := f.Catalog.User(ctx, org, user); err != nil || there.State != core.UserActive {
				return core.Errorf(core.CodeNotFound, "none")
			}
			return f.sql(ctx, "update sessions set generation = generation + 1, org = ?, user_id = ?, rotated_at = ? where id = ?", org.String(), user.String(), micros(at), id.String())
		}
	}},
	{"rotates a revoked session", "session/a revoked session is not rotated", asTooLate, rotates("update sessions set generation = ?, rotated_at = ? where id = ? and generation = ?")},
	{"rotates a revoked session, in a race", "session/a session that was revoked stays as it was", "was rotated", rotates("update sessions set generation = ?, rotated_at = ? where id = ? and ? > 0")},
	{"revives a session", "session/a session that was revoked stays as it was", "was rotated", rotates("update sessions set generation = ?, rotated_at = ?, revoked_at = null where id = ? and generation = ?")},
	{"compares the generation before it rotates", "session/of many that rotate a session one does", "one must succeed", func(f *faulty) {
		meet := meeting()
		f.rotateSession = func(ctx context.Context, id core.ID, from int64, at time.Time) error {
			session, err := f.Catalog.Session(ctx, id)
			if err != nil || session.Generation != from || session.RevokedAt != nil {
				return errMoved
			}
			meet()
			return f.sql(ctx, "update sessions set generation = ?, rotated_at = ? where id = ?", from+1, micros(at), id.String())
		}
	}},
	{"ends a session again", sessionEnded, asStored, func(f *faulty) {
		f.revokeSession = func(ctx context.Context, id core.ID, at time.Time) error {
			return f.sql(ctx, "update sessions set revoked_at = ? where id = ?", micros(at), id.String())
		}
	}},
	{"ends all sessions again", sessionEnded, asStored, func(f *faulty) {
		f.revokeSessions = func(ctx context.Context, user, except core.ID, at time.Time) error {
			return f.sql(ctx, "update sessions set revoked_at = ? where user_id = ? and id <> ?", micros(at), user.String(), except.String())
		}
	}},
	{"removes what it is to end", sessionEnded, "unexpected error", func(f *faulty) {
		f.revokeSession = func(ctx context.Context, id core.ID, _ time.Time) error {
			return f.sql(ctx, "delete from sessions where id = ?", id.String())
		}
	}},
	{"ends the session that it is to leave", sessionsEnded, asStored, endsAll(func(user, _ core.ID) (core.ID, core.ID) { return user, core.ID{} })},
	{"ends nothing without an exception", sessionsEnded, asStored, endsAll(func(user, except core.ID) (core.ID, core.ID) {
		if except.IsZero() {
			return core.ID{}, except
		}
		return user, except
	})},
	{"ends everybody's sessions", sessionsEnded, asStored, func(f *faulty) {
		f.revokeSessions = func(ctx context.Context, _, except core.ID, at time.Time) error {
			return f.db.WithContext(ctx).Model(&sessionRow{}).Session(&gorm.Session{AllowGlobalUpdate: true}).
				Where("id <> ? and revoked_at is null", except.String()).UpdateColumn("revoked_at", micros(at)).Error
		}
	}},
	{"ends the first of the sessions", "session/sessions of one user end beside each other", asStored, func(f *faulty) {
		f.revokeSessions = func(ctx context.Context, user, except core.ID, at time.Time) error {
			return f.sql(ctx, "update sessions set revoked_at = ? where id = (select min(id) from sessions where user_id = ? and id <> ?)", micros(at), user.String(), except.String())
		}
	}},
	{"forgets what expires now", sessionForgotten, "unexpected error", forgets("expires_at <= ?", "expires_at < ?")},
	{"forgets tickets that expire now", sessionForgotten, "unexpected error", forgets("expires_at < ?", "expires_at <= ?")},
	{"keeps what has expired", sessionForgotten, asNotFound, forgets("expires_at < ? and 1 = 0", "expires_at < ?")},
	{"keeps what has expired and was ended", sessionForgotten, asNotFound, forgets("expires_at < ? and revoked_at is null", "expires_at < ?")},
	{"keeps tickets that have expired", sessionForgotten, asNotFound, forgets("expires_at < ?", "expires_at < ? and 1 = 0")},
	{"forgets what was ended", sessionForgotten, "unexpected error", forgets("expires_at < ? or revoked_at is not null", "expires_at < ?")},
}
