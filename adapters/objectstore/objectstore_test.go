package objectstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/adapters/objectstore"
	"github.com/eventflow-go/eventflow/core"
)

const (
	bucket    = "lake"
	secretKey = "a-secret-that-is-long-enough-1234"
)

// store is an S3 server in memory.
type store struct {
	t        *testing.T
	backend  *s3mem.Backend
	endpoint string
}

func newStore(t *testing.T) *store {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket(bucket))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return &store{t: t, backend: backend, endpoint: server.URL}
}

// files returns all files, by their names.
func (s *store) files() map[string][]byte {
	s.t.Helper()
	listed, err := s.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	require.NoError(s.t, err)
	files := map[string][]byte{}
	for _, item := range listed.Contents {
		object, err := s.backend.GetObject(bucket, item.Key, nil)
		require.NoError(s.t, err)
		files[item.Key], err = io.ReadAll(object.Contents)
		require.NoError(s.t, err)
	}
	return files
}

// open returns a sink to the store, with settings besides the needed ones.
func (s *store) open(more map[string]any) core.Sink {
	s.t.Helper()
	settings := map[string]any{"endpoint": s.endpoint, "bucket": bucket, "prefix": "/raw/events/", "access_key": "me", "secret_key": secretKey}
	maps.Copy(settings, more)
	given, err := json.Marshal(settings)
	require.NoError(s.t, err)
	c := objectstore.New(objectstore.Options{Dial: (&net.Dialer{}).DialContext})
	to, err := c.Check(given, core.Destination{})
	require.NoError(s.t, err)
	sink, err := c.Open(s.t.Context(), to, core.Origin{StreamName: "orders"})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, sink.Close()) })
	return sink
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// received returns an event for each of the times, at offsets from first on.
func received(first core.Offset, times ...time.Time) []core.Outgoing {
	events := make([]core.Outgoing, len(times))
	for i, at := range times {
		offset := first + core.Offset(i)
		events[i] = core.Outgoing{Attempt: 1, Event: core.Event{
			ID: core.NewID(at, make([]byte, 16)), Stream: core.NewID(noon, make([]byte, 16)), Offset: offset, Type: "order.paid", Version: 2,
			OccurredAt: at.Add(-time.Second), ReceivedAt: at, Source: "shop", Subject: "order-1",
			Payload: json.RawMessage("{\"n\": 12345678901234567890,\n \"text\": \"<é>\"}"), Context: json.RawMessage(`{"trace_id":"abc"}`),
		}}
	}
	return events
}

func TestEventsBecomeLinesInAFolderOfTheirHour(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	sink := s.open(nil)
	events := received(998, noon.Add(59*time.Minute), noon.Add(60*time.Minute-time.Microsecond), noon.Add(time.Hour))
	results := sink.Send(t.Context(), events)
	files := s.files()
	names := slices.Sorted(maps.Keys(files))
	require.Len(t, names, 2)
	require.Regexp(t, `^raw/events/stream=orders/date=2026-03-01/hour=12/00000000000000000998-00000000000000000999-[0-9a-f]{16}\.ndjson\.gz$`, names[0])
	require.Regexp(t, `^raw/events/stream=orders/date=2026-03-01/hour=13/00000000000000001000-00000000000000001000-[0-9a-f]{16}\.ndjson\.gz$`, names[1])
	for i, name := range []string{names[0], names[0], names[1]} {
		require.NoError(t, results[i].Err)
		require.Equal(t, 200, results[i].Status)
		require.Equal(t, "written as "+name, results[i].Response, "each result names the file of its event")
	}
	lines := unpack(t, files[names[0]])
	require.Len(t, lines, 2)
	var event core.Event
	require.NoError(t, json.Unmarshal(lines[1], &event))
	want := events[1].Event
	require.JSONEq(t, string(want.Payload), string(event.Payload))
	require.Contains(t, string(event.Payload), `12345678901234567890,"text":"<é>"`, "numbers and texts are not rewritten")
	want.Payload, event.Payload = nil, nil
	require.Equal(t, want, event)
}

func unpack(t *testing.T, file []byte) [][]byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// A batch that is sent again replaces its file by itself, and a file is never replaced
// by another batch that begins and ends alike: an event that is among the former and
// not the latter would be lost.
func TestAFileIsReplacedByItselfOnly(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"ndjson.gz", "parquet"} {
		s := newStore(t)
		events := received(0, noon, noon, noon)
		require.NoError(t, s.open(map[string]any{"format": format}).Send(t.Context(), events)[2].Err)
		once := s.files()
		for i := range events {
			events[i].Attempt++
		}
		require.NoError(t, s.open(map[string]any{"format": format}).Send(t.Context(), events)[2].Err)
		require.Equal(t, once, s.files(), "the same bytes under the same name")
		require.NoError(t, s.open(map[string]any{"format": format}).Send(t.Context(), slices.Delete(slices.Clone(events), 1, 2))[1].Err)
		require.Len(t, s.files(), 2, format)
	}
}

