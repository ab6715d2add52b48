package catalog

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// On a full disk a write is refused with the time after which to try again, Check
// says so, what is kept can be read, and all is well by itself once there is room.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := opened(t, folder(t)).(*Catalog)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		db, err := c.db.DB()
		require.NoError(t, err)
		db.SetMaxOpenConns(1) // the limit is a connection's
		c.fills(t, `pragma max_page_count = 1`, `pragma max_page_count = 100000`)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		u, err := url.Parse(pgtest.Private(t).URL())
		require.NoError(t, err)
		c := opened(t, u).(*Catalog)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		c.fills(t, `create function refuse() returns trigger language plpgsql as $$
				begin raise exception 'could not extend file' using errcode = '53100'; end $$;
			create function refuse_table() returns event_trigger language plpgsql as $$
				begin raise exception 'could not extend file' using errcode = '53100'; end $$;
			create trigger refuse before insert or update on streams for each row execute function refuse();
			create event trigger refuse_table on ddl_command_start when tag in ('CREATE TABLE AS') execute function refuse_table()`,
			`drop event trigger refuse_table; drop trigger refuse on streams`)
	})
}

// fills holds a catalog to what it does while there is no room, and after that.
func (c *Catalog) fills(t *testing.T, full, room string) {
	t.Helper()
	org, err := c.EnsureOrganization(t.Context(), core.Organization{ID: core.ID{1}, Name: "default", CreatedAt: start})
	require.NoError(t, err)
	stream := core.Stream{ID: core.ID{2}, Org: org.ID, Name: "orders", Revision: 1, CreatedAt: start, UpdatedAt: start}
	require.NoError(t, c.CreateStream(t.Context(), stream))
	large := core.Stream{ID: core.ID{3}, Org: org.ID, Name: "large", Description: strings.Repeat("x", 500_000), Revision: 1, CreatedAt: start, UpdatedAt: start}

	require.NoError(t, c.db.Exec(full).Error)
	var refused *core.Error
	require.ErrorAs(t, c.CreateStream(t.Context(), large), &refused)
	require.Equal(t, core.CodeUnavailable, refused.Code)
	require.Positive(t, refused.RetryAfter)
	require.Contains(t, refused.Message, "the catalog's disk is full")
	for range 2 {
		require.ErrorIs(t, c.Check(t.Context()), core.ErrDegraded)
	}
	_, err = c.Stream(t.Context(), org.ID, stream.ID)
	require.NoError(t, err)

	require.NoError(t, c.db.Exec(room).Error)
	require.NoError(t, c.Check(t.Context()), "though nobody changes anything")
	require.NoError(t, c.CreateStream(t.Context(), large))
}

// A database of the catalog's own is held to the settings that the log's is.
func TestCheckReportsRelaxedDurability(t *testing.T) {
	t.Parallel()
	u := *pgtest.URL(t)
	query := u.Query()
	query.Set("synchronous_commit", "off")
	u.RawQuery = query.Encode()
	c := opened(t, &u)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	err := c.Check(t.Context())
	require.ErrorIs(t, err, core.ErrRelaxedDurability)
	require.ErrorContains(t, err, "synchronous_commit=off")
}
