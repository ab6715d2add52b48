package server

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// conn is an open connection.
type conn struct {
	net.Conn
	listener *listener
	// linger asks Close to let the client finish what it is sending. Closing
	// under unread data resets the connection, and a reset makes the client
	// lose the answer that says what was wrong.
	linger atomic.Bool
	closed atomic.Bool
}

// How long, and for how many bytes, a closing connection still listens.
const (
	lingerTime  = time.Second
	lingerBytes = 32 << 20
)

// Close implements net.Conn.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	defer c.listener.open.Add(-1)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.linger.Load() && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}
