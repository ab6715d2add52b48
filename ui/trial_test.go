package ui

import (
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// An error is marked below the character that its reason names.
func TestAnErrorIsMarkedAtItsPlace(t *testing.T) {
	t.Parallel()
	line, column, ok := placeOf("line 2, column 5: unexpected token")
	require.True(t, ok)
	require.Equal(t, []int{2, 5}, []int{line, column})
	for _, nowhere := range []string{"", "is required", "line 2: no column", "line x, column 1: y"} {
		_, _, ok := placeOf(nowhere)
		require.False(t, ok, nowhere)
		require.NotContains(t, app.HTMLString(marked("a", nowhere)), "marked")
	}
	shown := app.HTMLString(marked("a\n\tbü == 1", "line 2, column 5: unexpected"))
	require.Contains(t, shown, " bü == 1\n    \n", "the mark is below the fifth character")
	long := app.HTMLString(marked(strings.Repeat("x", 500), "line 1, column 300: unexpected"))
	require.Less(t, len(long), 250, "a long line is cut around the place")
	require.NotContains(t, app.HTMLString(marked("a", "line 7, column 1: gone")), "marked", "the text has changed since")
}

func TestAPreviewShowsTheVerdicts(t *testing.T) {
	t.Parallel()
	var of trial
	event := core.Event{Type: "order.paid", Offset: 7, Payload: []byte(`{"a":1}`)}
	shown := func(one core.Trial) string { return app.HTMLString(of.row(&one, true)) }
	require.Contains(t, shown(core.Trial{Event: event}), "filtered out")
	require.Contains(t, shown(core.Trial{Event: event, Passed: true, Result: &event}), "passes")
	of.transform = ".a + x"
	failed := shown(core.Trial{Event: event, Errors: []core.Detail{{Field: "transform", Reason: "line 1, column 6: x is not defined"}}})
	require.Contains(t, failed, "x is not defined")
	require.Contains(t, failed, ".a + x\n     \n")
}
