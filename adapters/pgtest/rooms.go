package pgtest

import (
	"net/url"
	"os"
	"sync"
	"testing"
)

// Rooms are schemas for the many subtests of one test. Each subtest finds its room empty:
// an earlier one may have made the tables, whose rows are deleted. To make tables costs the
// server several times what most tests do with them. So rooms are for tests that change
// nothing but rows, and close what they open, as suites of a port do. All others take a
// schema by [URL].
type Rooms struct {
	whole testing.TB // the test of the subtests

	mu   sync.Mutex
	free []*url.URL
}

// NewRooms returns rooms for the subtests of a test. They are gone when all of it has ended.
func NewRooms(whole testing.TB) *Rooms { return &Rooms{whole: whole} }

// URL returns the URL of a room, for the time of a subtest.
func (r *Rooms) URL(t testing.TB) *url.URL {
	t.Helper()
	room := r.take()
	if room == nil {
		room = URL(r.whole)
	} else {
		execute(t, os.Getenv(EnvURL), emptying(room.Query().Get("search_path")))
	}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.free = append(r.free, room)
	})
	return room
}

// take returns the room that nobody has been in for the longest time, or nil.
func (r *Rooms) take() (room *url.URL) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.free) > 0 {
		room, r.free = r.free[0], r.free[1:]
	}
	return room
}

// emptying deletes what a schema's tables hold, but for which migrations they have had. It
// is one statement: at its end no row refers to one that is gone.
func emptying(schema string) string {
	return `do $$ declare deletions text; begin
		select string_agg(format('%1$I as (delete from ` + schema + `.%1$I)', relname), ', ') into deletions from pg_class
			where relnamespace = '` + schema + `'::regnamespace and relkind in ('r', 'p') and not relispartition and relname !~ '^eventflow_.*_version$';
		if deletions is not null then execute 'with ' || deletions || ' select 1'; end if;
	end $$`
}
