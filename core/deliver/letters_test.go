package deliver_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// TestALetterIsDecidedOnce: of those who replay or discard a dead letter at the same
// time, one does, also when all of them come into the same step; and the event comes
// once.
func TestALetterIsDecidedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 1)
		page, err := d.Letters.List(t.Context(), d.who, core.LetterQuery{})
		require.NoError(t, err)
		id := page.Items[0].ID.String()

		replay := func(ctx context.Context) error { _, err := d.Letters.Replay(ctx, d.who, id, nil); return err }
		require.Equal(t, []core.Code{"", core.CodeConflict, core.CodeConflict}, d.together(slices.Repeat([]call{replay}, 3)))
		got := d.poll("mail", 10, 0)
		require.Equal(t, coretest.From(0, 1), coretest.Offsets(got.Events))
		require.NoError(t, d.nack("mail", got, core.Nack{Action: core.NackPark}))

		work := func(ctx context.Context) error { return d.Replayer.Work(ctx) }
		all := d.replayAll("mail", 0)
		require.Equal(t, []core.Code{"", ""}, d.together([]call{replay, work}))
		require.Equal(t, []int64{0, 1}, []int64{d.replayed(all).Done, d.replayed(all).Gone})
		got = d.poll("mail", 10, 0)
		require.Equal(t, coretest.From(0, 1), coretest.Offsets(got.Events))
		require.NoError(t, d.nack("mail", got, core.Nack{Action: core.NackPark}))

		discard := func(ctx context.Context) error { return d.Letters.Discard(ctx, d.who, id) }
		require.Equal(t, []core.Code{"", core.CodeNotFound, core.CodeNotFound}, d.together([]call{discard, discard, replay}))
		require.Empty(t, d.poll("mail", 10, 0).Events)
	})
}

// call is a call of a use case.
type call func(context.Context) error

// together has calls come into the same step, in order, and returns what each is
// answered. They queue up behind a step that takes its time.
func (d *desk) together(calls []call) []core.Code {
	d.catalog.advance.slow(time.Second)
	defer d.catalog.advance.slow(0)
	codes := make([]core.Code, len(calls))
	var callers sync.WaitGroup
	callers.Go(func() {
		_, err := d.Groups.Reset(d.Context(), d.who, "orders", "mail", core.Start{End: true})
		require.NoError(d, err)
	})
	for i, call := range calls {
		synctest.Wait()
		callers.Go(func() { codes[i] = core.CodeOf(call(d.Context())) })
	}
	callers.Wait()
	return codes
}
