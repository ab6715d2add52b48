//go:build !(linux || darwin || freebsd)

package sqlitefile

import (
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// Disk says that it cannot tell on this system.
func Disk(string) (core.DiskLoad, error) {
	return core.DiskLoad{}, errors.New("how full a disk is cannot be told on this system")
}
