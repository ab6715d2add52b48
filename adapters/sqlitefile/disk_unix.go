//go:build linux || darwin || freebsd

package sqlitefile

import (
	"fmt"
	"path/filepath"
	"syscall"

	"github.com/eventflow-go/eventflow/core"
)

// Disk says how full the disk is that a database file is on.
func Disk(path string) (core.DiskLoad, error) {
	var found syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &found); err != nil {
		return core.DiskLoad{}, fmt.Errorf("looking at the disk of %s: %w", path, err)
	}
	block := int64(found.Bsize) //nolint:unconvert // its type differs between systems
	return core.DiskLoad{Size: int64(found.Blocks) * block, Free: int64(found.Bavail) * block}, nil
}
