package core

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzSeconds: a number of seconds reads to the microsecond, and what is
// written of it reads as the same duration.
func FuzzSeconds(f *testing.F) {
	for _, text := range []string{`0`, `-0`, `0.000001`, `0.0000004`, `1e9`, `-1e9`, `1e10`, `1e999`, `86400`, `0.1`, `"1"`, `null`, `true`, `[1]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, again Seconds
		if json.Unmarshal(text, &first) != nil {
			return
		}
		wanted, err := strconv.ParseFloat(string(slices.DeleteFunc(slices.Clone(text), func(b byte) bool { return b <= ' ' })), 64)
		require.NoError(t, err)
		require.InDelta(t, wanted, first.Duration().Seconds(), 0.6e-6)
		require.LessOrEqual(t, math.Abs(first.Duration().Seconds()), float64(maxSeconds))
		require.Zero(t, first.Duration()%time.Microsecond)
		written, err := json.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, first, again)
	})
}
