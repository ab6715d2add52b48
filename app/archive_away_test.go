package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// objectStore is an S3 server in memory that can be away.
type objectStore struct {
	url  string
	away atomic.Bool
}

func newObjectStore(t *testing.T) *objectStore {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("events"))
	o, objects := &objectStore{}, gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		objects.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.url = "s3://events?path_style=true&endpoint=" + server.URL
	return o
}

// settings are a server's that has its archive there.
func (o *objectStore) settings() []string {
	return []string{"EVENTFLOW_ARCHIVE=" + o.url, "EVENTFLOW_ARCHIVE_ACCESS_KEY=me", "EVENTFLOW_ARCHIVE_SECRET_KEY=a-secret-that-is-long-enough", "EVENTFLOW_HOT_DAYS=36500"}
}

// TestAnArchiveThatIsAwayKeepsOldEventsAloneFromReaders holds, through HTTP, that reads of
// what is in the archive answer 503 with a reason while it is away, and that everything
// else goes on: ingest, reads of what is in the store, groups at the head, and what is known
// of streams.
func TestAnArchiveThatIsAwayKeepsOldEventsAloneFromReaders(t *testing.T) {
	t.Parallel()
	h, objects := newHome(t), newObjectStore(t)
	h.must("key", "create", "--label", "one")
	archiveOld(t, h, objects.url)
	server := h.serve(objects.settings()...)
	client := server.client(h.key())
	_, err := client.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "head", Start: core.Start{End: true}})
	require.NoError(t, err)
	_, err = client.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "behind"})
	require.NoError(t, err)
	whole, err := client.EventsPage(t.Context(), "orders", core.EventQuery{})
	require.NoError(t, err)
	require.Len(t, whole.Items, 10)

	again := h.serve(objects.settings()...) // which has read nothing of it yet
	client = again.client(h.key())
	objects.away.Store(true)
	oldReadsAreRefused(t, client)
	everythingElseGoesOn(t, again.url, client)

	objects.away.Store(false)
	require.Eventually(t, func() bool {
		page, err := client.EventsPage(t.Context(), "orders", core.EventQuery{})
		return err == nil && len(page.Items) == 12
	}, patience, 100*time.Millisecond, "the archive is asked again when it is back")
	got, err := client.Poll(t.Context(), "orders", "behind", rest.PollOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 0, got.Events[0].Offset, "the group that lags goes on where it was")
	report, err := client.Health(t.Context())
	require.NoError(t, err)
	require.Equal(t, rest.StatusOK, report.Checks["archive"].Status)
}

// oldReadsAreRefused asks in every way for what only the archive has.
func oldReadsAreRefused(t *testing.T, client *rest.Client) {
	t.Helper()
	_, page := client.EventsPage(t.Context(), "orders", core.EventQuery{})
	_, poll := client.Poll(t.Context(), "orders", "behind", rest.PollOptions{})
	_, all := client.AllEventsPage(t.Context(), core.EventQuery{})
	body, export := client.Export(t.Context(), "orders", core.EventQuery{}, "ndjson")
	if export == nil {
		_, export = io.ReadAll(body)
	}
	for what, err := range map[string]error{"a page": page, "a group that lags": poll, "all streams": all, "an export": export} {
		var answer *rest.Error
		require.ErrorAs(t, err, &answer, what)
		require.Equal(t, http.StatusServiceUnavailable, answer.Status, what)
		require.Contains(t, answer.Error(), "are in the archive, which does not answer; newer ones can be read", what)
	}
}

// everythingElseGoesOn publishes two events and reads what is not in the archive.
func everythingElseGoesOn(t *testing.T, url string, client *rest.Client) {
	t.Helper()
	for range 2 {
		_, err := client.Publish(t.Context(), "orders", someEvent)
		require.NoError(t, err)
	}
	hot := core.Offset(7)
	page, err := client.EventsPage(t.Context(), "orders", core.EventQuery{After: &hot})
	require.NoError(t, err)
	require.Len(t, page.Items, 4)
	newest, err := client.EventsPage(t.Context(), "orders", core.EventQuery{Descending: true, Limit: 4})
	require.NoError(t, err)
	require.EqualValues(t, 11, newest.Items[0].Offset)
	all, err := client.AllEventsPage(t.Context(), core.EventQuery{Descending: true, Limit: 4})
	require.NoError(t, err)
	require.Len(t, all.Items, 4)
	got, err := client.Poll(t.Context(), "orders", "head", rest.PollOptions{})
	require.NoError(t, err)
	require.Len(t, got.Events, 2)
	_, err = client.Commit(t.Context(), "orders", "head", rest.CommitRequest{LastEventID: &got.Events[1].ID, Lease: &got.Lease.ID})
	require.NoError(t, err)
	lag, err := client.Lag(t.Context(), "orders", "behind")
	require.NoError(t, err)
	require.EqualValues(t, 12, lag.Lag, "how far a group is behind is known without the archive")
	require.Greater(t, lag.LagSeconds, float64(24*60*60), "and in days, too")
	groups, err := client.AllGroups(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, groups.Items, 2)
	streams, err := client.StreamOverviews(t.Context(), core.StreamQuery{})
	require.NoError(t, err)
	require.EqualValues(t, 12, streams.Items[0].Stats.NextOffset)
	kept, err := client.StreamRetention(t.Context(), "orders")
	require.NoError(t, err)
	require.EqualValues(t, 8, kept.ArchivedEvents)

	ready := get(t, url+"/readyz")
	require.Equal(t, http.StatusOK, ready.status, ready.body)
	var report rest.Health
	require.NoError(t, json.Unmarshal([]byte(ready.body), &report))
	require.Equal(t, rest.StatusDegraded, report.Status, "health says it: "+strconv.Quote(ready.body))
	require.Equal(t, rest.StatusDegraded, report.Checks["archive"].Status)
}
