//go:build !linux

package jetstreamtest

import "syscall"

// dieWithParent cannot be had here.
func dieWithParent() *syscall.SysProcAttr { return nil }
