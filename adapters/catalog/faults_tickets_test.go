package catalog

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

const (
	ticketUsed    = "ticket/a ticket is used as it was stored"
	ticketOnce    = "ticket/a ticket is used once"
	ticketExpires = "ticket/a ticket expires"
	ticketKind    = "ticket/a ticket is of its kind only"
	ticketNewer   = "ticket/a newer ticket makes the older ones void"
	ticketOthers  = "ticket/a ticket voids no other kind, user or organization's"
)

// shows changes what a used ticket looks like.
func shows(change func(*core.Ticket)) func(*faulty) {
	return func(f *faulty) {
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
			ticket, err := f.Catalog.UseTicket(ctx, kind, hash, at)
			if err == nil {
				change(&ticket)
			}
			return ticket, err
		}
	}
}

// before runs a statement, which is given the hash, before a ticket is used.
func before(statement string) func(*faulty) {
	return func(f *faulty) {
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
			if err := f.sql(ctx, statement, hash[:], string(kind), micros(at)); err != nil {
				return core.Ticket{}, err
			}
			return f.Catalog.UseTicket(ctx, kind, hash, at)
		}
	}
}

// voids removes others, by a condition on the kind, the user and the
// organization, before a ticket is made.
func voids(condition string) func(*faulty) {
	return func(f *faulty) {
		f.createTicket = func(ctx context.Context, t core.Ticket) error {
			if err := f.sql(ctx, "delete from tickets where "+condition, string(t.Kind), t.User.String(), t.Org.String()); err != nil {
				return err
			}
			return f.Catalog.CreateTicket(ctx, t)
		}
	}
}

// adds stores a ticket beside the older ones.
func adds(tx *gorm.DB, t core.Ticket) error {
	row := ticketRow{
		ID: t.ID.String(), Kind: string(t.Kind), Org: t.Org.String(), Hash: t.Hash[:], CreatedAt: micros(t.CreatedAt), ExpiresAt: micros(t.ExpiresAt),
	}
	if !t.User.IsZero() {
		row.UserID = new(t.User.String())
	}
	return tx.Create(&row).Error
}

