package logsink_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/logsink"
	"github.com/eventflow-go/eventflow/core"
)

func TestEventsAreLogged(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	c := logsink.New(logsink.Options{Logger: slog.New(slog.NewJSONHandler(&logged, nil))})
	to, err := c.Check(json.RawMessage(`{"type":"log"}`), core.Destination{})
	require.NoError(t, err)
	sink, err := c.Open(t.Context(), to, core.Origin{StreamName: "orders", ProcessorName: "try"})
	require.NoError(t, err)

	event := core.Event{ID: core.RandomID(time.Now()), Offset: 7, Type: "order.paid", Payload: json.RawMessage(`"` + strings.Repeat("é", 1000) + `"`)}
	results := sink.Send(t.Context(), []core.Outgoing{{Event: event}, {Event: event}})
	require.Equal(t, make([]core.Sent, 2), results)
	require.NoError(t, sink.Close())

	lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
	require.Len(t, lines, 2)
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
	require.Equal(t, event.ID.String(), line["event_id"])
	require.InDelta(t, 7, line["offset"], 0)
	require.Equal(t, "order.paid", line["event_type"])
	require.Equal(t, "orders", line["stream"])
	require.Equal(t, "try", line["processor"])
	require.Equal(t, `"`+strings.Repeat("é", 511), line["payload"], "a KB at most, cut between characters")
}

func TestALogHasNoSettings(t *testing.T) {
	t.Parallel()
	_, err := logsink.New(logsink.Options{}).Check(json.RawMessage(`{"level":"debug"}`), core.Destination{})
	require.Equal(t, core.CodeValidation, core.CodeOf(err))
	require.Equal(t, "level", err.(*core.Error).Details[0].Field) //nolint:errorlint // Check promises it
}
