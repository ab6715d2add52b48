package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Whoever names a place in a stream that has no event yet is told which field that
// was, and where the stream ends, wherever they name it.
func TestPlacesInAStreamFollowOneRule(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 3)
	f.publish("orders", 4)
	const events = "/api/v1/streams/orders/events"
	for _, c := range []struct {
		method, path, field, body string
		// end is the last place that is good.
		end int
	}{
		{"GET", events + "?after=%d", "after", "", 3},
		{"GET", events + "?order=desc&after=%d", "after", "", 3},
		{"GET", events + "/export?format=csv&after=%d", "after", "", 3},
		{"GET", events + "/live?after=%d", "after", "", 3},
		{"POST", groups + "/mail/reset", "to", `{"to":%d}`, 4},
		{"POST", groups, "start", `{"name":"new","start":%d}`, 4},
		{"POST", groups + "/mail/offsets", "offset", `{"offset":%d}`, 3},
	} {
		for _, beyond := range []int{c.end + 1, c.end + 1000, 99_999_999} {
			path, body := c.path, c.body
			if body != "" {
				body = fmt.Sprintf(body, beyond)
			} else {
				path = fmt.Sprintf(path, beyond)
			}
			if strings.Contains(path, "/live") { // one that is taken would not end
				require.Equal(t, 400, f.statusOf(path), path)
			}
			got := f.do(c.method, path, strings.NewReader(body))
			require.Equal(t, 400, got.StatusCode, "%s %s: %s", path, body, got.body)
			require.Equal(t, []core.Detail{{Field: c.field, Reason: "is beyond the end of the stream, whose next offset is 4"}}, got.problem(t).Details, "%s %s", path, body)
		}
	}
	for path, body := range map[string]string{"/mail/reset": `{"to":-1}`, "": `{"name":"new","start":-1}`, "/mail/offsets": `{"offset":-1}`} {
		got := f.do("POST", groups+path, strings.NewReader(body))
		require.Equal(t, 400, got.StatusCode, "%s", got.body)
		require.Contains(t, []string{"to", "start", "offset"}, got.problem(t).Details[0].Field)
	}
}

// statusOf is how a GET is answered, whatever its body is.
func (f *fixture) statusOf(path string) int {
	request, err := http.NewRequest(http.MethodGet, "http://"+f.address+path, nil)
	require.NoError(f.t, err)
	request.Header.Set("X-API-Key", f.key)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(f.t, err)
	require.NoError(f.t, response.Body.Close())
	return response.StatusCode
}

// An offset that no event can have is refused by its place in the list.
func TestANegativeOffsetIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 3)
	f.publish("orders", 4)
	delivery, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{Limit: 3})
	require.NoError(t, err)
	lease := delivery.Lease.ID.String()
	for body, field := range map[string]string{
		`{"lease":"` + lease + `","offsets":[-1]}`:                                                          "offsets[0]",
		`{"lease":"` + lease + `","offsets":[0,1,-9223372036854775808]}`:                                    "offsets[2]",
		`{"lease":"` + lease + `","offsets":[0,-2],"event_ids":["` + delivery.Events[0].ID.String() + `"]}`: "offsets[1]",
	} {
		got := f.do("POST", groups+"/mail/ack", strings.NewReader(body))
		require.Equal(t, 400, got.StatusCode, "%s", got.body)
		require.Equal(t, field, got.problem(t).Details[0].Field, body)
	}
	require.EqualValues(t, -1, f.status("mail").CommittedOffset, "nothing of a bad request is settled")
}

// A lease that was lost commits nothing, also where others have settled it since. What
// a lease has settled may be committed again.
func TestALostLeaseCommitsNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 4)
	lost, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{Limit: 3})
	require.NoError(t, err)
	_, err = f.client.ResetGroup(t.Context(), "orders", "mail", core.Start{})
	require.NoError(t, err)
	held, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{Limit: 3})
	require.NoError(t, err)
	for range 2 {
		_, err = f.client.Commit(t.Context(), "orders", "mail", rest.CommitRequest{Offset: new(core.Offset(2)), Lease: &held.Lease.ID})
		require.NoError(t, err)
		_, err = f.client.Commit(t.Context(), "orders", "mail", rest.CommitRequest{Offset: new(core.Offset(1))})
		require.NoError(t, err, "without a lease, a commit behind the position may be repeated")
	}
	_, err = f.client.Commit(t.Context(), "orders", "mail", rest.CommitRequest{Offset: new(core.Offset(2)), Lease: &lost.Lease.ID})
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
	require.ErrorContains(t, err, "the group was reset")
	never := newID()
	_, err = f.client.Commit(t.Context(), "orders", "mail", rest.CommitRequest{Offset: new(core.Offset(2)), Lease: &never})
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
}
