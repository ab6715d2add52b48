package app_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// examined runs the doctor on a store, and returns the problems that it finds.
func (h home) examined(store string, args ...string) (problems []core.Finding) {
	h.t.Helper()
	o := h.run([]string{"EVENTFLOW_STORE=" + store}, append([]string{"doctor", "--output", "json"}, args...)...)
	var answer struct {
		Findings []core.Finding
		Problems int
	}
	require.NoError(h.t, json.Unmarshal([]byte(o.stdout), &answer), o.stderr)
	for _, finding := range answer.Findings {
		if finding.State == core.FindingProblem {
			problems = append(problems, finding)
		}
	}
	require.Len(h.t, problems, answer.Problems)
	require.Equal(h.t, min(len(problems), 1), o.code, o.stderr)
	return problems
}

// patients makes an installation with a stream of six events, of which those with even
// offsets have idempotency keys, and stops its server. While the server runs the doctor
// finds nothing.
func patients(h home, store string) {
	h.t.Helper()
	server := h.serve("EVENTFLOW_STORE=" + store)
	client := server.client(h.key("EVENTFLOW_STORE=" + store))
	_, err := client.CreateStream(h.t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(h.t, err)
	for i := range 6 {
		event := rest.NewEvent{Type: "order.paid", Payload: []byte(`{"animal":"` + strings.Repeat("zebra", i+1) + `"}`)}
		if i%2 == 0 {
			event.IdempotencyKey = "key " + string(rune('a'+i))
		}
		_, err := client.Publish(h.t.Context(), "orders", event)
		require.NoError(h.t, err)
	}
	require.Empty(h.t, h.examined(store))
	o := h.run([]string{"EVENTFLOW_STORE=" + store}, "doctor")
	require.Contains(h.t, o.stdout, "none is missing")
	require.NotContains(h.t, o.stdout, "✗")
	require.Zero(h.t, server.stop(), server.stderr)
}

// The doctor names what is damaged in a copy of a data folder, by stream and offset.
func TestTheDoctorNamesDamageOfSQLite(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	folder := filepath.Join(h.folder, "whole")
	patients(h, "sqlite:"+folder)
	// flip changes one byte of a text that is once in a file: the last but so many.
	flip := func(t *testing.T, file, text string, back int, to byte) {
		t.Helper()
		all, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(all, []byte(text)), "the text is there once")
		all[bytes.Index(all, []byte(text))+len(text)-1-back] = to
		require.NoError(t, os.WriteFile(file, all, 0o600))
	}
	statement := func(t *testing.T, file, text string) {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+file)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), text)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	}
	// animal is an event's payload, which no other event has.
	animal := func(offset int) string { return `{"animal":"` + strings.Repeat("zebra", offset+1) + `"}` }
	for name, c := range map[string]struct {
		damage func(t *testing.T, folder string)
		about  string
		offset core.Offset // where it is about events
		says   string
	}{
		"a byte that JSON misses": {func(t *testing.T, folder string) {
			t.Helper()
			flip(t, filepath.Join(folder, "events.db"), animal(3), 0, ']')
		}, "events", 3, "no valid JSON"},
		"a byte that only the fingerprint misses": {func(t *testing.T, folder string) {
			t.Helper()
			flip(t, filepath.Join(folder, "events.db"), animal(2), 2, 'o')
		}, "events", 2, "is not what was stored"},
		"a lost event": {func(t *testing.T, folder string) {
			t.Helper()
			statement(t, filepath.Join(folder, "events.db"), `delete from events where "offset" = 4 and type = 'order.paid'`)
		}, "events", 4, "is missing: the stream's counter says"},
		"a lost end": {func(t *testing.T, folder string) {
			t.Helper()
			statement(t, filepath.Join(folder, "events.db"), `delete from events where "offset" >= 4 and type = 'order.paid'`)
		}, "events", 4, "so is all up to offset 5"},
		"another time": {func(t *testing.T, folder string) {
			t.Helper()
			statement(t, filepath.Join(folder, "events.db"), `update events set received_at = received_at - 1000000 where "offset" = 0 and type = 'order.paid'`)
		}, "events", 0, "one of the two was changed"},
		"a counter that was set back": {func(t *testing.T, folder string) {
			t.Helper()
			statement(t, filepath.Join(folder, "events.db"), `update heads set next_offset = 5 where next_offset = 6`)
		}, "events", 5, "the next event gets offset 5"},
		"a page of nothing": {func(t *testing.T, folder string) {
			t.Helper()
			file, err := os.OpenFile(filepath.Join(folder, "catalog.db"), os.O_RDWR, 0)
			require.NoError(t, err)
			_, err = file.WriteAt(bytes.Repeat([]byte{0xff}, 4096), 6*4096)
			require.NoError(t, err)
			require.NoError(t, file.Close())
		}, "integrity", -1, "catalog.db"},
		"open files": {func(t *testing.T, folder string) {
			t.Helper()
			require.NoError(t, os.Chmod(filepath.Join(folder, "events.db"), 0o644))
		}, "files", -1, "events.db had the mode 0644"},
		"another record in the trail": {func(t *testing.T, folder string) {
			t.Helper()
			statement(t, filepath.Join(folder, "events.db"), `update events set subject = 'somebody' where "offset" = 0 and type = 'key.created'`)
		}, "events", 1, "it does not follow from the record before it"},
		"no log": {func(t *testing.T, folder string) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(folder, "events.db")))
		}, "files", -1, "is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := t.TempDir()
			require.NoError(t, os.CopyFS(copied, os.DirFS(folder)))
			for _, file := range []string{"events.db", "catalog.db", "events.db.reserve", "catalog.db.reserve"} {
				require.NoError(t, os.Chmod(filepath.Join(copied, file), 0o600))
			}
			c.damage(t, copied)
			problems := home{t, h.folder}.examined("sqlite:" + copied)
			require.NotEmpty(t, problems)
			require.Equal(t, c.about, problems[0].About, "%v", problems)
			require.Contains(t, problems[0].Text, c.says)
			if c.offset >= 0 {
				require.NotNil(t, problems[0].Offset)
				require.Equal(t, c.offset, *problems[0].Offset)
			}
		})
	}
}

