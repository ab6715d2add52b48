package pgtenant

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// CheckDurability returns an error that wraps [core.ErrRelaxedDurability] where a
// setting would let a commit be lost in a crash. It asks in a session of the pool,
// so it sees the settings as a write has them, whether the server, the database,
// the role or the URL has set them. With fsync or synchronous_commit off, a commit
// is answered before it is on disk. With full_page_writes off, a page that is half
// written when the machine stops cannot be repaired.
func CheckDurability(ctx context.Context, pool *pgxpool.Pool) error {
	settings, err := pool.Query(ctx, `select name, setting from pg_settings
		where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off' order by name`)
	if err != nil {
		return err
	}
	relaxed, err := pgx.CollectRows(settings, pgx.RowToStructByPos[struct{ Name, Setting string }])
	if err != nil {
		return err
	}
	for _, setting := range relaxed {
		return fmt.Errorf("%s=%s: %w", setting.Name, setting.Setting, core.ErrRelaxedDurability)
	}
	return nil
}
