package sqlitefile

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// code is SQLite's extended result code of an error, or SQLITE_OK for an error
// of another origin. Its last byte is the primary code.
func code(err error) int {
	if refused, ok := errors.AsType[*driver.Error](err); ok {
		return refused.Code()
	}
	return lib.SQLITE_OK
}

const primary = 0xff

// Full reports whether there was no room to write: on the disk, in a quota, or
// under a limit on the size of files.
func Full(err error) bool {
	switch code := code(err); code {
	case lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_SHMSIZE: // a quota or a limit
		return true
	default:
		return code&primary == lib.SQLITE_FULL
	}
}

// Busy reports whether another writer had the file for longer than a call waits.
func Busy(err error) bool {
	switch code(err) & primary {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return true
	}
	return false
}

// Taken reports whether a row with the same unique value is there already.
func Taken(err error) bool {
	switch code(err) {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

// Named makes an error of a first use of a file name the file where the file is
// what is wrong.
func Named(path string, err error) error {
	if Full(err) {
		return fmt.Errorf("the disk of %s is full, and SQLite needs room to start, even to read: make some and start again: %w", path, err)
	}
	switch code(err) & primary {
	case lib.SQLITE_NOTADB:
		return foreign(path)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return err
}

func foreign(path string) error { return fmt.Errorf("%s is not a SQLite database", path) }
