package sqlitefile

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
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
const pragmas = "?_pragma=" + patience + "&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
	"&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)"

// patience is how long a statement waits for another process, in milliseconds.
const patience = "busy_timeout(10000)"

// Open prepares connections to a database file, and makes the file and its folder
// where they are missing. Nobody but the owner may read or write the file, nor what
// SQLite keeps beside it. Each option is one more parameter of the driver, such as
// `_pragma=foreign_keys(1)`.
func Open(path string, options ...string) (*sql.DB, error) {
	if err := MakeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := checkSize(path); err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", strings.Join(append([]string{address(path) + pragmas}, options...), "&"))
}

// address is a file as the driver wants to be told it.
func address(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// beside are the endings of the files that SQLite and Reserve keep beside a database.
var beside = []string{"", "-wal", "-shm", "-journal", ".reserve"}

// makePrivate makes a database file that only its owner may open, whatever the umask
// is, and takes the rights of others to one that is there: in it are events,
// addresses and hashes. SQLite gives what it makes beside a database the database's
// own mode. A file that is there is not opened, for the reason that checkSize gives.
// One that belongs to somebody else stays as that owner has it.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, end := range beside {
		if err := MakePrivate(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// MakePrivate takes the rights of others to a file that is there. A file that belongs
// to somebody else stays as that owner has it, and so does what is no file.
func MakePrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	err = os.Chmod(path, info.Mode().Perm()&0o700)
	if err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return fmt.Errorf("taking the rights of others to %s: %w", path, err)
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
