package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A tail that has shown nothing comes back where the server has looked to, and not
// where it began.
func TestATailComesBackWhereTheServerWas(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		if len(asked) == 4 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", rest.TypeEventStream)
		_, _ = fmt.Fprint(w, []string{
			"retry: 1000\nid: 41\n\n: alive\nid: 50\n\n", "id: 99\nevent: skipped\ndata: {\"skipped\":49,\"reason\":\"retention\"}\n\n", "id: 100\ndata: {\"offset\":100}\n\nid: 120\n",
		}[len(asked)-1])
	}))
	defer server.Close()
	var items []rest.TailItem
	for item, err := range rest.NewClient(server.URL, "").Tail(t.Context(), "orders", rest.TailOptions{Type: "a"}) {
		if err != nil {
			require.Equal(t, core.CodeNotFound, core.CodeOf(err))
			break
		}
		items = append(items, item)
	}
	require.Equal(t, []string{"type=a", "after=50&type=a", "after=99&type=a", "after=100&type=a"}, asked)
	require.Equal(t, []rest.TailItem{{Skipped: 49, Reason: rest.SkippedRemoved}, {Event: core.Event{Offset: 100}}}, items)
}
