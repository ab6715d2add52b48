//go:build unix

package server

import (
	"errors"
	"net"
	"syscall"
)

// hungUp reports whether the client has closed its side of the connection. It
// neither waits nor takes anything from the connection. fasthttp does not tell
// a handler that its client has left.
//
// Only an end that the system reports counts as one. A probe that fails for
// another reason has learnt nothing, and the client may still be there.
func hungUp(c net.Conn) (gone bool) {
	if wrapped, ok := c.(*conn); ok {
		c = wrapped.socket()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return errors.Is(err, net.ErrClosed)
	}
	// Control looks at the socket whatever its deadlines say. Read would fail
	// once the time for reading the request is over, long before a poll is.
	err = raw.Control(func(fd uintptr) { gone = ended(int(fd)) })
	return gone || errors.Is(err, net.ErrClosed)
}

// ended reports whether a socket has nothing more to read, ever.
func ended(fd int) bool {
	var b [1]byte
	n, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch err {
	case nil:
		return n == 0
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.ENOTCONN:
		return true
	}
	return false
}
