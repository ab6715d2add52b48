//go:build !linux && !darwin && !freebsd

package sqlitefile

import (
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// Disk says how full the disk of a folder is. On systems where that cannot be asked it
// returns [errors.ErrUnsupported].
func Disk(string) (core.DiskLoad, error) { return core.DiskLoad{}, errors.ErrUnsupported }
