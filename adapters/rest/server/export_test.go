package server_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestExportsHoldEveryEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.fill("orders", 2500)
	got := f.do("GET", "/api/v1/streams/orders/events/export", nil)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Equal(t, rest.TypeNDJSON, got.Header.Get("Content-Type"))
	lines := strings.Split(strings.TrimSuffix(string(got.body), "\n"), "\n")
	require.Len(t, lines, 2500)
	for i, line := range lines {
		var event core.Event
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		require.EqualValues(t, i, event.Offset)
	}

	got = f.do("GET", "/api/v1/events/export?format=csv&type=b", nil)
	require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
	require.Equal(t, rest.TypeCSV, got.Header.Get("Content-Type"))
	require.Contains(t, got.Header.Get("Content-Disposition"), "attachment")
	records, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1251)
	require.Equal(t, "event_id", records[0][0])
	require.Equal(t, "b", records[1][3])
	require.Equal(t, "'=cmd()", records[1][8], "a spreadsheet must not take it for a formula")
	require.JSONEq(t, `{"n":1,"user":{"id":"u1"}}`, records[1][9])

	got = f.do("HEAD", "/api/v1/streams/orders/events/export", nil)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Empty(t, got.body)
	got = f.do("GET", "/api/v1/streams/nowhere/events/export", nil)
	require.Equal(t, core.CodeNotFound, got.problem(t).Code)
}

// Excel takes a file for UTF-8 only if it is told so.
func TestAnExportForExcel(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, source := range []string{"＝1+1", "＋1", "－1", "＠x", "=1", "-1", "@x", "+1", "a=1", "１"} {
		body := fmt.Sprintf(`{"event_type":"a","source":%q,"payload":1}`, source)
		require.Equal(t, 202, f.do("POST", ordersEvents, strings.NewReader(body)).StatusCode)
	}
	plain := f.do("GET", ordersEvents+"/export?format=csv&bom=false", nil)
	marked := f.do("GET", ordersEvents+"/export?format=csv&bom=true", nil)
	require.Equal(t, "\ufeff"+string(plain.body), string(marked.body))
	records, err := csv.NewReader(bytes.NewReader(plain.body)).ReadAll()
	require.NoError(t, err)
	var sources []string
	for _, record := range records[1:] {
		sources = append(sources, record[7])
	}
	require.Equal(t, []string{"'＝1+1", "'＋1", "'－1", "'＠x", "'=1", "'-1", "'@x", "'+1", "a=1", "１"}, sources)
	for _, query := range []string{"bom=true", "format=csv&bom=yes", "format=ndjson&bom=true", "format=csv&bom="} {
		require.Equal(t, "bom", f.do("GET", ordersEvents+"/export?"+query, nil).problem(t).Details[0].Field, query)
	}
}

// failingReads is storage that can be read once.
type failingReads struct {
	core.EventLog
	reads chan struct{}
}

func (l failingReads) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	select {
	case l.reads <- struct{}{}:
		return l.EventLog.Read(ctx, stream, scan)
	default:
		return nil, errors.New("the disk is gone")
	}
}

func TestAnExportThatBreaksOffDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	for reads, check := range map[int]func(*testing.T, *fixture){
		0: func(t *testing.T, f *fixture) {
			got := f.do("GET", "/api/v1/streams/orders/events/export", nil)
			require.Equal(t, 500, got.StatusCode)
		},
		1: func(t *testing.T, f *fixture) {
			body, err := f.client.Export(context.Background(), "orders", core.EventQuery{}, rest.FormatNDJSON)
			require.NoError(t, err)
			defer body.Close()
			_, err = io.ReadAll(body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		},
	} {
		t.Run(fmt.Sprint(reads), func(t *testing.T) {
			t.Parallel()
			f := start(t, withLog(func(log core.EventLog) core.EventLog {
				return failingReads{log, make(chan struct{}, reads)}
			}))
			f.stream("orders")
			f.fill("orders", 1500)
			check(t, f)
		})
	}
}
