//go:build !linux

package pgtenant

import "syscall"

// endSilence does nothing where there is no TCP_USER_TIMEOUT: the keepalives and
// the contexts of calls are what is left.
func endSilence(string, string, syscall.RawConn) error { return nil }
