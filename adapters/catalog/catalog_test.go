package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/catalogtest"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// start is the time of all that these tests store.
var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func folder(t testing.TB) *url.URL {
	return &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(t.TempDir())}
}

// newest is the file of a catalog without rows.
var newest = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "eventflow-catalog-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	catalog, err := Open(context.Background(), &url.URL{Scheme: "sqlite", Path: folder})
	if err != nil {
		return nil, err
	}
	if err := catalog.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, FileName))
})

// tabled is a folder in which the catalog's tables are: to migrate a file takes longer than
// most tests do.
func tabled(t testing.TB) *url.URL {
	t.Helper()
	file, err := newest()
	require.NoError(t, err)
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, FileName), file, 0o600))
	return &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(path)}
}

func TestCatalogOnSQLite(t *testing.T) {
	t.Parallel()
	testCatalog(t, tabled, folder, maybeFaulty)
}

func TestCatalogOnPostgres(t *testing.T) {
	t.Parallel()
	testCatalog(t, pgtest.NewRooms(t).URL, pgtest.URL, func(_ *testing.T, sound core.Catalog) core.Catalog { return sound })
}

// testCatalog tests catalogs whose tables are there, each alone, and catalogs that several
// share, of whom the first makes its tables.
func testCatalog(t *testing.T, tabled, place func(testing.TB) *url.URL, as func(*testing.T, core.Catalog) core.Catalog) {
	open := func(t *testing.T, u *url.URL) core.Catalog { return as(t, opened(t, u)) }
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		catalogtest.Run(t, func(t *testing.T) core.Catalog { return open(t, tabled(t)) })
	})
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		catalogtest.RunShared(t, func(t *testing.T) func(*testing.T) core.Catalog {
			u := place(t)
			return func(t *testing.T) core.Catalog { return open(t, u) }
		})
	})
}

// opened opens a catalog as the program does: by its URL, migrations included.
func opened(t *testing.T, u *url.URL) core.Catalog {
	t.Helper()
	catalog, err := Open(t.Context(), u)
	require.NoError(t, err)
	return catalog
}

// desk is what people use of a catalog.
type desk struct {
	catalog core.Catalog
	streams *eventlog.Streams
	access  *identity.Access
	who     core.Principal
	now     time.Time
}

type everybodyMay struct{}

func (everybodyMay) Allow(core.Principal, core.ID, core.Action) error { return nil }

type anySchema struct{}

func (anySchema) Compile([]byte) (core.Schema, error) { return anySchema{}, nil }
func (anySchema) Reopen([]byte) (core.Schema, error)  { return anySchema{}, nil }
func (anySchema) Validate([]byte, *core.Budget) error { return nil }

func newDesk(t *testing.T, u *url.URL) *desk {
	t.Helper()
	d := &desk{catalog: opened(t, u), now: start}
	t.Cleanup(func() { _ = d.catalog.Close() }) // some close it before
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	d.streams = eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: d.catalog, Log: log, Schemas: anySchema{}, Authorizer: everybodyMay{}, Now: func() time.Time { return d.now },
	})
	d.access, err = identity.NewAccess(d.catalog, d.catalog, []byte("a secret of thirty-two characters"), nil, func() time.Time { return d.now })
	require.NoError(t, err)
	org, err := identity.FirstOrganization(t.Context(), d.catalog, start)
	require.NoError(t, err)
	d.who = core.Principal{Org: org.ID, Role: core.RoleAdmin}
	return d
}

// later is a time at which nothing is trusted without asking the catalog.
func (d *desk) later() { d.now = d.now.Add(time.Hour) }

// calls are all the ways to the catalog that a client has.
func (d *desk) calls(ctx context.Context, stream, secret string) map[string]error {
	d.later()
	calls := map[string]error{}
	_, calls["Create"] = d.streams.Create(ctx, d.who, core.StreamSpec{Name: fmt.Sprint("new ", d.now)})
	_, calls["List"] = d.streams.List(ctx, d.who, core.StreamQuery{Limit: 10})
	_, calls["Get"] = d.streams.Get(ctx, d.who, stream)
	_, calls["Change"] = d.streams.Change(ctx, d.who, stream, core.StreamChange{Description: new("changed")}, 0)
	calls["Delete"] = d.streams.Delete(ctx, d.who, stream, 1000)
	calls["Validate"] = d.streams.Validate(ctx, d.who, stream, eventjson.Draft{})
	_, calls["Authenticate"] = d.access.Authenticate(ctx, secret)
	return calls
}

// prepare stores a stream and a key.
func (d *desk) prepare(t *testing.T) (secret string) {
	t.Helper()
	_, err := d.streams.Create(t.Context(), d.who, core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	_, secret, err = d.access.CreateKey(t.Context(), d.who.Org, identity.KeySpec{Label: "shop", Environment: core.Live, Role: core.RoleProducer})
	require.NoError(t, err)
	return secret
}

// unavailable holds every call to what a client may learn of a catalog that
// failed: try again.
func (d *desk) unavailable(t *testing.T, secret string) {
	t.Helper()
	for name, err := range d.calls(t.Context(), "orders", secret) {
		var answer *core.Error
		require.ErrorAs(t, err, &answer, name)
		require.Equal(t, core.CodeUnavailable, answer.Code, name)
		require.NotZero(t, answer.RetryAfter, name)
		require.Error(t, answer.Unwrap(), "%s: the log must learn why", name)
		require.NotContains(t, answer.Message, answer.Unwrap().Error(), "%s: the client must not", name)
	}
	require.Error(t, d.catalog.Check(t.Context()))
}

// available holds every call to its right answer.
func (d *desk) available(t *testing.T, secret string) {
	t.Helper()
	for name, err := range d.calls(t.Context(), "orders", secret) {
		if name == "Delete" { // of a revision that never was
			require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err), name)
			continue
		}
		require.NoError(t, err, name)
	}
	require.NoError(t, d.catalog.Check(t.Context()))
}

func TestAClosedCatalogIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(testing.TB) *url.URL{"sqlite": folder, "postgres": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, place(t))
			secret := d.prepare(t)
			d.available(t, secret)
			require.NoError(t, d.catalog.Close())
			d.unavailable(t, secret)
		})
	}
}

func TestALostServerIsUnavailableUntilItIsBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Private(t)
	u, err := url.Parse(server.URL())
	require.NoError(t, err)
	d := newDesk(t, u)
	secret := d.prepare(t)
	d.available(t, secret)
	server.Kill()
	d.unavailable(t, secret)
	d.unavailable(t, secret)
	require.NoError(t, server.Restart(t.Context()))
	d.available(t, secret)
}

// TestLostTables takes the tables away below a running program: nothing but
// Check, which asks whether the database answers, may pass.
func TestLostTables(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(testing.TB) *url.URL{"sqlite": folder, "postgres": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := place(t)
			d := newDesk(t, u)
			secret := d.prepare(t)
			execute(t, u, "alter table streams rename to streams_gone")
			execute(t, u, "alter table api_keys rename to api_keys_gone")
			for call, err := range d.calls(t.Context(), "orders", secret) {
				require.Equal(t, core.CodeUnavailable, core.CodeOf(err), call)
			}
			execute(t, u, "alter table streams_gone rename to streams")
			execute(t, u, "alter table api_keys_gone rename to api_keys")
			d.available(t, secret)
		})
	}
}

// hostile are texts that would be more than a name if a statement were put
// together from them.
var hostile = []string{
	"' or '1'='1", "x' or 1=1 --", "'; drop table streams; --", `"; delete from api_keys; --`, "\\'; select 1; --", "') union select * from api_keys --",
	"%", "_rders", "order%", "$1", "?", "@name", ":name", "{{name}}", "null", "orders\u2019 or 1=1", "orders\u0338",
}

// TestHostileTextIsText gives hostile texts to everything by which people
// select: each finds what has that name, and nothing else.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(testing.TB) *url.URL{"sqlite": folder, "postgres": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, place(t))
			secret := d.prepare(t)
			for _, text := range hostile {
				d.isText(t, text)
			}
			page, err := d.streams.List(t.Context(), d.who, core.StreamQuery{Limit: 100})
			require.NoError(t, err)
			require.Len(t, page.Items, len(hostile)+1)
			for cursor, i := "", 0; i < len(page.Items); i++ { // each name is the cursor of the next
				one, err := d.streams.List(t.Context(), d.who, core.StreamQuery{Cursor: cursor, Limit: 1})
				require.NoError(t, err)
				require.Equal(t, page.Items[i:i+1], one.Items)
				cursor = one.NextCursor
				whole, err := d.streams.List(t.Context(), d.who, core.StreamQuery{Prefix: page.Items[i].Name, Limit: 1})
				require.NoError(t, err)
				require.Equal(t, page.Items[i:i+1], whole.Items, "nothing in a name stands for anything else")
			}
			d.available(t, secret)
		})
	}
}

func (d *desk) isText(t *testing.T, text string) {
	t.Helper()
	_, err := d.streams.Get(t.Context(), d.who, text)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err), text)
	made, err := d.streams.Create(t.Context(), d.who, core.StreamSpec{Name: "plain", Description: text})
	require.NoError(t, err, text)
	made, err = d.streams.Change(t.Context(), d.who, "plain", core.StreamChange{Name: &text}, made.Revision)
	require.NoError(t, err, text)
	d.later()
	got, err := d.streams.Get(t.Context(), d.who, text)
	require.NoError(t, err, text)
	require.Equal(t, made, got)
	_, err = d.access.Authenticate(t.Context(), text)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), text)
	key, _, err := d.access.CreateKey(t.Context(), d.who.Org, identity.KeySpec{Label: text, Environment: core.Test, Role: core.RoleViewer})
	require.NoError(t, err, text)
	keys, err := d.access.Keys(t.Context(), d.who.Org)
	require.NoError(t, err, text)
	require.Contains(t, keys, key)
}

// execute runs a statement on a catalog's database, beside the catalog.
func execute(t *testing.T, u *url.URL, statement string) {
	t.Helper()
	if u.Scheme != "sqlite" {
		conn, err := pgx.Connect(t.Context(), u.String())
		require.NoError(t, err)
		defer conn.Close(t.Context()) //nolint:errcheck // the statement's result counts
		_, err = conn.Exec(t.Context(), statement)
		require.NoError(t, err)
		return
	}
	path, err := url.PathUnescape(u.Opaque)
	require.NoError(t, err)
	db, err := sql.Open("sqlite", filepath.Join(path, FileName))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}
