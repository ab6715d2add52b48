package catalog

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// tenant is an organization that has one of everything.
type tenant struct {
	org, stream, group, key, user, session, letter, replay, source core.ID

	ctx context.Context
}

func newID(kind, n byte) core.ID { return core.ID{kind, 15: n} }

// furnish makes a tenant.
func furnish(t *testing.T, c core.Catalog, n byte) tenant {
	t.Helper()
	ctx := t.Context()
	one := tenant{
		org: newID('o', n), stream: newID('s', n), group: newID('g', n), key: newID('k', n), user: newID('u', n),
		session: newID('e', n), letter: newID('l', n), replay: newID('r', n),
		source: newID('i', n),
	}
	one.ctx = core.ContextWithOrganization(ctx, one.org)
	name := string(rune('a' + n))
	_, err := c.EnsureOrganization(ctx, core.Organization{ID: one.org, Name: name, CreatedAt: start})
	require.NoError(t, err)
	// In the organization's own name: the wall lets what is its own through.
	ctx = one.ctx
	require.NoError(t, c.CreateStream(ctx, core.Stream{ID: one.stream, Org: one.org, Name: name, Revision: 1, CreatedAt: start, UpdatedAt: start}))
	require.NoError(t, c.CreateKey(ctx, core.APIKey{ID: one.key, Org: one.org, Kind: core.KindAPIKey, Role: core.RoleProducer, Hash: core.KeyHash{n}, CreatedAt: start}))
	require.NoError(t, c.CreateUser(ctx, core.User{ID: one.user, Org: one.org, Email: name + "@example.com", Role: core.RoleAdmin, Revision: 1, CreatedAt: start, UpdatedAt: start}))
	require.NoError(t, c.CreateSession(ctx, core.Session{ID: one.session, Org: one.org, User: one.user, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}))
	require.NoError(t, c.CreateTicket(ctx, core.Ticket{ID: newID('t', n), Kind: core.TicketReset, Org: one.org, User: one.user, Hash: core.KeyHash{n}, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}))
	group := core.Group{ID: one.group, Org: one.org, Stream: one.stream, Name: name, Revision: 1, CreatedAt: start, UpdatedAt: start}
	processor := core.Processor{Group: group, State: core.ProcessorRunning}
	require.NoError(t, c.CreateProcessor(ctx, processor, core.Progress{Revision: 1, State: []byte(`{}`)}))
	attempt := core.Attempt{From: 0, To: 1, Number: 1, At: start}
	letter := core.DeadLetter{ID: one.letter, Org: one.org, Stream: one.stream, Group: one.group, Event: core.Event{Payload: []byte(`{}`)}, ParkedAt: start}
	require.NoError(t, c.Advance(ctx, one.group, core.Step{
		Progress: core.Progress{Revision: 2, State: []byte(`{}`)}, Attempts: []core.Attempt{attempt}, Letters: []core.DeadLetter{letter},
	}))
	delivery := core.DeliveryAttempt{ID: newID('d', n), Org: one.org, Stream: one.stream, At: start}
	require.NoError(t, c.NoteDelivery(ctx, core.DeliveryNote{
		Processor: one.group, At: start, Count: core.DeliveryCount{Failed: 1}, Attempts: []core.DeliveryAttempt{delivery},
	}))
	require.NoError(t, c.RegisterSchema(ctx, core.Stream{ID: one.stream, Org: one.org, Name: name, Revision: 2, CreatedAt: start, UpdatedAt: start},
		core.SchemaVersion{ID: newID('v', n), Org: one.org, Stream: one.stream, EventType: "a", Version: 1, Schema: []byte(`{}`), CreatedAt: start}))
	require.NoError(t, c.Quarantine(ctx, []core.Quarantined{{ID: newID('q', n), Org: one.org, Event: core.Event{Stream: one.stream, Payload: []byte(`1`)}}}))
	require.NoError(t, c.CreateSource(ctx, core.Source{ID: one.source, Org: one.org, Stream: one.stream, Name: name, Hash: core.KeyHash{n}, Sealed: []byte{n}, Revision: 1, CreatedAt: start, UpdatedAt: start}))
	require.NoError(t, c.AddRefusal(ctx, core.SourceRefusal{ID: newID('f', n), Source: one.source, At: start}))
	require.NoError(t, c.AddSegment(ctx, core.Segment{Org: one.org, Stream: one.stream, Next: 1, FirstAt: start, LastAt: start}))
	require.NoError(t, c.NoteFeed(ctx, core.FeedNote{Source: one.source, Node: newID('n', n), At: start}))
	_, err = c.Held(ctx, one.org)
	require.NoError(t, err)
	require.NoError(t, c.CreateReplay(ctx, core.Replay{ID: one.replay, Org: one.org, State: core.ReplayRunning, Revision: 1}))
	return one
}

