package ui

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is picked is read again as what it was, and takes the place of what
// was asked for under its name.
func TestWhatIsPickedIsReadAgain(t *testing.T) {
	t.Parallel()
	require.Equal(t, `refund source:shop type:order.paid`, withTerm("type:x refund source:shop", "type", "order.paid"))
	require.Equal(t, `"12:30" subject:"a \"b\": c"`, withTerm(`"12:30"`, "subject", `a "b": c`))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:."\ é`)), 0, 12, -1).Draw(t, "text")
		value := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:."\ é`)), 0, 8, -1).Draw(t, "value")
		key := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:"\ é`)), 1, 4, -1).Draw(t, "key")
		terms := splitTerms(withTerm(text, "payload."+key, value))
		last := terms[len(terms)-1]
		require.Equal(t, term{name: "payload." + key, value: value, named: true}, term{name: last.name, value: last.value, named: last.named})
		require.Equal(t, pickable(value), func() bool {
			for _, r := range value {
				if unicode.IsControl(r) {
					return false
				}
			}
			return true
		}())
	})
	require.False(t, pickable("two\nlines"))
}
