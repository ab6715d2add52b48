package jetstream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func someBlock() *block {
	at := time.Date(2026, 3, 1, 10, 0, 0, 1000, time.UTC)
	entry := core.Entry{Event: core.Event{
		ID: core.ID{1}, Stream: core.ID{3}, Offset: 7, Type: "a", Version: 2, OccurredAt: at, ReceivedAt: at, Source: "s", Subject: "u",
		Payload: []byte(`1`), Context: []byte(`{}`), APIKeyID: core.ID{4}, IdempotencyKey: "k",
	}}
	return &block{seq: 5, id: core.ID{1}, org: core.ID{2}, stream: core.ID{3}, offset: 7, count: 1, first: at, last: at, entries: []core.Entry{entry}}
}

// A bit that flips anywhere is found out, and so is a message that was cut.
func TestADamagedBlockIsRefused(t *testing.T) {
	t.Parallel()
	data := someBlock().encode()
	got, err := decodeBlock(&message{seq: 5, data: data})
	require.NoError(t, err)
	require.Equal(t, someBlock(), got)
	for i := range data {
		damaged := append([]byte{}, data...)
		damaged[i] ^= 1 << (i % 8)
		_, err := decodeBlock(&message{seq: 5, subject: "x.0.b.y", data: damaged})
		require.ErrorContains(t, err, "the message at sequence 5 of x.0.b.y is damaged")
		_, err = decodeBlock(&message{data: data[:i]})
		require.Error(t, err)
	}
}

func TestBlocksEndWithTheHour(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 59, 59, 0, time.UTC)
	entries := make([]core.Entry, 2500)
	for i := range entries {
		entries[i].Offset, entries[i].ReceivedAt, entries[i].Payload = core.Offset(i), at, []byte(`1`)
		if i >= 10 {
			entries[i].ReceivedAt = at.Add(time.Minute)
		}
	}
	var sizes []int
	for _, b := range split(core.ID{1}, core.ID{2}, entries) {
		require.Equal(t, hour(b.first), hour(b.last))
		sizes = append(sizes, b.count)
	}
	require.Equal(t, []int{10, 1000, 1000, 490}, sizes)
}
