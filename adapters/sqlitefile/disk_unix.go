//go:build linux || darwin || freebsd

package sqlitefile

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/eventflow-go/eventflow/core"
)

// Disk says how full the disk of a folder is. On systems where that cannot be asked it
// returns [errors.ErrUnsupported].
func Disk(folder string) (core.DiskLoad, error) {
	var found unix.Statfs_t
	if err := unix.Statfs(folder, &found); err != nil {
		return core.DiskLoad{}, fmt.Errorf("looking at the disk of %s: %w", folder, err)
	}
	block := int64(found.Bsize)                                                                     //nolint:unconvert // its type differs between systems
	return core.DiskLoad{Size: int64(found.Blocks) * block, Free: int64(found.Bavail) * block}, nil //nolint:gosec // no disk is that large
}