func TestEventsBecomeATableInParquet(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	events := received(7, noon, noon.Add(time.Microsecond))
	events[1].Event.Subject, events[1].Event.Context = "", nil
	require.NoError(t, s.open(map[string]any{"format": "parquet"}).Send(t.Context(), events)[0].Err)
	for name, file := range s.files() {
		require.Regexp(t, `/00000000000000000007-00000000000000000008-[0-9a-f]{16}\.parquet$`, name)
		table, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		require.NoError(t, err)
		columns := map[string]string{}
		for _, column := range table.Root().Columns() {
			columns[column.Name()] = column.Type().String()
		}
		require.Equal(t, "JSON", columns["payload"])
		require.Contains(t, columns["received_at"], "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)")
		type line struct {
			Offset     int64     `parquet:"offset"`
			ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
			Subject    *string   `parquet:"subject,optional"`
			Payload    string    `parquet:"payload"`
			Context    *string   `parquet:"context,optional"`
		}
		rows, err := parquet.Read[line](bytes.NewReader(file), int64(len(file)))
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.Equal(t, int64(8), rows[1].Offset)
		require.Equal(t, noon.Add(time.Microsecond), rows[1].ReceivedAt.UTC())
		require.Equal(t, string(events[0].Event.Payload), rows[0].Payload)
		require.Equal(t, "order-1", *rows[0].Subject)
		require.Nil(t, rows[1].Subject)
		require.Nil(t, rows[1].Context)
	}
}

func TestNamesOfStreamsAreEscapedAsHiveDoes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := objectstore.New(objectstore.Options{Dial: (&net.Dialer{}).DialContext})
	to, err := c.Check(fmt.Appendf(nil, `{"endpoint":%q,"bucket":%q,"access_key":"me","secret_key":"x","path_style":true}`, s.endpoint, bucket), core.Destination{})
	require.NoError(t, err)
	sink, err := c.Open(t.Context(), to, core.Origin{StreamName: "a=b c/é%"})
	require.NoError(t, err)
	require.NoError(t, sink.Send(t.Context(), received(0, noon))[0].Err)
	for name := range s.files() {
		require.True(t, strings.HasPrefix(name, "stream=a%3Db%20c%2F%C3%A9%25/date=2026-03-01/"), name)
	}
	require.NoError(t, sink.Close())
}

func TestAStoreThatRefusesIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	events := received(0, noon, noon.Add(time.Hour))
	results := s.open(map[string]any{"bucket": "elsewhere"}).Send(t.Context(), events)
	require.Len(t, results, 2)
	for _, sent := range results {
		require.ErrorContains(t, sent.Err, `the store has no bucket "elsewhere"`)
		require.Equal(t, core.TryAgain, sent.Verdict)
		require.Equal(t, 404, sent.Status)
		require.Contains(t, sent.Response, "NoSuchBucket")
	}
}

// Files of one processor appear in the order of their events: after one that failed, the
// next are left for the next attempt.
func TestNoFileOvertakesAnother(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	inner, asked := gofakes3.New(s.backend).Server(), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.endpoint = server.URL
	results := s.open(nil).Send(t.Context(), received(0, noon, noon.Add(time.Hour), noon.Add(2*time.Hour)))
	require.Len(t, results, 3)
	require.NoError(t, results[0].Err)
	require.Equal(t, 503, results[1].Status)
	require.ErrorContains(t, results[2].Err, "status 503")
	require.Len(t, s.files(), 1)
}

func TestAStoreThatIsAwayIsTriedAgain(t *testing.T) {
	t.Parallel()
	refused := errors.New("not to there")
	c := objectstore.New(objectstore.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
	for _, c := range []core.Connector{c, objectstore.New(objectstore.Options{})} {
		to, err := c.Check(json.RawMessage(`{"endpoint":"http://127.0.0.1:1","bucket":"lake","access_key":"me","secret_key":"`+secretKey+`"}`), core.Destination{})
		require.NoError(t, err)
		sink, err := c.Open(t.Context(), to, core.Origin{StreamName: "orders"})
		require.NoError(t, err)
		sent := sink.Send(t.Context(), received(0, noon))[0]
		require.ErrorContains(t, sent.Err, "the store at http://127.0.0.1:1 cannot be reached")
		require.NotContains(t, sent.Err.Error(), secretKey)
		require.Equal(t, core.TryAgain, sent.Verdict)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	c := objectstore.New(objectstore.Options{Judge: reach.Options{}.Check})
	good := map[string]any{"endpoint": "https://s3.eu-central-1.amazonaws.com", "bucket": "lake", "access_key": "me", "secret_key": "x"}
	check := func(field string, value any) (core.Destination, error) {
		settings := maps.Clone(good)
		settings[field] = value
		given, err := json.Marshal(settings)
		require.NoError(t, err)
		return c.Check(given, core.Destination{})
	}
	to, err := check("prefix", "a/b")
	require.NoError(t, err)
	require.JSONEq(t, `{"endpoint":"https://s3.eu-central-1.amazonaws.com","bucket":"lake","prefix":"a/b","access_key":"me","secret_key":"••••",
		"format":"ndjson.gz","batch_events":10000,"batch_bytes":8388608,"linger":60}`, string(to.Settings))
	for _, wrong := range []struct {
		field string
		value any
	}{
		{"endpoint", "s3.amazonaws.com"},
		{"endpoint", "https://me:sesame@s3.amazonaws.com"},
		{"endpoint", ""},
		{"endpoint", "http://169.254.169.254"},
		{"bucket", ""},
		{"bucket", "../other"},
		{"bucket", "Upper_case"},
		{"prefix", "a//b"},
		{"prefix", "../b"},
		{"prefix", "a\x00"},
		{"region", "eu central"},
		{"access_key", ""},
		{"secret_key", nil},
		{"format", "csv"},
		{"path_style", "yes"},
		{"batch_events", 0},
		{"batch_bytes", 1},
		{"batch_bytes", 1 << 30},
		{"linger", -1},
		{"linger", 1e6},
		{"colour", "red"},
	} {
		_, err := check(wrong.field, wrong.value)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", wrong)
		require.Equal(t, wrong.field, err.(*core.Error).Details[0].Field, "%v", wrong) //nolint:errorlint // Check promises it
		require.NotContains(t, err.Error(), "sesame")
	}
}
