//go:build unix

package server

import (
	"errors"
	"net"
	"slices"
	"syscall"
)

// hungUp reports whether the client has closed its side of the connection. It
// neither waits nor takes anything from the connection. fasthttp does not tell
// a handler that its client has left.
//
// Only an end that the system reports counts as one. A probe that fails for
// another reason has learnt nothing, and the client may still be there.
func hungUp(c net.Conn) bool {
	n, err := peek(c)
	switch {
	case err == nil:
		return n == 0
	case errors.Is(err, net.ErrClosed):
		return true
	}
	return slices.Contains([]error{syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.ENOTCONN}, err)
}

// hasMore reports whether something has arrived on a connection that was not read. It
// neither waits nor takes it.
func hasMore(c net.Conn) bool {
	n, err := peek(c)
	return err == nil && n > 0
}

// peek looks whether there is a byte to read, whatever the deadlines of the connection say.
// Read would fail once the time for reading the request is over. Nothing and no error mean
// that there will never be more.
func peek(c net.Conn) (n int, err error) {
	if wrapped, ok := c.(*conn); ok {
		c = wrapped.socket()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if failed != nil {
		return 0, failed
	}
	return n, err
}
