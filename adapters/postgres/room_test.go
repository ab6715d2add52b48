package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// The days to come have their partitions before they begin, and days that were made
// ahead and got no event leave none behind. Days with events are left to retention.
func TestRoomIsMadeAhead(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	storage := opened(t, u)
	room := storage.(core.Preparer)
	conn := connect(t, u)
	for range 2 {
		require.NoError(t, room.Prepare(t.Context(), moment, moment.Add(2*day)))
		require.Len(t, partitions(t, conn), 3)
	}
	stream := newID(moment)
	require.NoError(t, appendOne(storage, moment, newBatch(stream, moment, 2)))
	require.NoError(t, room.Prepare(t.Context(), moment.Add(5*day), moment.Add(6*day)))
	require.Len(t, partitions(t, conn), 3, "the day with events, and two ahead")
	require.Len(t, everything(t, storage, stream), 2)
}

// Midnight comes whether or not somebody has made room, and whether or not the room was
// taken away again: no append fails.
func TestNoMidnightMakesAnAppendFail(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, core.Preparer, time.Time){
		"room was made": func(t *testing.T, room core.Preparer, at time.Time) {
			t.Helper()
			require.NoError(t, room.Prepare(t.Context(), at, at.Add(day)))
		},
		"nobody makes room": func(*testing.T, core.Preparer, time.Time) {},
		"another node's clock is days ahead": func(t *testing.T, room core.Preparer, at time.Time) {
			t.Helper()
			require.NoError(t, room.Prepare(t.Context(), at.Add(9*day), at.Add(10*day)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := opened(t, pgtest.URL(t))
			stream, midnight := newID(moment), moment.Truncate(day).Add(day)
			for night := range 3 {
				at := midnight.Add(time.Duration(night) * day)
				require.NoError(t, appendOne(storage, at.Add(-time.Microsecond), newBatch(stream, at, 2)))
				prepare(t, storage.(core.Preparer), at.Add(-time.Microsecond))
				require.NoError(t, appendOne(storage, at, newBatch(stream, at, 2)))
			}
			require.Len(t, everything(t, storage, stream), 12)
		})
	}
}
