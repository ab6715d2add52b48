package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestAPageSaysWhatItWasReadFor(t *testing.T) {
	t.Parallel()
	n := narrowing{free: []string{"refund"}}
	page := found{looked: 100}
	page.Pagination.HasMore = true
	require.Equal(t, "None of 100 events contains “refund”.", page.words(n))
	page.passed = 2000
	require.Equal(t, "None of 2,100 events contains “refund”.", page.words(n))
	page.Pagination.HasMore = false
	require.Equal(t, "None of 2,100 events contains “refund”, and there are no more.", page.words(n))
	page.Items = make([]core.Event, 3)
	require.Equal(t, "3 of 100 events contain “refund”.", page.words(n))
	page.Items = page.Items[:1]
	require.Equal(t, "1 of 100 events contains “refund”.", page.words(n))
	require.Empty(t, page.words(narrowing{}), "without words there is nothing to say")
	require.Equal(t, "No more matching events.", found{}.words(narrowing{}))
}
