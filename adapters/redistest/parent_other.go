//go:build !linux

package redistest

import "syscall"

// dieWithParent cannot be had here.
func dieWithParent() *syscall.SysProcAttr { return nil }
