package metrics

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryLimit is the memory that the container or the machine gives this process.
func memoryLimit() float64 { return memoryLimitIn(os.DirFS("/")) }

// memoryLimitIn reads the limit from a Linux file system: the least of the machine's
// memory and of what the control groups of this process, and those above them, allow.
// It is NaN where nothing tells.
func memoryLimitIn(root fs.FS) float64 {
	least := machineMemory(root)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // without it there are no groups
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path, where version 2 has one hierarchy and no controllers
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		switch parts[1] {
		case "":
			least = min(least, groupMemory(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case "memory":
			least = min(least, groupMemory(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	if math.IsInf(least, 1) {
		return math.NaN()
	}
	return least
}

// groupMemory is the least limit of a control group and those above it. A container may
// not see the path of its own group: then the limit is at the top.
func groupMemory(root fs.FS, mount, group, file string) float64 {
	least := math.Inf(1)
	for at := path.Join("/", group); ; at = path.Dir(at) {
		text, err := fs.ReadFile(root, path.Join(mount, at, file))
		if limit, wrong := strconv.ParseFloat(strings.TrimSpace(string(text)), 64); err == nil && wrong == nil { // "max" is none
			least = min(least, limit)
		}
		if at == "/" {
			return least
		}
	}
}

// machineMemory is the memory of the machine.
func machineMemory(root fs.FS) float64 {
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			if kilobytes, err := strconv.ParseFloat(fields[1], 64); err == nil {
				return kilobytes * 1024
			}
		}
	}
	return math.Inf(1)
}
