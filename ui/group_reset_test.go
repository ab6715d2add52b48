package ui

import (
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// The preview counts for the start that it was made of, and for no other.
func TestAPreviewIsOfWhatIsChosen(t *testing.T) {
	t.Parallel()
	r := groupReset{start: start{kind: startOldest}}
	require.False(t, r.ready())
	r.preview.value, r.preview.at = resetPreview{of: r.start, next: 0, first: 0, end: 50}, time.Now()
	require.True(t, r.ready())
	status := core.GroupStatus{CommittedOffset: 29, Lag: 20}
	shown := app.HTMLString(r.meaning(status))
	require.Contains(t, shown, "30 events will be read again.")
	require.Contains(t, shown, ">50<", "the lag after it")

	r.start = start{kind: startOffset}
	require.False(t, r.ready(), "another start was chosen")
	require.Empty(t, r.wrong(), "nothing was typed yet")
	require.NotContains(t, app.HTMLString(r.meaning(status)), "read again")
	r.start.offset = "many"
	require.Contains(t, r.wrong(), "must be a whole number")
	r.start.offset = "10,000"
	require.Empty(t, r.wrong())
	r.preview.value.of = r.start
	require.True(t, r.ready())
	r.preview.err = core.Errorf(core.CodeUnavailable, "busy")
	require.False(t, r.ready(), "what was found before says nothing of now")
}

func TestTheWordsOfAReset(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 event will be skipped.", resetWords(9, 10))
	require.Equal(t, "10,000 events will be read again.", resetWords(10_000, 0))
	require.Equal(t, "No events will be skipped or read again.", resetWords(3, 3))
}
