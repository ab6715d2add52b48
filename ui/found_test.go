package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestAPageSaysWhatItWasReadFor(t *testing.T) {
	t.Parallel()
	n := narrowing{free: []string{"refund"}}
	page := found{narrow: n, looked: 100}
	page.Pagination.HasMore = true
	require.Equal(t, "None of 100 events contains “refund”.", page.words())
	page.passed = 2000
	require.Equal(t, "None of 2,100 events contains “refund”.", page.words())
	page.Pagination.HasMore = false
	require.Equal(t, "None of 2,100 events contains “refund”, and there are no more.", page.words())
	page.Items = make([]core.Event, 3)
	require.Equal(t, "3 of 100 events contain “refund”.", page.words())
	page.Items = page.Items[:1]
	require.Equal(t, "1 of 100 events contains “refund”.", page.words())
	page.narrow = narrowing{}
	require.Empty(t, page.words(), "without words there is nothing to say")
	require.Equal(t, "No more matching events.", found{}.words())
}
