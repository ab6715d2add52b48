package memory_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/catalogtest"
)

func TestCatalog(t *testing.T) {
	t.Parallel()
	catalogtest.Run(t, func(*testing.T) core.Catalog { return memory.NewCatalog() })
}

// noon is when everything below was made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shop has one of everything, with something behind every pointer.
type shop struct {
	*testing.T
	*memory.Catalog

	stream  core.Stream
	key     core.APIKey
	user    core.User
	session core.Session
	ticket  core.Ticket
	group   core.Group
	first   core.Progress
	letter  core.DeadLetter
	step    core.Step
	replay  core.Replay
	// processor has a group of its own, and one note.
	processor core.Processor
	note      core.DeliveryNote
}

func newShop(t *testing.T) *shop {
	t.Helper()
	org, offset := core.ID{1}, core.Offset(3)
	s := &shop{
		T: t, Catalog: memory.NewCatalog(),
		stream: core.Stream{ID: core.ID{2}, Org: org, Name: "orders", Schema: []byte(`{}`), Revision: 1, CreatedAt: noon, UpdatedAt: noon},
		key: core.APIKey{
			ID: core.ID{3}, Org: org, Label: "till", Streams: []core.ID{{2}}, Hash: core.KeyHash{3}, CreatedAt: noon, PreviousHash: core.KeyHash{4},
			PreviousValidUntil: new(noon), LastUsedAt: new(noon), RotatedAt: new(noon), ExpiresAt: new(noon),
		},
		user:    core.User{ID: core.ID{4}, Org: org, Email: "ann@example.com", Revision: 1, CreatedAt: noon, UpdatedAt: noon, LastLoginAt: new(noon)},
		session: core.Session{ID: core.ID{5}, Org: org, User: core.ID{4}, Generation: 1, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), RevokedAt: new(noon)},
		ticket:  core.Ticket{ID: core.ID{6}, Kind: core.TicketReset, Org: org, User: core.ID{4}, Hash: core.KeyHash{6}, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)},
		group:   core.Group{ID: core.ID{7}, Org: org, Stream: core.ID{2}, Name: "mail", Revision: 1, CreatedAt: noon, UpdatedAt: noon},
		first:   core.Progress{Revision: 1, State: []byte(`{}`)},
		letter: core.DeadLetter{
			ID: core.ID{8}, Org: org, Stream: core.ID{2}, Group: core.ID{7}, State: core.Parked, ParkedAt: noon,
			Event: core.Event{Payload: []byte(`1`), Context: []byte(`{}`)}, Attempts: []core.Attempt{{From: 3, To: 4, Number: 1, At: noon}},
		},
		replay: core.Replay{
			ID: core.ID{9}, Org: org, State: core.ReplayRunning, Filter: core.LetterFilter{Offset: &offset}, Streams: []core.ID{{2}}, Revision: 1,
			CreatedAt: noon, UpdatedAt: noon,
		},
		processor: core.Processor{
			Group:       core.Group{ID: core.ID{10}, Org: org, Stream: core.ID{2}, Name: "hook", Processor: true, Revision: 1, CreatedAt: noon, UpdatedAt: noon},
			Destination: core.Destination{Type: "webhook", Settings: []byte(`{}`), Secrets: []byte(`{}`)}, State: core.ProcessorRunning, FailingSince: new(noon),
		},
		note: core.DeliveryNote{
			Processor: core.ID{10}, At: noon, Recovered: true, FailedAt: new(noon), Count: core.DeliveryCount{Failed: 1},
			Attempts: []core.DeliveryAttempt{{ID: core.ID{11}, Org: org, Processor: core.ID{10}, At: noon, NextTry: new(noon)}},
		},
	}
	_, err := s.EnsureOrganization(t.Context(), core.Organization{ID: org, Name: "acme", CreatedAt: noon})
	require.NoError(t, err)
	require.NoError(t, s.CreateStream(t.Context(), s.stream))
	require.NoError(t, s.CreateKey(t.Context(), s.key))
	require.NoError(t, s.CreateUser(t.Context(), s.user))
	require.NoError(t, s.CreateSession(t.Context(), s.session))
	require.NoError(t, s.CreateTicket(t.Context(), s.ticket))
	require.NoError(t, s.CreateGroup(t.Context(), s.group, s.first))
	s.step = core.Step{
		Progress: core.Progress{Revision: 2, State: []byte(`{}`)}, Letters: []core.DeadLetter{s.letter}, Attempts: []core.Attempt{{From: 3, To: 4, Number: 1, At: noon}},
	}
	require.NoError(t, s.Advance(t.Context(), s.group.ID, s.step))
	require.NoError(t, s.CreateReplay(t.Context(), s.replay))
	require.NoError(t, s.CreateProcessor(t.Context(), s.processor, s.first))
	require.NoError(t, s.NoteDelivery(t.Context(), s.note))
	return s
}

