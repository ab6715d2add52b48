package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestAStartIsRead(t *testing.T) {
	t.Parallel()
	got, err := start{kind: startOldest}.read()
	require.NoError(t, err)
	require.Equal(t, core.Start{}, got)
	got, err = start{kind: startEnd, offset: "7"}.read()
	require.NoError(t, err)
	require.Equal(t, core.Start{End: true}, got)
	for _, text := range []string{"10000", "10,000", " 10,000 "} {
		got, err = start{kind: startOffset, offset: text}.read()
		require.NoError(t, err, text)
		require.Equal(t, core.Offset(10_000), *got.Offset, text)
	}
	got, err = start{kind: startTime, at: "2026-01-02T03:04"}.read()
	require.NoError(t, err)
	require.False(t, got.Time.IsZero())
	for _, wrong := range []start{{kind: startOffset}, {kind: startOffset, offset: "-1"}, {kind: startOffset, offset: "1,0"}, {kind: startTime, at: "soon"}} {
		_, err = wrong.read()
		require.Error(t, err, wrong)
	}
	require.True(t, start{kind: startTime, offset: "7"}.empty())
	require.False(t, start{kind: startOldest}.empty())
}