// The same holds of PostgreSQL, with its settings.
func TestTheDoctorNamesDamageOfPostgres(t *testing.T) {
	t.Parallel()
	h, store := newHome(t), pgtest.URL(t)
	patients(h, store.String())
	db, err := sql.Open("pgx", store.String())
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // nothing depends on it
	do := func(statement string) {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	do(`delete from events where "offset" = 1 and type = 'order.paid'`)
	do(`update events set payload = replace(payload::text, 'zebra', 'zabra')::json where "offset" = 4 and type = 'order.paid'`)
	problems := h.examined(store.String())
	require.Len(t, problems, 2, "%v", problems)
	for i, offset := range []core.Offset{1, 4} {
		require.Equal(t, []string{"events", "orders"}, []string{problems[i].About, problems[i].Stream})
		require.Equal(t, offset, *problems[i].Offset)
	}
	require.Empty(t, h.examined(store.String(), "--quick"), "which reads no events")

	relaxed := *store
	query := relaxed.Query()
	query.Set("synchronous_commit", "off")
	relaxed.RawQuery = query.Encode()
	for _, args := range [][]string{nil, {"--quick"}} {
		problems = h.examined(relaxed.String(), args...)
		require.Equal(t, "durability", problems[0].About)
		require.Contains(t, problems[0].Text, "synchronous_commit")
	}
}

// A program that meets tables of a newer one says so, and leaves them alone: log and
// catalog, on both engines.
func TestNewerTablesAreRefused(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*testing.T) (url string, database func(part string) (driver, address string)){
		"sqlite": func(t *testing.T) (string, func(string) (string, string)) {
			t.Helper()
			folder := t.TempDir()
			return "sqlite:" + folder, func(part string) (string, string) { return "sqlite", "file:" + filepath.Join(folder, part+".db") }
		},
		"postgres": func(t *testing.T) (string, func(string) (string, string)) {
			t.Helper()
			url := pgtest.URL(t).String()
			return url, func(string) (string, string) { return "pgx", url }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, database := store(t)
			h := newHome(t)
			h.key("EVENTFLOW_STORE=" + url)
			for part, opening := range map[string]string{"events": "opening the store: ", "catalog": "opening the catalog: "} {
				db, err := sql.Open(database(part))
				require.NoError(t, err)
				_, err = db.ExecContext(t.Context(), `insert into eventflow_`+part+`_version (version_id, is_applied) values (9999, true)`)
				require.NoError(t, err)
				o := h.run([]string{secret, anyone, "EVENTFLOW_STORE=" + url}, "serve")
				require.Equal(t, 1, o.code, o.stderr)
				require.Contains(t, o.stderr, opening+"the database's schema is at version 9999 and this program knows only ")
				require.Contains(t, o.stderr, "run a newer eventflow")
				o = h.run([]string{"EVENTFLOW_STORE=" + url}, "migrate", "status")
				require.Equal(t, 1, o.code, o.stdout)
				require.Contains(t, o.stdout, "of a newer eventflow")
				require.Contains(t, o.stderr, "the tables of the "+part+" are at version 9999")
				problems := h.examined(url)
				require.Len(t, problems, 1)
				require.Contains(t, problems[0].Text, "run a newer eventflow")
				_, err = db.ExecContext(t.Context(), `delete from eventflow_`+part+`_version where version_id = 9999`)
				require.NoError(t, err)
				require.NoError(t, db.Close())
			}
			o := h.run([]string{"EVENTFLOW_STORE=" + url}, "migrate", "status")
			require.Zero(t, o.code, o.stderr)
			require.Equal(t, 2, strings.Count(o.stdout, ", the newest."), o.stdout)
			require.NotContains(t, o.stdout, "pending")
		})
	}
}

// What is pending is listed before there is a server, and looking makes nothing.
func TestPendingMigrationsAreListed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	o := h.run(nil, "migrate", "status")
	require.Zero(t, o.code, o.stderr)
	require.Regexp(t, `events +1 +log +pending`, o.stdout)
	require.Contains(t, o.stdout, "not there yet: the first start of the server makes them")
	o = h.run(nil, "migrate", "status", "-o", "json")
	var all []struct {
		Tables  string
		Version int64
		Newest  int64
		Pending int64
	}
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &all))
	require.Len(t, all, 2)
	for _, one := range all {
		require.Zero(t, one.Version)
		require.Equal(t, one.Newest, one.Pending)
	}
	made, err := os.ReadDir(h.folder)
	require.NoError(t, err)
	require.Empty(t, made)
	problems := h.examined("postgres://user:hush@" + gone + "/db")
	require.Len(t, problems, 2)
	require.Contains(t, problems[0].Text, "connection refused")
	require.NotContains(t, problems[0].Text+problems[1].Text, "hush")
}
