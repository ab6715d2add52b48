package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type sessionRow struct {
	ID         string `gorm:"primaryKey"`
	Org        string
	UserID     string
	Generation int64
	RotatedAt  int64
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
	RevokedAt  *int64
	Address    string
	UserAgent  string
}

// TableName names the table for GORM.
func (sessionRow) TableName() string { return "sessions" }

// CreateSession implements [core.Sessions].
func (c *Catalog) CreateSession(ctx context.Context, s core.Session) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		return tx.Create(&sessionRow{
			ID: s.ID.String(), Org: s.Org.String(), UserID: s.User.String(), Generation: s.Generation, RotatedAt: micros(s.RotatedAt),
			CreatedAt: micros(s.CreatedAt), ExpiresAt: micros(s.ExpiresAt), RevokedAt: optionalMicros(s.RevokedAt),
			Address: s.Address, UserAgent: s.UserAgent,
		}).Error
	})
}

// Session implements [core.Sessions].
func (c *Catalog) Session(ctx context.Context, id core.ID) (core.Session, error) {
	return take(c.db.WithContext(ctx).Where("id = ?", id.String()), "session", sessionRow.session)
}

// LiveSessions implements [core.Sessions].
func (c *Catalog) LiveSessions(ctx context.Context, user core.ID, at time.Time) ([]core.Session, error) {
	return list(c.db.WithContext(ctx).Where("user_id = ? and revoked_at is null and expires_at > ?", user.String(), micros(at)).
		Order("created_at desc, id").Limit(core.MaxPageSize), sessionRow.session)
}

func (r sessionRow) session() (core.Session, error) {
	s := core.Session{
		Generation: r.Generation, RotatedAt: fromMicros(r.RotatedAt), CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt),
		RevokedAt: fromOptionalMicros(r.RevokedAt), Address: r.Address, UserAgent: r.UserAgent,
	}
	return s, parseIDs(into{r.ID, &s.ID}, into{r.Org, &s.Org}, into{r.UserID, &s.User})
}

// RotateSession implements [core.Sessions].
func (c *Catalog) RotateSession(ctx context.Context, id core.ID, from int64, at time.Time) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		return changed(tx.Model(&sessionRow{}).Where("id = ? and generation = ? and revoked_at is null", id.String(), from).
			UpdateColumns(map[string]any{"generation": from + 1, "rotated_at": micros(at)}), errMoved)
	})
}

// MoveSession implements [core.Sessions]. The user's row is locked until the session
// has moved: whoever signs that user out comes before the look or after the move.
func (c *Catalog) MoveSession(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		next, err := takeUser(tx.Clauses(clause.Locking{Strength: "SHARE"}).
			Where("id = ? and org = ? and state = ?", user.String(), org.String(), string(core.UserActive)))
		if err != nil && !core.IsNotFound(err) {
			return err
		}
		missing := err
		session, err := take(tx.Where("id = ? and generation = ? and revoked_at is null", id.String(), from), "session", sessionRow.session)
		if core.IsNotFound(err) {
			return errMoved
		}
		if err != nil {
			return err
		}
		if missing != nil || next.SignedOutAt != nil && !session.CreatedAt.After(*next.SignedOutAt) {
			return core.Errorf(core.CodeNotFound, "there is no such user")
		}
		return changed(tx.Model(&sessionRow{}).Where("id = ? and generation = ? and revoked_at is null", id.String(), from).UpdateColumns(
			map[string]any{"generation": from + 1, "rotated_at": micros(at), "org": org.String(), "user_id": user.String()}), errMoved)
	})
}

// RevokeSession implements [core.Sessions].
func (c *Catalog) RevokeSession(ctx context.Context, id core.ID, at time.Time) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&sessionRow{}).Where("id = ? and revoked_at is null", id.String()).
		UpdateColumn("revoked_at", micros(at)).Error
}

