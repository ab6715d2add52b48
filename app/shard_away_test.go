package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/frail"
	"github.com/eventflow-go/eventflow/core"
)

// threeShards is a server of three shards, with a stream, a group and a processor on each, whose
// names are `on-N`, `readers` and `log`. The shards that a test wants go away and come back.
type threeShards struct {
	home
	t      *testing.T
	client *rest.Client
	// events are the ids of the first event of each stream.
	events []core.ID
}

func newThreeShards(t *testing.T) *threeShards {
	t.Helper()
	h := newHome(t)
	environ := []string{"EVENTFLOW_STORE=sharded:frail:./0,frail:./1,frail:./2", "EVENTFLOW_CATALOG=sqlite:./catalog"}
	key := h.run(append(environ, secret), "key", "create", "--label", "one", "--role", "admin")
	require.Zero(t, key.code, key.stderr)
	s := &threeShards{home: h, t: t, client: h.serve(environ...).client(strings.TrimSpace(key.stdout))}
	for at, name := range []string{"on-0", "on-1", "on-2"} {
		stream, err := s.client.CreateStream(t.Context(), core.StreamSpec{Name: name, Shard: &at})
		require.NoError(t, err)
		require.Equal(t, at, stream.Shard)
		receipt, err := s.client.Publish(t.Context(), name, onlyOnce)
		require.NoError(t, err)
		s.events = append(s.events, receipt.ID)
		_, err = s.client.CreateGroup(t.Context(), name, core.GroupSpec{Name: "readers"})
		require.NoError(t, err)
		_, err = s.client.CreateProcessor(t.Context(), name, core.ProcessorSpec{
			GroupSpec: core.GroupSpec{Name: "log"}, Start: &core.Start{}, Destination: []byte(`{"type":"log"}`),
		})
		require.NoError(t, err)
	}
	return s
}

// lose has shard 1 go away, and back if how is "".
func (s *threeShards) lose(how string) {
	s.t.Helper()
	file := filepath.Join(s.folder, "1"+frail.Away)
	if how == "" {
		require.NoError(s.t, os.Remove(file))
		return
	}
	s.write("1"+frail.Away, how)
}

// While a shard is away, or hangs, every list shows what is known of the others and names
// what is missing. Only who asks for the lost stream itself is refused, and told why.
func TestAShardThatIsAwayHurtsItsOwnStreamsAlone(t *testing.T) {
	t.Parallel()
	s := newThreeShards(t)
	s.seeAll()
	for _, how := range []string{"refuses", frail.Hangs} {
		s.lose(how)
		s.seeStreams()
		s.seeGroups()
		s.seeSums()
		s.seeEvents()
		s.seeTheLost(how)
		s.lose("")
		require.Eventually(t, func() bool {
			sum, err := s.client.Summary(t.Context())
			return err == nil && sum.Events == 3
		}, patience, 50*time.Millisecond, "it is back")
		s.seeAll()
	}
}

// seeAll looks at answers in which nothing is missing.
func (s *threeShards) seeAll() {
	s.t.Helper()
	page, err := s.client.AllEventsPage(s.t.Context(), core.EventQuery{Partial: true})
	require.NoError(s.t, err)
	require.Len(s.t, page.Items, 3)
	require.Nil(s.t, page.Missing)
	sum, err := s.client.PartialSummary(s.t.Context())
	require.NoError(s.t, err)
	require.Nil(s.t, sum.Missing)
	require.EqualValues(s.t, 3, sum.Events)
}

func (s *threeShards) seeStreams() {
	s.t.Helper()
	streams, err := s.client.StreamOverviews(s.t.Context(), core.StreamQuery{})
	require.NoError(s.t, err)
	require.Len(s.t, streams.Items, 3)
	for at, stream := range streams.Items {
		require.Equal(s.t, at == 1, stream.Unavailable)
		require.Equal(s.t, at != 1, stream.Stats.Events == 1)
	}
}

