//go:build !linux && !darwin && !freebsd

package sqlitefile

import "errors"

// Disk returns how many bytes are free on the disk of a folder, for whoever runs this
// program, and how many it has. On systems where that cannot be asked it returns
// [errors.ErrUnsupported].
func Disk(string) (free, total uint64, err error) { return 0, 0, errors.ErrUnsupported }