// catalogTables are the tables that an organization works with, each with the
// column that tells whose a row is and what it holds there.
var catalogTables = map[string]struct {
	column string
	value  func(tenant) core.ID
}{
	"organizations":     {"id", func(t tenant) core.ID { return t.org }},
	"streams":           {"org", func(t tenant) core.ID { return t.org }},
	"api_keys":          {"org", func(t tenant) core.ID { return t.org }},
	"users":             {"org", func(t tenant) core.ID { return t.org }},
	"sessions":          {"org", func(t tenant) core.ID { return t.org }},
	"tickets":           {"org", func(t tenant) core.ID { return t.org }},
	"consumer_groups":   {"org", func(t tenant) core.ID { return t.org }},
	"group_progress":    {"group_id", func(t tenant) core.ID { return t.group }},
	"delivery_attempts": {"group_id", func(t tenant) core.ID { return t.group }},
	"processors":        {"org", func(t tenant) core.ID { return t.org }},
	"deliveries":        {"org", func(t tenant) core.ID { return t.org }},
	"delivery_counts":   {"processor", func(t tenant) core.ID { return t.group }},
	"sources":           {"org", func(t tenant) core.ID { return t.org }},
	"source_refusals":   {"source", func(t tenant) core.ID { return t.source }},
	"feed_notes":        {"source", func(t tenant) core.ID { return t.source }},
	"dead_letters":      {"org", func(t tenant) core.ID { return t.org }},
	"schema_versions":   {"org", func(t tenant) core.ID { return t.org }},
	"quarantine":        {"org", func(t tenant) core.ID { return t.org }},
	"replays":           {"org", func(t tenant) core.ID { return t.org }},
	"archive_segments":  {"org", func(t tenant) core.ID { return t.org }},
}

// The first wall is the condition that names the organization. Without it, in
// every table there is, an organization finds and changes its own rows only.
func TestTheSecondWallStandsAroundEveryTable(t *testing.T) {
	t.Parallel()
	opened := opened(t, pgtest.URL(t)).(*Catalog)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	mine, theirs := furnish(t, opened, 1), furnish(t, opened, 2)
	all := func(ctx context.Context) *gorm.DB { return opened.db.WithContext(ctx) }
	var tables []string
	require.NoError(t, all(t.Context()).Raw(`select relname from pg_class
		where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')`).Scan(&tables).Error)
	require.Subset(t, tables, []string{"organizations", "replays"})
	for _, table := range tables {
		of, open := catalogTables[table]
		if !open {
			require.ErrorContains(t, all(mine.ctx).Exec(`select from `+table).Error, "42501", "%s must not be open", table)
			continue
		}
		seen := func(ctx context.Context) (ids []string) {
			require.NoError(t, all(ctx).Raw(`select `+of.column+` from `+table+` order by 1`).Scan(&ids).Error)
			return ids
		}
		both := []string{of.value(mine).String(), of.value(theirs).String()}
		require.Equal(t, both, seen(t.Context()), table)
		require.Equal(t, both[:1], seen(mine.ctx), table)
		require.Equal(t, both[1:], seen(theirs.ctx), table)
		changed := all(mine.ctx).Exec(`update ` + table + ` set ` + of.column + ` = ` + of.column)
		require.NoError(t, changed.Error, table)
		require.EqualValues(t, 1, changed.RowsAffected, table)
		require.ErrorContains(t, all(mine.ctx).Exec(`truncate `+table+` cascade`).Error, "42501", table)
	}
	for table, of := range catalogTables {
		moved := all(mine.ctx).Exec(`update `+table+` set `+of.column+` = ?`, of.value(theirs).String())
		require.Error(t, moved.Error, "nothing can be given away: %s", table)
	}
	require.NoError(t, all(mine.ctx).Exec(`delete from consumer_groups`).Error)
	require.Equal(t, core.CodeNotFound, core.CodeOf(errorOf(opened.Progress(t.Context(), mine.group))))
	require.NoError(t, errorOf(opened.Progress(t.Context(), theirs.group)))
}

func errorOf[T any](_ T, err error) error { return err }

// unscoped is a catalog whose queries forgot to name the organization.
type unscoped struct {
	core.Catalog
	owners map[core.ID]core.ID
}

func (u unscoped) Stream(ctx context.Context, _, id core.ID) (core.Stream, error) {
	return u.Catalog.Stream(ctx, u.owners[id], id)
}

func TestTheSecondWallStandsWhenTheFirstIsGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, pgtest.URL(t))
	mine, theirs := furnish(t, d.catalog, 1), furnish(t, d.catalog, 2)
	broken := unscoped{d.catalog, map[core.ID]core.ID{mine.stream: mine.org, theirs.stream: theirs.org}}
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: broken, Schemas: anySchema{}, Authorizer: everybodyMay{}, Now: func() time.Time { return start }})
	me := core.Principal{Org: mine.org, Role: core.RoleAdmin}
	_, err := streams.Get(mine.ctx, me, theirs.stream.String())
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	_, err = streams.Get(mine.ctx, me, mine.stream.String())
	require.NoError(t, err)
	_, err = eventlog.NewStreams(eventlog.StreamPorts{Catalog: broken, Schemas: anySchema{}, Authorizer: everybodyMay{}, Now: func() time.Time { return start }}).Get(t.Context(), me, theirs.stream.String())
	require.NoError(t, err, "without the second wall the mistake shows")
}

// Organizations are listed and limited by who works for all of them: in the name
// of one, no other is there.
func TestTheSecondWallHidesOtherOrganizations(t *testing.T) {
	t.Parallel()
	c := opened(t, pgtest.URL(t))
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	mine, theirs := furnish(t, c, 1), furnish(t, c, 2)
	listed := func(ctx context.Context) (ids []core.ID) {
		all, err := c.Organizations(ctx, core.ID{}, 10)
		require.NoError(t, err)
		for _, org := range all {
			ids = append(ids, org.ID)
		}
		return ids
	}
	require.Equal(t, []core.ID{mine.org, theirs.org}, listed(t.Context()))
	require.Equal(t, []core.ID{mine.org}, listed(mine.ctx))
	limited := core.Organization{ID: theirs.org, KeyRate: core.Rate{PerMinute: 1, PerSecond: 1}}
	require.Equal(t, core.CodeNotFound, core.CodeOf(c.LimitOrganization(mine.ctx, limited)))
	require.NoError(t, c.LimitOrganization(t.Context(), limited))
}
