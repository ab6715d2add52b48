package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// maxFaults is how much of a file's damage is told.
const maxFaults = 20

// Examine has SQLite check a database: its pages, its indexes, the types of its
// columns and what rows refer to. name is what the file is called in the findings.
func Examine(ctx context.Context, db *sql.DB, name string, tell func(core.Finding)) error {
	faults, err := texts(ctx, db, fmt.Sprintf(`pragma integrity_check(%d)`, maxFaults))
	faults = slices.DeleteFunc(faults, func(text string) bool { return text == "ok" })
	if err != nil {
		faults = append(faults, err.Error()) // of a file that is too broken to be checked
	}
	foreign, err := texts(ctx, db, `select 'a row of ' || "table" || ' refers to one of ' || parent || ' that is not there'
		from pragma_foreign_key_check limit 20`)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		faults = append(faults, err.Error())
	}
	for _, fault := range append(faults, foreign...) {
		tell(core.Finding{About: "integrity", State: core.FindingProblem, Text: name + ": " + fault + ". Restore it from a backup"})
	}
	if len(faults)+len(foreign) == 0 {
		tell(core.Finding{About: "integrity", State: core.FindingGood, Text: name + ": SQLite finds its pages, indexes and columns intact"})
	}
	return nil
}

// texts returns what a query of one column finds.
func texts(ctx context.Context, db *sql.DB, query string) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return all, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// Files says whether the database at path is there, and whether others than its owner
// may read it or what SQLite keeps beside it. It opens nothing.
func Files(path string, tell func(core.Finding)) (there bool) {
	for _, end := range beside {
		info, err := os.Stat(path + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		there = there || end == ""
		if err != nil {
			tell(core.Finding{About: "files", State: core.FindingProblem, Text: err.Error()})
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			tell(core.Finding{About: "files", State: core.FindingProblem, Text: fmt.Sprintf(
				"%s had the mode %04o, so others on this machine could get at what is in it, until it was opened just now: find out who gave it to them", path+end, mode)})
		}
	}
	return there
}

// Look opens a database that is there, to look at and not to change.
func Look(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	if err := checkSize(path); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", address(path)+"?_pragma="+patience+"&_pragma=query_only(1)")
}