var ticketFaults = []fault{
	{"does not say when it was used", ticketUsed, "as it was stored", shows(func(t *core.Ticket) { t.UsedAt = nil })},
	{"does not say whose it is", ticketUsed, "as it was stored", shows(func(t *core.Ticket) { t.User = core.ID{} })},
	{"names somebody in a set-up", ticketUsed, "as it was stored", shows(func(t *core.Ticket) {
		if t.Kind == core.TicketSetup {
			t.User = t.ID
		}
	})},
	{"answers tickets in local time", "ticket/a ticket's times are in UTC to the microsecond", "must be in UTC", shows(func(t *core.Ticket) {
		t.ExpiresAt = t.ExpiresAt.In(time.FixedZone("elsewhere", 3600))
	})},
	{"lets a ticket be used again", ticketOnce, asNotFound, before("update tickets set used_at = null where hash = ? and ? <> '' and ? <> 0")},
	{"lets a ticket be used again before its use", ticketOnce, asNotFound, before("update tickets set used_at = null where hash = ? and ? <> '' and used_at > ?")},
	{"knows no expiry", ticketExpires, asNotFound, before("update tickets set expires_at = expires_at * 2 where hash = ? and ? <> '' and ? <> 0")},
	{"takes a ticket at its expiry", ticketExpires, asNotFound, before("update tickets set expires_at = expires_at + 1 where hash = ? and ? <> '' and expires_at = ?")},
	{"uses an expired ticket up", ticketExpires, "unexpected error", before("update tickets set used_at = 1 where hash = ? and ? <> '' and expires_at <= ?")},
	{"goes by its own clock", ticketExpires, "unexpected error", func(f *faulty) {
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, _ time.Time) (core.Ticket, error) {
			return f.Catalog.UseTicket(ctx, kind, hash, time.Now().Add(100*365*24*time.Hour))
		}
	}},
	{"takes a ticket for any kind", ticketKind, asNotFound, before("update tickets set kind = ?2 where hash = ?1 and ?3 <> 0")},
	{"uses a ticket of another kind up", ticketKind, "unexpected error", before("update tickets set used_at = 1 where hash = ? and kind <> ? and ? <> 0")},
	{"shows what is not good", ticketOnce, "must not be shown", func(f *faulty) {
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
			ticket, err := f.Catalog.UseTicket(ctx, kind, hash, at)
			ticket.Kind = kind
			return ticket, err
		}
	}},
	{"compares half of the hash", "ticket/a hash names one ticket exactly", asNotFound, func(f *faulty) {
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
			var row ticketRow
			if f.db.WithContext(ctx).Where("substr(hash, 1, 16) = ?", hash[:16]).Take(&row).Error == nil {
				copy(hash[:], row.Hash)
			}
			return f.Catalog.UseTicket(ctx, kind, hash, at)
		}
	}},
	{"makes a ticket over another", "ticket/a ticket's hash is taken", "must fail", func(f *faulty) {
		f.createTicket = func(ctx context.Context, t core.Ticket) error {
			if err := f.sql(ctx, "delete from tickets where hash = ?", t.Hash[:]); err != nil {
				return err
			}
			return f.Catalog.CreateTicket(ctx, t)
		}
	}},
	{"voids for a ticket that is not made", "ticket/a ticket's hash is taken", "unexpected error", voids("kind = ? and user_id = ? and org = ?")},
	{"leaves the older ticket good", ticketNewer, asNotFound, func(f *faulty) {
		f.createTicket = func(ctx context.Context, t core.Ticket) error { return adds(f.db.WithContext(ctx), t) }
	}},
	{"leaves the older set-up good", ticketNewer, asNotFound, func(f *faulty) {
		f.createTicket = func(ctx context.Context, t core.Ticket) error {
			if t.User.IsZero() {
				return adds(f.db.WithContext(ctx), t)
			}
			return f.Catalog.CreateTicket(ctx, t)
		}
	}},
	{"takes the later time for the newer ticket", ticketNewer, asNotFound, func(f *faulty) {
		f.createTicket = func(ctx context.Context, t core.Ticket) error {
			var later int64
			f.db.WithContext(ctx).Model(&ticketRow{}).Where("kind = ? and org = ? and created_at > ?", string(t.Kind), t.Org.String(), micros(t.CreatedAt)).Count(&later)
			if later > 0 {
				return nil
			}
			return f.Catalog.CreateTicket(ctx, t)
		}
	}},
	{"voids every kind", ticketOthers, "unexpected error", voids("? <> '' and user_id = ? and ? <> ''")},
	{"voids everybody's", ticketOthers, "unexpected error", voids("kind = ? and ? <> '' and org = ?")},
	{"voids every organization's", ticketOthers, "unexpected error", voids("kind = ? and ? <> '' and ? <> '' and user_id is null")},
	{"looks before it uses", "ticket/of many that use a ticket one does", "one must succeed", func(f *faulty) {
		meet := meeting()
		f.useTicket = func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
			var row ticketRow
			if err := f.db.WithContext(ctx).Where("hash = ? and used_at is null", hash[:]).Take(&row).Error; err != nil {
				return core.Ticket{}, found(err, "ticket")
			}
			meet()
			return core.Ticket{Kind: kind, Hash: hash}, f.sql(ctx, "update tickets set used_at = ? where hash = ?", micros(at), hash[:])
		}
	}},
	{"voids before it makes", "ticket/of many that make a ticket one is good", "one must succeed", func(f *faulty) {
		var meets sync.Map
		f.createTicket = func(ctx context.Context, t core.Ticket) error {
			sound := f.Catalog.(*Catalog)
			if err := sound.write(ctx, func(tx *gorm.DB) error {
				return tx.Where("kind = ?", string(t.Kind)).Delete(&ticketRow{}).Error
			}); err != nil {
				return err
			}
			meet, _ := meets.LoadOrStore(t.Kind, meeting())
			meet.(func())()
			return sound.write(ctx, func(tx *gorm.DB) error { return adds(tx, t) })
		}
	}},
}
