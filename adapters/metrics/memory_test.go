package metrics

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The limit is the least of what the machine has and of what the control groups allow,
// in both versions of these, within a container and outside.
func TestTheMemoryLimitIsTheLeast(t *testing.T) {
	t.Parallel()
	const machine = "MemFree: 1 kB\nMemTotal:        8000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"machine":                 {map[string]string{"proc/meminfo": machine}, 8000 * 1024},
		"no bound":                {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 8000 * 1024},
		"container":               {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "4096\n"}, 4096},
		"a group above":           {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "5\n", "sys/fs/cgroup/a/b/memory.max": "9\n"}, 5},
		"a group below":           {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "9\n", "sys/fs/cgroup/a/b/memory.max": "5\n"}, 5},
		"version 1":               {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "3:cpu:/x\n2:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "77\n"}, 77},
		"version 1, its own view": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "2:memory:/docker/1\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "78\n"}, 78},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		require.InDelta(t, c.want, memoryLimitIn(root), 0, name)
	}
	require.True(t, math.IsNaN(memoryLimitIn(fstest.MapFS{})))
}
