package core

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestBackoff: the wait doubles from Initial to Max, and chance takes off a half of it
// at most.
func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		longest := rapid.Int64Range(0, int64(MaxBackoff)).Draw(t, "max")
		b := Backoff{Initial: Seconds(rapid.Int64Range(0, longest).Draw(t, "initial")), Max: Seconds(longest)}
		n, random := rapid.IntRange(1, MaxMaxAttempts).Draw(t, "n"), rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "random")
		whole := b.Initial.Duration()
		for i := 1; i < n && whole < b.Max.Duration(); i++ {
			whole *= 2
		}
		whole = min(whole, b.Max.Duration())
		require.GreaterOrEqual(t, b.After(n, random), whole/2)
		require.LessOrEqual(t, b.After(n, random), whole)
		require.Equal(t, whole/2, b.After(n, 0))
	})
}