// RevokeSessions implements [core.Sessions].
func (c *Catalog) RevokeSessions(ctx context.Context, user, except core.ID, at time.Time) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&sessionRow{}).
		Where("user_id = ? and id <> ? and revoked_at is null", user.String(), except.String()).
		UpdateColumn("revoked_at", micros(at)).Error
}

// ForgetSessions implements [core.Sessions].
func (c *Catalog) ForgetSessions(ctx context.Context, before time.Time) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("expires_at < ?", micros(before)).Delete(&ticketRow{}).Error; err != nil {
			return err
		}
		return tx.Where("expires_at < ?", micros(before)).Delete(&sessionRow{}).Error
	})
}

type ticketRow struct {
	ID        string `gorm:"primaryKey"`
	Kind      string
	Org       string
	UserID    *string
	Hash      []byte
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	ExpiresAt int64
	UsedAt    *int64
}

// TableName names the table for GORM.
func (ticketRow) TableName() string { return "tickets" }

func (r ticketRow) ticket() (core.Ticket, error) {
	t := core.Ticket{
		Kind: core.TicketKind(r.Kind), CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt), UsedAt: fromOptionalMicros(r.UsedAt),
	}
	copy(t.Hash[:], r.Hash)
	ids := []into{{r.ID, &t.ID}, {r.Org, &t.Org}}
	if r.UserID != nil {
		ids = append(ids, into{*r.UserID, &t.User})
	}
	return t, parseIDs(ids...)
}

var errNoTicket = core.Errorf(core.CodeNotFound, "there is no such ticket")

// CreateTicket implements [core.Tickets].
func (c *Catalog) CreateTicket(ctx context.Context, t core.Ticket) error {
	row := ticketRow{
		ID: t.ID.String(), Kind: string(t.Kind), Org: t.Org.String(), Hash: t.Hash[:],
		CreatedAt: micros(t.CreatedAt), ExpiresAt: micros(t.ExpiresAt),
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		owner, older := tx.Table("organizations").Where("id = ?", row.Org), tx.Where("kind = ? and org = ? and user_id is null", row.Kind, row.Org)
		if !t.User.IsZero() {
			user := t.User.String()
			row.UserID = &user
			owner, older = tx.Table("users").Where("id = ?", user), tx.Where("kind = ? and user_id = ?", row.Kind, user)
		}
		// The owner is locked first. Otherwise two calls at once would each find no
		// older ticket to remove, and both tickets would be good.
		if err := owner.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Select("id").Take(new(string)).Error; err != nil {
			return found(err, "owner of a ticket")
		}
		if err := older.Delete(&ticketRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
}

// goodTicket is the condition that a ticket of a kind and a hash can be used at a time.
const goodTicket = "kind = ? and hash = ? and used_at is null and expires_at > ?"

// Ticket implements [core.Tickets].
func (c *Catalog) Ticket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	return take(c.db.WithContext(ctx).Where(goodTicket, string(kind), hash[:], micros(at)), "ticket", ticketRow.ticket)
}

// UseTicket implements [core.Tickets].
func (c *Catalog) UseTicket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (t core.Ticket, err error) {
	err = c.write(ctx, func(tx *gorm.DB) error {
		used := tx.Model(&ticketRow{}).Where(goodTicket, string(kind), hash[:], micros(at)).
			UpdateColumn("used_at", micros(at))
		if err := changed(used, errNoTicket); err != nil {
			return err
		}
		t, err = take(tx.Where("hash = ?", hash[:]), "ticket", ticketRow.ticket)
		return err
	})
	return t, err
}

// ReturnTicket implements [core.Tickets].
func (c *Catalog) ReturnTicket(ctx context.Context, id core.ID) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&ticketRow{}).Where("id = ?", id.String()).UpdateColumn("used_at", nil).Error
}

// VoidTickets implements [core.Tickets].
func (c *Catalog) VoidTickets(ctx context.Context, kind core.TicketKind, user core.ID) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Where("kind = ? and user_id = ?", string(kind), user.String()).Delete(&ticketRow{}).Error
}
