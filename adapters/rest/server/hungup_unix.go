//go:build unix

package server

import (
	"net"
	"syscall"
)

// hungUp reports whether the client has closed its side of the connection,
// without waiting and without reading anything. fasthttp tells no handler that
// its client has left.
func hungUp(c net.Conn) (gone bool) {
	if wrapped, ok := c.(*conn); ok {
		c = wrapped.Conn
	}
	if secured, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secured.NetConn()
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch err {
		case nil:
			gone = n == 0
		case syscall.EAGAIN, syscall.EINTR:
		default:
			gone = true
		}
		return true
	})
	return gone || err != nil
}
