package ui

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChangesAreFew(t *testing.T) {
	t.Parallel()
	text := func(before, after string) string {
		var b strings.Builder
		for _, one := range changes(before, after) {
			b.WriteString(string(one.sign) + one.line + "|")
		}
		return b.String()
	}
	require.Equal(t, " a| b|", text("a\nb", "a\nb"))
	require.Equal(t, " a|-b|+x| c|", text("a\nb\nc", "a\nx\nc"))
	require.Equal(t, "+z| a|", text("a", "z\na"))
	require.Equal(t, "-a| b|", text("a\nb", "b"))
	long := strings.Repeat("x\n", 2*mostCompared)
	require.Len(t, changes(long, "x"), 2*mostCompared+2)
}
