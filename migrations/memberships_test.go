package migrations

import (
	"database/sql"
	"io/fs"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver of SQLite

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

// upTo applies the migrations up to a version, as an earlier program did.
func upTo(t *testing.T, db *sql.DB, set Set, version int64) {
	t.Helper()
	folder, err := fs.Sub(files, set.folder)
	require.NoError(t, err)
	provider, err := goose.NewProvider(set.dialect, db, folder, goose.WithTableName(set.table), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), version)
	require.NoError(t, err)
}

// rows returns what a query finds, as text.
func rows(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer found.Close() //nolint:errcheck // found.Err says what went wrong
	for found.Next() {
		var one string
		require.NoError(t, found.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, found.Err())
	return all
}

// An installation from before people could belong to several organizations keeps
// everything: users with their passwords, sessions and links, and all that refers to
// an organization.
func TestMembershipsKeepEverybody(t *testing.T) {
	t.Parallel()
	file := url.URL{Path: filepath.Join(t.TempDir(), "catalog.db")}
	for name, c := range map[string]struct {
		driver, address string
		set             Set
		before          int64
	}{
		"sqlite":   {"sqlite", "file:" + file.EscapedPath() + "?_pragma=foreign_keys(1)&_txlock=immediate", CatalogSQLite, 5},
		"postgres": {"pgx", pgtest.URL(t).String(), CatalogPostgres, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := sql.Open(c.driver, c.address)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			db.SetMaxOpenConns(2)
			upTo(t, db, c.set, c.before)
			do := func(statement string) error {
				_, err := db.ExecContext(t.Context(), statement)
				return err
			}
			hash := map[string]string{"sqlite": `x'27005c'`, "postgres": `'\x27005c'`}[name]
			for _, statement := range []string{
				`insert into organizations (id, name, created_at, key_per_minute, user_per_second) values ('o1', 'acme', 1, 70, 8), ('o2', 'umbrella', 2, 0, 0)`,
				`insert into users (id, org, email, name, role, state, password_hash, revision, created_at, updated_at, last_login_at) values
					('u1', 'o1', 'ann@example.com', 'Ann', 'admin', 'active', 'her hash', 3, 1, 2, 9), ('u2', 'o2', 'bob@example.com', '', 'viewer', 'invited', '', 1, 1, 1, null)`,
				`insert into sessions values ('s1', 'o1', 'u1', 4, 1, 2, 3, null, '192.0.2.1', 'curl'), ('s2', 'o1', 'u1', 1, 1, 2, 3, 4, '', '')`,
				`insert into tickets values ('t1', 'invite', 'o2', 'u2', ` + hash + `, 1, 2, null), ('t2', 'setup', 'o2', null, ` + map[string]string{"sqlite": `x'02'`, "postgres": `'\x02'`}[name] + `, 1, 2, 3)`,
				`insert into streams values ('st', 'o1', 'orders', '', 30, 0, '', 1, 1, 1, null)`,
			} {
				require.NoError(t, do(statement))
			}
			kept := map[string]string{
				"organizations": `select id || name || created_at || key_per_minute || user_per_second from organizations order by id`,
				"users":         `select id || org || email || name || role || state || password_hash || revision || created_at || updated_at || coalesce(last_login_at, -1) from users order by id`,
				"sessions":      `select id || org || user_id || generation || rotated_at || created_at || expires_at || coalesce(revoked_at, -1) || address || user_agent from sessions order by id`,
				"tickets":       `select id || kind || org || coalesce(user_id, '') || created_at || expires_at || coalesce(used_at, -1) from tickets order by id`,
				"hashes":        `select id from tickets where hash = ` + hash,
				"streams":       `select id || org || name from streams`,
			}
			want := map[string][]string{}
			for table, query := range kept {
				want[table] = rows(t, db, query)
				require.NotEmpty(t, want[table])
			}
			require.NoError(t, Up(t.Context(), db, c.set))
			for table, query := range kept {
				require.Equal(t, want[table], rows(t, db, query), table)
			}
			insert := func(id, org, email string) error {
				return do(`insert into users (id, org, email, name, role, state, password_hash, revision, created_at, updated_at) values ('` + id + `', '` + org + `', '` + email + `', '', 'viewer', 'invited', '', 1, 1, 1)`)
			}
			require.Error(t, insert("u3", "o1", "ann@example.com"), "an address is one user's of an organization")
			require.NoError(t, insert("u3", "o2", "ann@example.com"))
			require.Error(t, insert("u4", "nowhere", "eve@example.com"), "every user is an organization's")
			require.NoError(t, do(`insert into organizations (id, name, created_at) values ('o3', 'acme', 3)`))
			require.Error(t, do(`delete from organizations where id = 'o1'`), "what an organization has keeps it")
			require.NoError(t, do(`delete from users where id = 'u1'`))
			require.Empty(t, rows(t, db, `select id from sessions`), "they go with their user")
		})
	}
}