// look returns all that the catalog shows.
func (s *shop) look() (shown []any) {
	s.Helper()
	ctx, org := s.Context(), s.stream.Org
	see := func(answer any, err error) {
		s.Helper()
		require.NoError(s, err)
		shown = append(shown, answer)
	}
	see(s.AllStreams(ctx, core.ID{}, 10))
	see(s.Streams(ctx, org, "", 10))
	see(s.Stream(ctx, org, s.stream.ID))
	see(s.StreamNamed(ctx, org, s.stream.Name))
	see(s.Keys(ctx, org, core.KeyScan{}))
	see(s.Key(ctx, org, s.key.ID))
	see(s.KeyByHash(ctx, s.key.Hash))
	see(s.Users(ctx, org, "", 10))
	see(s.User(ctx, org, s.user.ID))
	see(s.UsersByEmail(ctx, s.user.Email))
	see(s.Session(ctx, s.session.ID))
	see(s.AllGroups(ctx, core.GroupScan{Limit: 10}))
	see(s.Groups(ctx, s.stream.ID))
	see(s.Progress(ctx, s.group.ID))
	see(s.Attempts(ctx, s.group.ID, 3))
	see(s.DeadLetters(ctx, org, core.LetterScan{Limit: 10}))
	see(s.DeadLetter(ctx, org, s.letter.ID))
	see(s.DueReplays(ctx, noon, 10))
	see(s.Replays(ctx, org, core.ReplayScan{Limit: 10}))
	see(s.Replay(ctx, org, s.replay.ID))
	see(s.Processor(ctx, org, s.processor.ID))
	see(s.Processors(ctx, core.ProcessorScan{Limit: 10}))
	see(s.RunningProcessors(ctx, core.ID{}, 10))
	see(s.DeliveryCounts(ctx, []core.ID{s.processor.ID}, noon))
	see(s.Deliveries(ctx, org, s.processor.ID, core.DeliveryScan{Limit: 10}))
	see(s.Delivery(ctx, org, core.ID{11}))
	return shown
}

// spoil overwrites whatever a value shares with its copies.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem())
			v.Elem().SetZero()
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i))
			}
		}
	}
}

// What is handed in and what is returned belongs to the caller, who may write
// into it: the catalog shows what was stored.
func TestNobodyReachesIntoACatalog(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stored := s.look()
	require.Equal(t, []core.APIKey{s.key}, stored[4])
	for _, answer := range s.look() {
		spoil(reflect.ValueOf(answer))
	}
	require.Equal(t, stored, s.look())
	for _, given := range []any{s.stream, s.key, s.user, s.session, s.group, s.letter, s.replay, s.first.State, s.step, s.processor, s.note} {
		spoil(reflect.ValueOf(given))
	}
	require.Equal(t, stored, s.look())
}

// groupCalls are the calls that the suite of catalogs leaves out, because a store
// of groups alone is neither closed nor checked.
func (s *shop) groupCalls(ctx context.Context) map[string]error {
	org, errs := s.stream.Org, map[string]error{}
	_, errs["OrganizationsNamed"] = s.OrganizationsNamed(ctx, "acme")
	_, errs["LiveSessions"] = s.LiveSessions(ctx, s.user.ID, noon)
	errs["CreateGroup"] = s.CreateGroup(ctx, core.Group{ID: core.ID{70}, Stream: s.stream.ID, Name: "bill", Revision: 1}, core.Progress{Revision: 1})
	_, errs["Groups"] = s.Groups(ctx, s.stream.ID)
	_, errs["AllGroups"] = s.AllGroups(ctx, core.GroupScan{Limit: 1})
	renamed := s.group
	renamed.Name, renamed.Revision = "post", 2
	errs["UpdateGroup"] = s.UpdateGroup(ctx, renamed)
	_, errs["Progress"] = s.Progress(ctx, s.group.ID)
	errs["Advance"] = s.Advance(ctx, s.group.ID, core.Step{Progress: core.Progress{Revision: 3}, Remove: []core.ID{s.letter.ID}})
	_, errs["Attempts"] = s.Attempts(ctx, s.group.ID, 3)
	errs["ForgetAttempts"] = s.ForgetAttempts(ctx, noon.Add(time.Hour))
	_, errs["DeadLetters"] = s.DeadLetters(ctx, org, core.LetterScan{Limit: 1})
	_, errs["DeadLetter"] = s.DeadLetter(ctx, org, s.letter.ID)
	_, errs["CountDeadLetters"] = s.CountDeadLetters(ctx, org, core.LetterScan{Limit: 1})
	errs["CreateReplay"] = s.CreateReplay(ctx, core.Replay{ID: core.ID{90}, Org: org, State: core.ReplayRunning, Revision: 1})
	_, errs["Replay"] = s.Replay(ctx, org, s.replay.ID)
	held := s.replay
	held.Revision, held.Done = 2, 1
	errs["UpdateReplay"] = s.UpdateReplay(ctx, held)
	_, errs["DueReplays"] = s.DueReplays(ctx, noon, 1)
	_, errs["Replays"] = s.Replays(ctx, org, core.ReplayScan{Limit: 1})
	errs["DeleteGroup"] = s.DeleteGroup(ctx, s.stream.ID, s.group.ID)
	return errs
}

