package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// engines are an empty catalog on each engine.
func engines(t *testing.T) map[string]*Catalog {
	t.Helper()
	all := map[string]*Catalog{
		"sqlite":   opened(t, folder(t)).(*Catalog),
		"postgres": opened(t, pgtest.URL(t)).(*Catalog),
	}
	for _, c := range all {
		t.Cleanup(func() { require.NoError(t, c.Close()) })
	}
	return all
}

// listTables asks each engine for the tables that there are.
var listTables = map[string]string{
	"sqlite":   `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`,
	"postgres": `select tablename from pg_tables where schemaname = current_schema()`,
}

// A table that a migration adds is copied, or this test fails. A column is copied
// without anybody's doing, and has to be the same on both engines.
func TestEveryTableIsCopied(t *testing.T) {
	t.Parallel()
	columns := map[string][]string{}
	for name, c := range engines(t) {
		var there, listed []string
		require.NoError(t, c.db.Raw(listTables[name]).Scan(&there).Error)
		there = slices.DeleteFunc(there, func(table string) bool { return strings.HasPrefix(table, "eventflow_") }) // what was migrated
		for _, table := range Tables() {
			listed = append(listed, table.Name)
			found, err := columnsOf(c.db, table.Name)
			require.NoError(t, err)
			slices.Sort(found)
			if known := columns[table.Name]; known != nil {
				require.Equal(t, known, found, "the columns of %s are the same on both engines", table.Name)
			}
			columns[table.Name] = found
		}
		require.ElementsMatch(t, there, listed, "%s: a new table must be in Tables, behind those that it refers to", name)
	}
}

// fill puts rows into every column of every table of a catalog on SQLite. All texts of a
// row are alike, so that it refers to the rows of that number elsewhere.
func fill(t *testing.T, c *Catalog, rows int) {
	t.Helper()
	require.NoError(t, c.Replace(t.Context(), func(r *Replacement) error {
		for _, table := range Tables() {
			var columns []struct{ Name, Type string }
			require.NoError(t, r.tx.Raw(`select name, type from pragma_table_info('`+table.Name+`')`).Scan(&columns).Error)
			all := make([]Row, rows)
			for i := range all {
				row := Row{}
				for at, column := range columns {
					switch column.Type {
					case "TEXT":
						row[column.Name] = fmt.Sprintf("%d <é> \"%s\"", i, strings.Repeat("\u2028x", i%3))
					case "INTEGER":
						row[column.Name] = int64(i*100 + at)
						if strings.HasSuffix(column.Name, "_at") {
							row[column.Name] = 1<<60 + int64(i*100+at) // more than a float64 has
						}
					case "BLOB":
						row[column.Name] = []byte{byte(i >> 8), byte(i), 0, 255, byte(at)}
					default:
						require.Fail(t, "a column of a new kind", "%s.%s is %s: no other than text, integer and blob is copied", table.Name, column.Name, column.Type)
					}
				}
				all[i] = row
			}
			require.NoError(t, r.Add(table.Name, all...))
		}
		return nil
	}))
}

// lines are all rows of a catalog as JSON.
func lines(t *testing.T, c *Catalog) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	require.NoError(t, c.Snapshot(t.Context(), func(s *Snapshot) error {
		for _, table := range Tables() {
			require.NoError(t, s.Rows(t.Context(), table, func(row Row) error {
				line, err := json.Marshal(row)
				all[table.Name] = append(all[table.Name], string(line))
				return err
			}))
		}
		return nil
	}))
	return all
}

// replace puts rows that were written as JSON into a catalog.
func replace(t *testing.T, c *Catalog, all map[string][]string) {
	t.Helper()
	require.NoError(t, c.Replace(t.Context(), func(r *Replacement) error {
		for _, table := range Tables() {
			rows := make([]Row, len(all[table.Name]))
			for i, line := range all[table.Name] {
				require.NoError(t, json.Unmarshal([]byte(line), &rows[i]))
			}
			require.NoError(t, r.Add(table.Name, rows...))
		}
		return nil
	}))
}

// What goes from SQLite to PostgreSQL and back is the same in every column, in the same
// order. What was there before is gone.
func TestACatalogGoesOverAsItIs(t *testing.T) {
	t.Parallel()
	first, all := opened(t, folder(t)).(*Catalog), engines(t)
	t.Cleanup(func() { require.NoError(t, first.Close()) })
	fill(t, first, 600)
	want := lines(t, first)
	for _, c := range []*Catalog{all["postgres"], all["sqlite"]} {
		replace(t, c, map[string][]string{"organizations": {`{"id":"old","name":"old","created_at":1}`}})
		replace(t, c, want)
		got := lines(t, c)
		for _, table := range Tables() {
			require.Len(t, got[table.Name], 600, table.Name)
			require.Equal(t, want[table.Name], got[table.Name], table.Name)
		}
	}
}

// A snapshot is of one moment, and keeps nobody from writing.
func TestASnapshotIsOfOneMoment(t *testing.T) {
	t.Parallel()
	for name, c := range engines(t) {
		replace(t, c, map[string][]string{"organizations": {`{"id":"a","name":"a","created_at":1}`}})
		require.NoError(t, c.Snapshot(t.Context(), func(s *Snapshot) error {
			require.NoError(t, c.db.Exec(`update organizations set id = 'b'`).Error, name)
			return s.Rows(t.Context(), Tables()[0], func(row Row) error {
				require.Equal(t, "a", row["id"], name)
				return nil
			})
		}))
		require.Contains(t, lines(t, c)["organizations"][0], `"b"`, name)
	}
}

// Rows of an earlier version get the defaults of what they lack. What this version does
// not know is refused, and with it all of the replacement.
func TestRowsOfOtherVersions(t *testing.T) {
	t.Parallel()
	for name, c := range engines(t) {
		replace(t, c, map[string][]string{"organizations": {`{"id":"a","name":"a","created_at":1}`}})
		before := lines(t, c)
		require.Contains(t, before["organizations"][0], `"shares":"{}"`, name)
		for _, one := range []struct {
			table string
			row   Row
			says  string
		}{
			{"organizations", Row{"id": "b", "name": "b", "created_at": int64(2), "motto": "x"}, "no column motto: run a newer eventflow"},
			{"moons", Row{"id": "b"}, "no table moons: run a newer eventflow"},
			{"users", Row{"id": "b", "org": "nobody's"}, "users"},
		} {
			err := c.Replace(t.Context(), func(r *Replacement) error { return r.Add(one.table, one.row) })
			require.ErrorContains(t, err, one.says, name)
			require.Equal(t, before, lines(t, c), name)
		}
	}
}
