package jetstreamtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two servers of one port would be one, and tests that run beside each other would share it.
func TestNoPortIsGivenTwice(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 2 {
		nodes, err := Nodes(t.TempDir(), 300)
		require.NoError(t, err)
		for _, n := range nodes {
			for _, port := range []int{n.Port, n.Monitor, n.Route} {
				require.False(t, seen[port], "port %d", port)
				seen[port] = true
			}
		}
	}
}
