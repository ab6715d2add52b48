//go:build linux || darwin || freebsd

package sqlitefile

import "golang.org/x/sys/unix"

// Disk returns how many bytes are free on the disk of a folder, for whoever runs this
// program, and how many it has. On systems where that cannot be asked it returns
// [errors.ErrUnsupported].
func Disk(folder string) (free, total uint64, err error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, 0, err
	}
	block := uint64(disk.Bsize)                                          //nolint:gosec,unconvert // positive, and of another type on each system
	return uint64(disk.Bavail) * block, uint64(disk.Blocks) * block, nil //nolint:gosec,unconvert // as above
}
