package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestTheTailIsBounded(t *testing.T) {
	t.Parallel()
	var followed tail
	for i := range 5000 {
		followed.add(t.Context(), restItem(i), narrowing{})
	}
	followed.take()
	require.Len(t, followed.rows, keptRows)
	require.Equal(t, core.Offset(4999), followed.rows[0].Offset, "the newest is on top")
	require.Equal(t, int64(5000), followed.total+followed.skipped)
	followed.paused = true
	followed.add(t.Context(), restItem(5000), narrowing{})
	followed.take()
	require.Equal(t, core.Offset(4999), followed.rows[0].Offset)
	require.Equal(t, 1, followed.waiting())
	followed.paused = false
	followed.take()
	require.Equal(t, core.Offset(5000), followed.rows[0].Offset)
	require.Len(t, followed.shown(), drawnRows)
}

func TestATailKeepsSoMuchOnly(t *testing.T) {
	t.Parallel()
	var followed tail
	for i := range 100 {
		item := restItem(i)
		item.Event.Payload = make([]byte, 1<<20)
		followed.add(t.Context(), item, narrowing{})
		require.LessOrEqual(t, sizeOf(followed.arrived), 2*keptBytes)
	}
	followed.take()
	require.Len(t, followed.rows, keptBytes>>20)
	require.Equal(t, core.Offset(99), followed.rows[0].Offset)
	require.Equal(t, int64(100), followed.total+followed.skipped)
	item := restItem(100)
	item.Event.Payload = make([]byte, keptBytes+1)
	followed.add(t.Context(), item, narrowing{})
	followed.take()
	require.Len(t, followed.rows, 1, "one is always shown")
}

func restItem(offset int) rest.TailItem {
	return rest.TailItem{Event: core.Event{Offset: core.Offset(offset), Payload: []byte(`{}`)}}
}