func (s *threeShards) seeGroups() {
	s.t.Helper()
	groups, err := s.client.AllGroups(s.t.Context(), "", 0)
	require.NoError(s.t, err)
	require.Len(s.t, groups.Items, 6)
	for _, group := range groups.Items {
		require.Equal(s.t, group.StreamName == "on-1", group.Unavailable, group.StreamName)
		if group.Name == "readers" {
			require.Equal(s.t, !group.Unavailable, group.Status.Lag == 1)
		}
	}
	processors, err := s.client.AllProcessors(s.t.Context(), "", 0)
	require.NoError(s.t, err)
	require.Len(s.t, processors.Items, 3)
	for _, processor := range processors.Items {
		require.Equal(s.t, processor.StreamName == "on-1", processor.Unavailable, processor.StreamName)
	}
	letters, err := s.client.DeadLettersPage(s.t.Context(), core.LetterQuery{})
	require.NoError(s.t, err)
	require.Empty(s.t, letters.Items)
	sources, err := s.client.SourcesPage(s.t.Context(), "", 0)
	require.NoError(s.t, err)
	require.Empty(s.t, sources.Items)
}

// seeSums holds that a sum is whole or says what it lacks.
func (s *threeShards) seeSums() {
	s.t.Helper()
	var sum core.Summary
	require.Eventually(s.t, func() (missing bool) { // what was counted a moment ago is kept
		var err error
		sum, err = s.client.PartialSummary(s.t.Context())
		require.NoError(s.t, err)
		return sum.Missing != nil
	}, patience, 50*time.Millisecond)
	require.EqualValues(s.t, 3, sum.Streams)
	require.EqualValues(s.t, 2, sum.Events)
	require.EqualValues(s.t, 4, sum.Groups)
	s.requireMissing(sum.Missing)
	_, err := s.client.Summary(s.t.Context())
	s.requireLost(err)
}

func (s *threeShards) seeEvents() {
	s.t.Helper()
	for _, query := range []core.EventQuery{{Partial: true}, {Partial: true, Descending: true, Filter: core.Filter{Type: "made"}}} {
		page, err := s.client.AllEventsPage(s.t.Context(), query)
		require.NoError(s.t, err)
		require.Len(s.t, page.Items, 2)
		require.Len(s.t, page.Streams, 2)
		s.requireMissing(page.Missing)
		query.Partial = false
		_, err = s.client.AllEventsPage(s.t.Context(), query)
		s.requireLost(err)
	}
	found := map[core.ID]bool{}
	for query := (core.EventQuery{Partial: true, Limit: 1}); ; {
		page, err := s.client.AllEventsPage(s.t.Context(), query)
		require.NoError(s.t, err)
		s.requireMissing(page.Missing)
		for _, event := range page.Items {
			found[event.ID] = true
		}
		if query.Cursor = page.Pagination.NextCursor; !page.Pagination.HasMore {
			break
		}
	}
	require.Equal(s.t, map[core.ID]bool{s.events[0]: true, s.events[2]: true}, found)
	for at, id := range s.events {
		trace, err := s.client.Trace(s.t.Context(), id.String())
		if at == 1 {
			s.requireLost(err)
			continue
		}
		require.NoError(s.t, err)
		require.Equal(s.t, id, trace.ID)
	}
}

// seeTheLost asks for the stream of the shard that is away, and for one beside it.
func (s *threeShards) seeTheLost(how string) {
	s.t.Helper()
	_, err := s.client.Stream(s.t.Context(), "on-1")
	require.NoError(s.t, err, "its definition is known")
	if how == "refuses" { // and where it hangs, until the request ends
		_, err = s.client.StreamStats(s.t.Context(), "on-1")
		s.requireLost(err)
		_, err = s.client.Lag(s.t.Context(), "on-1", "readers")
		s.requireLost(err)
		_, err = s.client.Processor(s.t.Context(), "on-1", "log")
		s.requireLost(err)
	}
	page, err := s.client.EventsPage(s.t.Context(), "on-2", core.EventQuery{})
	require.NoError(s.t, err)
	require.Len(s.t, page.Items, 1)
	receipt, err := s.client.Publish(s.t.Context(), "on-2", onlyOnce)
	require.NoError(s.t, err)
	require.True(s.t, receipt.Duplicate)
}

// onlyOnce is an event that no stream has twice.
var onlyOnce = rest.NewEvent{Type: "made", Payload: []byte("1"), IdempotencyKey: "once"}

func (s *threeShards) requireMissing(missing *core.Missing) {
	s.t.Helper()
	require.NotNil(s.t, missing)
	require.Equal(s.t, []int{1}, missing.Shards)
	require.Len(s.t, missing.Streams, 1)
	require.Equal(s.t, "on-1", missing.Streams[0].Name)
	require.False(s.t, missing.More)
}

func (s *threeShards) requireLost(err error) {
	s.t.Helper()
	require.Equal(s.t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(s.t, err, "shard 1 of the store")
}
