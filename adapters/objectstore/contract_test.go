package objectstore_test

import (
	"bytes"
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
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/objectstore"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

func TestSinks(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"ndjson.gz", "parquet"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Target{
				Type: objectstore.Type, Connector: objectstore.New(objectstore.Options{Dial: (&net.Dialer{}).DialContext}),
				Secrets: []string{"secret_key"}, URLs: []string{"endpoint"},
				Start: func(t *testing.T) sinktest.Receiver { return receive(t, format) },
				Refused: []sinktest.Refusal{
					{Name: "no bucket", Given: `{"bucket":null}`, Field: "bucket"},
					{Name: "a format of another kind", Given: `{"format":"csv"}`, Field: "format"},
				},
			})
		})
	}
}

// receive begins a store that refuses what it is told to and can be cut off.
func receive(t *testing.T, format string) sinktest.Receiver {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket(bucket))
	s := &store{t: t, backend: backend}
	var mu sync.Mutex
	var refused []core.ID
	inner := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock() // also for the backend, which reads while it writes
		if err == nil && len(refused) > 0 {
			var events []sinktest.Arrival
			events, err = eventsIn(body, format)
			if slices.ContainsFunc(events, func(a sinktest.Arrival) bool { return slices.Contains(refused, a.ID) }) {
				err = errors.New("refused")
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	gate := sinktest.NewGate(t, strings.TrimPrefix(server.URL, "http://"))
	return sinktest.Receiver{
		Settings: fmt.Appendf(nil, `{"endpoint":"http://%s","bucket":%q,"prefix":"a b","access_key":"me","secret_key":%q,"format":%q}`, gate.Addr(), bucket, secretKey, format),
		Away:     gate.Away, Stall: gate.Stall,
		Refuse: func(ids ...core.ID) {
			mu.Lock()
			defer mu.Unlock()
			refused = ids
		},
		Arrived: func() (arrived []sinktest.Arrival) {
			mu.Lock()
			defer mu.Unlock()
			files := s.files()
			for _, name := range slices.Sorted(maps.Keys(files)) {
				events, err := eventsIn(files[name], format)
				require.NoError(t, err)
				arrived = append(arrived, events...)
			}
			return arrived
		},
	}
}

// eventsIn returns the events in a file.
func eventsIn(file []byte, format string) (found []sinktest.Arrival, err error) {
	if format == "parquet" {
		return rowsIn(file)
	}
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for lines := json.NewDecoder(r); ; {
		var event core.Event
		switch err := lines.Decode(&event); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		}
		found = append(found, sinktest.Arrival{ID: event.ID, Payload: event.Payload})
	}
}

func rowsIn(file []byte) (found []sinktest.Arrival, err error) {
	type line struct {
		ID      string `parquet:"event_id"`
		Payload string `parquet:"payload"`
	}
	rows, err := parquet.Read[line](bytes.NewReader(file), int64(len(file)))
	for _, row := range rows {
		id, _ := core.ParseID(row.ID)
		found = append(found, sinktest.Arrival{ID: id, Payload: json.RawMessage(row.Payload)})
	}
	return found, err
}
