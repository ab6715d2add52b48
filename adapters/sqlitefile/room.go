package sqlitefile

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
)

// TryRoom stores some pages and takes them back, which fails where the disk has no
// room. Nothing else says whether there is room again, and while writing is refused
// there may be nobody who tries. The pages stay in the file, for what comes next.
func TryRoom(ctx context.Context, conn *sql.Conn) error {
	for _, statement := range []string{
		`begin immediate`,
		`create table eventflow_room (filling blob)`,
		`insert into eventflow_room values (randomblob(262144))`,
		`drop table eventflow_room`,
		`commit`,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), `rollback`) // some errors have done that already
			return err
		}
	}
	return nil
}

// reserve is the room that SQLite needs to begin to read: the index of the
// write-ahead log, and the log of a first change. It is taken from a full disk in
// advance, by a file beside the database.
const reserve = 64 << 10

func reserved(path string) string { return path + ".reserve" }

// Begin runs the first use of a database file. Where it fails because the disk is
// full, the room that an earlier Begin has reserved is given to SQLite, so what is
// stored can be read. The room is reserved again when there is some.
func Begin(path string, use func() error) error {
	err := use()
	if err != nil && Full(err) && os.Remove(reserved(path)) == nil {
		return use()
	}
	if err == nil {
		Reserve(path)
	}
	return err
}

// Reserve keeps room for the next start, if there is any. Without it SQLite starts
// all the same unless the disk is full, so a failure is none of the caller's.
func Reserve(path string) {
	if info, err := os.Stat(reserved(path)); err == nil && info.Size() >= reserve {
		return
	}
	filling := make([]byte, reserve)
	_, _ = rand.Read(filling) // nothing that a file system could compress; it never fails
	if err := os.WriteFile(reserved(path), filling, 0o600); err != nil {
		_ = os.Remove(reserved(path))
	}
}
