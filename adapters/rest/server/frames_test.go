package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Frames are kept by event and form, the newest of them, and not too many.
func TestFramesAreBounded(t *testing.T) {
	t.Parallel()
	var kept frames
	key := func(i int) frameKey { return frameKey{event: core.ID{byte(i), byte(i >> 8)}} }
	for i := range 3 * keptFrames {
		kept.put(key(i), make([]byte, 1+i%9))
	}
	require.Len(t, kept.kept, keptFrames)
	for i := range 3 * keptFrames {
		require.Equal(t, i >= 2*keptFrames, kept.get(key(i)) != nil, i)
	}
	require.Nil(t, kept.get(frameKey{event: key(3*keptFrames - 1).event, form: "another"}))
	for i := range 100 {
		kept.put(key(i), make([]byte, keptFrameBytes/8))
		require.NotNil(t, kept.get(key(i)))
		sum := 0
		for _, frame := range kept.kept {
			sum += len(frame)
		}
		require.Equal(t, sum, kept.bytes)
		require.LessOrEqual(t, sum, keptFrameBytes)
	}
	kept.put(key(5000), make([]byte, keptFrameBytes))
	require.Nil(t, kept.get(key(5000)), "one alone must not take it all")
}
