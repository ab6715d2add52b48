package ui

import (
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"
)

func TestJSONIsDrawnAsItIs(t *testing.T) {
	t.Parallel()
	tree, ok := jsonTree(`{"z":1,"a":12345678901234567890,"t":"<b>&\"","n":null,"l":[],"o":{"deep":[true]}}`, nil)
	require.True(t, ok)
	drawn := app.HTMLString(tree)
	require.Less(t, strings.Index(drawn, "&#34;z&#34;"), strings.Index(drawn, "&#34;a&#34;"), "in the order of the text")
	require.Contains(t, drawn, "12345678901234567890", "with all digits")
	require.NotContains(t, drawn, "<b>")
	_, ok = jsonTree(`{"a":`, nil)
	require.False(t, ok)
}
