package core

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzStart: a place in a stream reads as one of its four kinds, and what is
// written of it reads as the same place.
func FuzzStart(f *testing.F) {
	for _, text := range []string{`"start"`, `"end"`, `0`, `-0`, `9223372036854775807`, `9223372036854775808`, `-1`, `1.0`, `1e3`, `null`, `""`, `[]`, `"2026-03-01T12:00:00.5+01:00"`, `"0001-01-01T00:00:00Z"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, again Start
		if json.Unmarshal(text, &first) != nil {
			return
		}
		kinds := 0
		for _, is := range []bool{first.End, first.Offset != nil, !first.Time.IsZero()} {
			if is {
				kinds++
			}
		}
		require.LessOrEqual(t, kinds, 1)
		written, err := json.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, first.End, again.End)
		require.Equal(t, first.Offset, again.Offset)
		require.True(t, first.Time.Equal(again.Time))
		if first.Offset != nil {
			require.GreaterOrEqual(t, *first.Offset, Offset(0))
		}
	})
}
