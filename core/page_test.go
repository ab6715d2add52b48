package core_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// heap is a list of large events, and the most that was asked for at once.
type heap struct {
	events []core.Event
	most   int
}

// page returns the events that follow an offset, and where the page ends.
func (h *heap) page(t *testing.T, after, limit int) (offsets []core.Offset, next int) {
	t.Helper()
	scope, ends := []byte("heap"), after
	cursor := func(last *core.Event) string { ends = int(last.Offset) + 1; return core.SealCursor(scope, []byte{1}) }
	page, err := core.Fill(limit, (*core.Event).Size, cursor, func(last *core.Event, limit int) ([]core.Event, error) {
		from := after
		if last != nil {
			from = int(last.Offset) + 1
		}
		h.most = max(h.most, limit)
		return h.events[from:min(from+limit, len(h.events))], nil
	})
	require.NoError(t, err)
	require.Equal(t, page.HasMore, page.NextCursor != "")
	for i := range page.Items {
		offsets = append(offsets, page.Items[i].Offset)
	}
	if !page.HasMore {
		ends = len(h.events)
	}
	return offsets, ends
}

// A page of what is large is short, and the pages after it have the rest: nobody fills the
// memory with a thousand of the largest events. A page holds one at least.
func TestAPageOfLargeItemsIsShort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ events, size, limit, perPage int }{
		{events: 0, size: 1, limit: 10, perPage: 0},
		{events: 1000, size: 1, limit: 1000, perPage: 1000},
		{events: 1000, size: 1, limit: 999, perPage: 999},
		{events: 130, size: 1, limit: 64, perPage: 64},
		{events: 50, size: core.MaxEventBytes, limit: 1000, perPage: core.PageBytes / core.MaxEventBytes},
		{events: 3, size: core.PageBytes + 1, limit: 1000, perPage: 1},
	} {
		payload, h := json.RawMessage(strings.Repeat(" ", c.size)), &heap{}
		for i := range c.events {
			h.events = append(h.events, core.Event{Offset: core.Offset(i), Payload: payload})
		}
		var all []core.Offset
		for at, first := 0, true; first || at < c.events; first = false {
			var offsets []core.Offset
			offsets, at = h.page(t, at, c.limit)
			require.Len(t, offsets, min(c.perPage, c.events-len(all)))
			all = append(all, offsets...)
		}
		require.Len(t, all, c.events)
		for i, offset := range all {
			require.Equal(t, core.Offset(i), offset)
		}
		require.LessOrEqual(t, h.most, 64)
	}
}
