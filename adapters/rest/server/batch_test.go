package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func compress(t testing.TB, text string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, err := writer.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return &out
}

func TestABatchAnswersForEachEvent(t *testing.T) {
	t.Parallel()
	good, bad := event("1"), `{"event_type":"","payload":1}`
	for name, test := range map[string]struct {
		array  string
		status int
		failed []int
	}{
		"all":  {"[" + good + "," + good + "]", 202, nil},
		"some": {"[" + good + "," + bad + "," + good + "]", 207, []int{1}},
		"none": {"[" + bad + "," + bad + "]", 400, []int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.ReplaceAll(strings.Trim(test.array, "[]"), "},{\"event", "}\r\n\r\n{\"event")
			for _, form := range []struct{ body, contentType, encoding string }{
				{test.array, "application/json", ""},
				{lines, "application/x-ndjson", ""},
				{compress(t, test.array).String(), "application/json; charset=UTF-8", "gzip"},
				{compress(t, lines).String(), "application/x-ndjson", "gzip"},
			} {
				f := start(t)
				f.stream("orders")
				headers := []string{"Content-Type: " + form.contentType}
				if form.encoding != "" {
					headers = append(headers, "Content-Encoding: "+form.encoding)
				}
				got := f.do("POST", "/api/v1/streams/orders/events/batch", strings.NewReader(form.body), headers...)
				require.Equal(t, test.status, got.StatusCode, "%s %s", form.contentType, got.body)
				var result rest.BatchResult
				require.NoError(t, json.Unmarshal(got.body, &result), "%s", got.body)
				total := strings.Count(test.array, "event_type")
				require.Len(t, result.Results, total)
				require.Equal(t, total-len(test.failed), result.Accepted)
				require.Equal(t, len(test.failed), result.Rejected)
				require.EqualValues(t, result.Accepted, f.events("orders"))
				offset := core.Offset(0)
				for i, item := range result.Results {
					require.Equal(t, i, item.Index)
					if item.Error != nil {
						require.Contains(t, test.failed, i)
						require.Equal(t, rest.Rejected, item.Status)
						require.Equal(t, core.CodeValidation, item.Error.Code)
						require.NotEmpty(t, item.Error.Details)
						continue
					}
					require.Equal(t, core.Accepted, item.Status)
					require.Equal(t, offset, item.Offset)
					require.False(t, item.ID.IsZero())
					offset++
				}
			}
		})
	}
}

func TestABatchMayNameItsStreams(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("a")
	f.stream("b")
	got := f.do("POST", "/api/v1/events/batch", strings.NewReader(
		`[{"stream":"a","event_type":"x","payload":1},{"stream":"nowhere","event_type":"x","payload":1},{"stream":"b","event_type":"x","payload":1}]`))
	require.Equal(t, http.StatusMultiStatus, got.StatusCode, "%s", got.body)
	require.EqualValues(t, 1, f.events("a"))
	require.EqualValues(t, 1, f.events("b"))
	var result rest.BatchResult
	require.NoError(t, json.Unmarshal(got.body, &result))
	require.Equal(t, core.CodeNotFound, result.Results[1].Error.Code)
}

// brokenLog is storage that takes nothing.
type brokenLog struct {
	core.EventLog
	err error
}

func (b brokenLog) Append(context.Context, time.Time, []core.Batch) error { return b.err }

func TestABatchThatTheServerCouldNotTakeIsAServerError(t *testing.T) {
	t.Parallel()
	f := start(t, withLog(func(log core.EventLog) core.EventLog {
		return brokenLog{log, core.Unavailable(nil, 1500*time.Millisecond, "the store is away")}
	}))
	f.stream("orders")
	got := f.do("POST", "/api/v1/streams/orders/events/batch", strings.NewReader("["+event("1")+`,{"event_type":"","payload":1}]`))
	problem := got.problem(t)
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, core.CodeUnavailable, problem.Code)
	require.Equal(t, "2", got.Header.Get("Retry-After"), "seconds are rounded up")
	var result rest.BatchResult
	require.NoError(t, json.Unmarshal(got.body, &result))
	require.Equal(t, 2, result.Rejected)
	require.Equal(t, core.CodeUnavailable, result.Results[0].Error.Code)
	require.Equal(t, core.CodeValidation, result.Results[1].Error.Code)

	_, err := f.client.PublishBatch(context.Background(), "orders", []rest.NewEvent{{Type: "a", Payload: []byte("1")}})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, 2*time.Second, known.RetryAfter)
}

// Whatever keeps a batch out stands in the log once, and not once for each event.
func TestABatchThatFailsIsLoggedOnce(t *testing.T) {
	t.Parallel()
	f := start(t, withLog(func(log core.EventLog) core.EventLog {
		return brokenLog{log, core.Unavailable(errors.New("no route to the database"), time.Second, "the store is away")}
	}))
	f.stream("orders")
	before := strings.Count(f.logged.String(), "could not be served")
	got := f.do("POST", "/api/v1/streams/orders/events/batch", strings.NewReader("["+event("1")+strings.Repeat(","+event("2"), 999)+"]"))
	require.Equal(t, 503, got.StatusCode)
	require.Equal(t, 1, strings.Count(f.logged.String(), "could not be served")-before)
	require.Contains(t, f.logged.String(), "no route to the database")
}

// unreadableLog is storage that cannot be read, for a reason of its own.
type unreadableLog struct{ core.EventLog }

func (unreadableLog) Bounds(context.Context, []core.ID) ([]core.Bounds, error) {
	return nil, errors.New("SELECT secret FROM table")
}

func TestWhatWentWrongInsideStaysInside(t *testing.T) {
	t.Parallel()
	f := start(t, withLog(func(log core.EventLog) core.EventLog { return unreadableLog{log} }))
	f.stream("orders")
	got := f.do("GET", "/api/v1/streams/orders/events", nil)
	require.Equal(t, 500, got.StatusCode)
	problem := got.problem(t)
	require.Equal(t, core.CodeInternal, problem.Code)
	require.NotContains(t, string(got.body), "SELECT")
	require.Contains(t, f.logged.String(), "SELECT secret")
	require.Contains(t, f.logged.String(), problem.RequestID)
}

func TestABatchThatIsRefusedForOneReasonHasItsStatus(t *testing.T) {
	t.Parallel()
	f := start(t)
	const batch = `[{"stream":"nowhere","event_type":"x","payload":1},{"stream":"neither","event_type":"x","payload":1}]`
	got := f.do("POST", "/api/v1/events/batch", strings.NewReader(batch))
	require.Equal(t, core.CodeNotFound, got.problem(t).Code)
	require.Contains(t, string(got.body), `"rejected":2`)
	got = f.do("POST", "/api/v1/events/batch", strings.NewReader(batch), "X-API-Key: "+f.newKey(core.RoleViewer))
	require.Equal(t, core.CodeForbidden, got.problem(t).Code)
}

// A file of lines may begin with a byte order mark. It is accepted there, once.
func TestLinesMayBeginWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	const mark = "\ufeff"
	line := event("1") + "\n"
	for body, status := range map[string]int{
		mark + line: 202, mark + line + line: 202, mark + mark + line: 400, line + mark + line: 207, mark: 400,
	} {
		require.Equal(t, status, f.do("POST", ordersBatch, strings.NewReader(body), "Content-Type: application/x-ndjson").StatusCode, "%q", body)
	}
	require.Equal(t, 400, f.do("POST", ordersBatch, strings.NewReader(mark+"["+event("1")+"]")).StatusCode, "JSON has none")
}
