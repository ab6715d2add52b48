package postgres

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// fullDisk has PostgreSQL refuse what needs room, as it does on a full disk.
const (
	fullDisk = `create function refuse() returns trigger language plpgsql as $$
			begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
		create function refuse_table() returns event_trigger language plpgsql as $$
			begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
		create trigger refuse before update on heads for each row execute function refuse();
		create event trigger refuse_table on ddl_command_start when tag in ('CREATE TABLE AS') execute function refuse_table()`
	roomAgain = `drop event trigger refuse_table; drop trigger refuse on heads`
)

// On a full disk an append is refused with the time after which to try again, Check
// says so, what is stored can be read, and all is well by itself once there is room.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.Private(t).URL())
	require.NoError(t, err)
	s := openStorage(t, u)
	admin, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close(context.Background()) }) // the server ends as well
	at, stream, n := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), core.ID{3}, &neighbours{}
	require.NoError(t, s.Append(t.Context(), at, []core.Batch{n.batch(core.ID{1}, stream, 0)}))
	next := n.batch(core.ID{1}, stream, 1)
	next.Entries[0].IdempotencyKey = "another"

	_, err = admin.Exec(t.Context(), fullDisk)
	require.NoError(t, err)
	var refused *core.Error
	require.ErrorAs(t, s.Append(t.Context(), at, []core.Batch{next}), &refused)
	require.Equal(t, core.CodeStorageFull, refused.Code)
	require.Positive(t, refused.RetryAfter)
	for range 2 {
		err = s.Check(t.Context())
		require.ErrorIs(t, err, core.ErrDegraded)
		require.ErrorContains(t, err, "the disk is full")
	}
	events, err := s.Read(t.Context(), stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 1)

	_, err = admin.Exec(t.Context(), roomAgain)
	require.NoError(t, err)
	require.NoError(t, s.Check(t.Context()), "though nobody stores anything")
	require.NoError(t, s.Append(t.Context(), at, []core.Batch{next}))
}

// An append that a slow database holds up is told by Check while it lasts.
func TestCheckTellsOfAppendsThatWait(t *testing.T) {
	t.Parallel()
	s := openStorage(t, pgtest.URL(t))
	p := &plan{}
	s.appends.begin(p)
	require.NoError(t, s.Check(t.Context()))
	s.appends.mu.Lock()
	s.appends.began[p] = time.Now().Add(-2 * patient)
	s.appends.mu.Unlock()
	require.ErrorIs(t, s.Check(t.Context()), core.ErrDegraded)
	s.appends.end(p)
	require.NoError(t, s.Check(t.Context()))
}
