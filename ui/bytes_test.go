package ui

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, "0": 0, "12": 12, "12 B": 12, "500 MB": 500e6, "500mb": 500e6, "1.5 GB": 15e8, " 2 TB ": 2e12, "1,000 kB": 1e6, "1 PB": 1e15,
	} {
		n, ok := parseBytes(text)
		require.True(t, ok, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"x", "-1", "1 XB", "GB", "1 G B", "1e30", "NaN", "1 MBB"} {
		_, ok := parseBytes(text)
		require.False(t, ok, text)
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1500: "1.5 kB", 123_456_789: "123.5 MB", 20e9: "20 GB"} {
		require.Equal(t, want, byteText(n))
	}
	for _, n := range []int64{1, 1500, 123_456_789, 20e9, 1 << 50} {
		read, ok := parseBytes(exactBytes(n))
		require.True(t, ok)
		require.Equal(t, n, read, "saving a form changes no bound that nobody has changed")
	}
	require.Equal(t, "7 days, at most 20 GB, at most 1,000 events", boundsText(7, 20e9, 1000))
}
