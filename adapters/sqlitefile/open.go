package sqlitefile

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the engine, in pure Go
)

// pragmas are the settings of every connection. With synchronous=FULL a commit
// returns after the write-ahead log was flushed to the disk: what was
// acknowledged survives a power cut. The write-ahead log lets readers go on
// beside the one writer that SQLite allows. Who finds another process writing
// waits for it, ten seconds at most.
//
// On macOS a flush leaves what it flushed in the disk's own cache, which a power
// cut empties. With the two settings of fullfsync it goes through; elsewhere they
// change nothing.
const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
	"&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)"

// Open prepares connections to a database file, and makes its folder where it is
// missing. Each option is one more parameter of the driver, such as
// `_pragma=foreign_keys(1)`. The file is made by the first statement.
func Open(path string, options ...string) (*sql.DB, error) {
	if err := MakeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := checkSize(path); err != nil {
		return nil, err
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + pragmas
	return sql.Open("sqlite", strings.Join(append([]string{name}, options...), "&"))
}

// checkSize refuses a file that is too short to be a database: SQLite takes it
// for an empty one and writes over it. The file is not opened to look inside,
// because a process that closes any handle of a file gives up all the locks that
// it has on the file, those of its database connections too.
func checkSize(path string) error {
	const smallest = 512 // bytes, a page
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < smallest {
		return foreign(path)
	}
	return nil
}
