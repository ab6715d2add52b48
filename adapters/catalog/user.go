package catalog

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/eventflow-go/eventflow/core"
)

type userRow struct {
	ID           string `gorm:"primaryKey"`
	Org          string
	Email        string
	Name         string
	Role         string
	State        string
	PasswordHash string
	Revision     int64
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	UpdatedAt    int64 `gorm:"autoUpdateTime:false"`
	LastLoginAt  *int64
	SignedOutAt  *int64
}

// TableName names the table for GORM.
func (userRow) TableName() string { return "users" }

func userRowOf(u core.User) userRow {
	return userRow{
		ID: u.ID.String(), Org: u.Org.String(), Email: u.Email, Name: u.Name, Role: string(u.Role), State: string(u.State),
		PasswordHash: u.PasswordHash, Revision: u.Revision, CreatedAt: micros(u.CreatedAt), UpdatedAt: micros(u.UpdatedAt),
		LastLoginAt: optionalMicros(u.LastLoginAt), SignedOutAt: optionalMicros(u.SignedOutAt),
	}
}

func (r userRow) user() (core.User, error) {
	u := core.User{
		Email: r.Email, Name: r.Name, Role: core.Role(r.Role), State: core.UserState(r.State), PasswordHash: r.PasswordHash,
		Revision: r.Revision, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt), LastLoginAt: fromOptionalMicros(r.LastLoginAt),
		SignedOutAt: fromOptionalMicros(r.SignedOutAt),
	}
	return u, parseIDs(into{r.ID, &u.ID}, into{r.Org, &u.Org})
}

// CreateUser implements [core.Users].
func (c *Catalog) CreateUser(ctx context.Context, user core.User) error {
	row := userRowOf(user)
	return c.write(ctx, func(tx *gorm.DB) error { return emailTaken(tx.Create(&row).Error) })
}

func emailTaken(err error) error {
	if taken(err) {
		return core.Errorf(core.CodeConflict, "a user with this address already exists")
	}
	return err
}

// User implements [core.Users].
func (c *Catalog) User(ctx context.Context, org, id core.ID) (core.User, error) {
	return takeUser(c.db.WithContext(ctx).Where("org = ? and id = ?", org.String(), id.String()))
}

// UsersByEmail implements [core.Users].
func (c *Catalog) UsersByEmail(ctx context.Context, email string) ([]core.User, error) {
	return list(c.db.WithContext(ctx).Where("email = ?", email).Order("created_at, id"), userRow.user)
}

func takeUser(query *gorm.DB) (core.User, error) {
	return take(query, "user", userRow.user)
}

// Users implements [core.Users].
func (c *Catalog) Users(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
	return list(c.db.WithContext(ctx).Where("org = ? and email > ?", org.String(), after).Order("email").Limit(limit), userRow.user)
}

// UpdateUser implements [core.Users].
func (c *Catalog) UpdateUser(ctx context.Context, user core.User) error {
	row := userRowOf(user)
	return c.write(ctx, func(tx *gorm.DB) error {
		if !user.Administers() {
			if err := keepAdmin(tx, row.Org, row.ID, user.Revision-1); err != nil {
				return err
			}
		}
		updated := tx.Model(&userRow{}).Where("id = ? and org = ? and revision = ?", row.ID, row.Org, user.Revision-1).
			Select("email", "name", "role", "state", "password_hash", "revision", "updated_at").Updates(&row)
		if updated.Error != nil || updated.RowsAffected == 1 {
			return emailTaken(updated.Error)
		}
		if err := there[userRow](tx.Where("id = ? and org = ?", row.ID, row.Org), "user"); err != nil {
			return err
		}
		return errMoved
	})
}

// SetPassword implements [core.Users].
func (c *Catalog) SetPassword(ctx context.Context, email, from, hash string, at time.Time) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		whose := tx.Model(&userRow{}).Where("email = ? and password_hash <> ''", email)
		if from != "" {
			whose = whose.Where("password_hash = ?", from)
		}
		return changed(whose.UpdateColumns(map[string]any{
			"password_hash": hash, "updated_at": micros(at), "revision": gorm.Expr("revision + 1"),
		}), errMoved)
	})
}

// anyRevision is the revision of a user who is to be deleted, whatever it is.
const anyRevision = 0

// keepAdmin refuses to lose an admin who is the last one. It goes on to the end of the
// transaction: two admins who demote each other at once wait for each other here, and
// the second finds the first one demoted. A user at another revision is not changed, so
// there is nothing to refuse.
func keepAdmin(tx *gorm.DB, org, id string, revision int64) error {
	admins := func() *gorm.DB {
		return tx.Model(&userRow{}).Where("org = ? and role = ? and state = ?", org, string(core.RoleAdmin), string(core.UserActive))
	}
	lost := admins().Where("id = ?", id)
	if revision != anyRevision {
		lost = lost.Where("revision = ?", revision)
	}
	if err := lost.Take(&userRow{}).Error; err != nil {
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		return err
	}
	lock := clause.Locking{Strength: "NO KEY UPDATE"}
	if err := tx.Table("organizations").Where("id = ?", org).Clauses(lock).Select("id").Take(new(string)).Error; err != nil {
		return err
	}
	err := admins().Where("id <> ?", id).Take(&userRow{}).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return core.ErrLastAdmin
	}
	return err
}

// DeleteUser implements [core.Users]. Sessions and tickets go with it, by their
// foreign keys.
func (c *Catalog) DeleteUser(ctx context.Context, org, id core.ID) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := keepAdmin(tx, org.String(), id.String(), anyRevision); err != nil {
			return err
		}
		return changed(tx.Where("id = ? and org = ?", id.String(), org.String()).Delete(&userRow{}),
			core.Errorf(core.CodeNotFound, "there is no such user"))
	})
}

// TouchUser implements [core.Users].
func (c *Catalog) TouchUser(ctx context.Context, org, id core.ID, at time.Time) error {
	defer c.serialize(ctx)()
	return c.db.WithContext(ctx).Model(&userRow{}).Where("id = ? and org = ?", id.String(), org.String()).
		UpdateColumn("last_login_at", micros(at)).Error
}

// SignOutUser implements [core.Users]. The user's row comes first: a session that is
// being moved to the user has a lock on it, and is seen once that is gone.
func (c *Catalog) SignOutUser(ctx context.Context, org, id core.ID, at time.Time) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		noted := tx.Model(&userRow{}).Where("id = ? and org = ?", id.String(), org.String()).UpdateColumn("signed_out_at", micros(at))
		if noted.Error != nil || noted.RowsAffected == 0 {
			return noted.Error
		}
		return tx.Model(&sessionRow{}).Where("user_id = ? and revoked_at is null", id.String()).UpdateColumn("revoked_at", micros(at)).Error
	})
}