// A call whose context has ended changes nothing, and none succeeds after Close.
func TestGroupsEndWithTheContextAndWithTheCatalog(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stored := s.look()
	ended, end := context.WithCancel(t.Context())
	end()
	for call, err := range s.groupCalls(ended) {
		require.ErrorIs(t, err, context.Canceled, call)
	}
	require.Equal(t, stored, s.look())
	require.NoError(t, s.Close())
	for call, err := range s.groupCalls(t.Context()) {
		require.Error(t, err, call)
		require.Equal(t, core.CodeInternal, core.CodeOf(err), "%s cannot know what is there", call)
	}
	require.NoError(t, s.Close())
}

// Two things with one id are an error, and the first one stays as it was.
func TestAnIDIsTaken(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stored := s.look()
	group, replay, key := s.group, s.replay, s.key
	group.Name, replay.Total, key.Hash = "bill", 7, core.KeyHash{7}
	require.Error(t, s.CreateGroup(t.Context(), group, core.Progress{Revision: 1}))
	require.Error(t, s.CreateReplay(t.Context(), replay))
	require.Error(t, s.CreateKey(t.Context(), key))
	key.ID = core.ID{30}
	for _, hash := range []core.KeyHash{s.key.Hash, s.key.PreviousHash} {
		key.Hash = hash
		require.Error(t, s.CreateKey(t.Context(), key))
	}
	_, err := s.EnsureOrganization(t.Context(), core.Organization{ID: s.stream.Org, Name: "other"})
	require.Error(t, err)
	require.Equal(t, stored, s.look())
}

// A replay that is not there is none to update, whatever its revision.
func TestAReplayThatIsNotThereIsNotUpdated(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	unknown, foreign := s.replay, s.replay
	unknown.ID = core.ID{90}
	foreign.Org, foreign.Revision = core.ID{10}, 2
	for _, replay := range []core.Replay{unknown, foreign} {
		require.Equal(t, core.CodePreconditionFailed, core.CodeOf(s.UpdateReplay(t.Context(), replay)))
	}
	running, err := s.DueReplays(t.Context(), noon, 10)
	require.NoError(t, err)
	require.Equal(t, []core.Replay{s.replay}, running)
}

// The live sessions of a user are neither ended nor expired, and come newest
// first, up to a page.
func TestLiveSessionsComeNewestFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	live := func(at time.Time) (ids []core.ID) {
		sessions, err := s.LiveSessions(t.Context(), s.user.ID, at)
		require.NoError(t, err)
		for _, session := range sessions {
			ids = append(ids, session.ID)
		}
		return ids
	}
	require.Empty(t, live(noon), "the one there is has ended")
	for i := range core.MaxPageSize + 1 {
		session := s.session
		session.ID, session.RevokedAt = core.ID{6, byte(i >> 8), byte(i)}, nil
		session.CreatedAt, session.ExpiresAt = noon.Add(time.Duration(i)*time.Second), noon.Add(time.Duration(i)*time.Hour)
		require.NoError(t, s.CreateSession(t.Context(), session))
	}
	last, expires := core.MaxPageSize, noon.Add(time.Duration(core.MaxPageSize)*time.Hour)
	require.Equal(t, []core.ID{{6, byte(last >> 8), byte(last)}}, live(expires.Add(-time.Microsecond)))
	require.Empty(t, live(expires))
	all := live(noon)
	require.Len(t, all, core.MaxPageSize)
	require.Equal(t, []core.ID{{6, byte(last >> 8), byte(last)}, {6, byte((last - 1) >> 8), byte(last - 1)}}, all[:2])
	none, err := s.LiveSessions(t.Context(), core.ID{40}, noon)
	require.NoError(t, err)
	require.Empty(t, none)
}
