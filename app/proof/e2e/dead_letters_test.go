package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Nothing is discarded unasked: one letter, or those that were chosen.
func TestDiscardingAsksFirst(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	letter := furnish(t, p).letter
	letters := func() int {
		page, err := p.client().DeadLettersPage(t.Context(), core.LetterQuery{})
		require.NoError(t, err)
		return len(page.Items)
	}
	page := p.signIn(adminEmail)
	page.Go("/dead-letters/" + letter)
	page.Click("Discard…")
	page.See("Discard this dead letter?")
	page.Axe("asked whether to discard")
	page.Screenshot("full/discard")
	page.Click("Cancel")
	page.Gone("Discard this dead letter?")
	require.Equal(t, 9, letters())
	page.Click("Discard…")
	page.Click("Discard")
	page.See("The event remains in the stream")
	require.Equal(t, 8, letters())

	page.Go("/dead-letters")
	page.See("By reason")
	page.ClickOn("tbody tr:nth-child(1) input[type=checkbox]")
	page.See("1 selected") // which moves the list
	page.ClickOn("tbody tr:nth-child(2) input[type=checkbox]")
	page.Click("Discard selected…")
	page.See("Discard 2 dead letters?")
	page.Click("Discard 2")
	page.Gone("Discard 2 dead letters?")
	require.Equal(t, 6, letters())
}
