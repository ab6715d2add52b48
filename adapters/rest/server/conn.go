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
	// linger asks Close to let the client finish sending. Closing while data is
	// unread resets the connection, and a client whose connection is reset loses
	// the answer that says what was wrong.
	linger atomic.Bool
	closed atomic.Bool
	// readBy is the time by which the client must have sent what is read. Only the
	// goroutine that serves the connection uses it.
	readBy time.Time
	// spareUntil is set on a connection beyond the limit: by then its client must have
	// asked, and then it closes.
	spareUntil time.Time
	// asked says that a request has arrived on such a connection.
	asked atomic.Bool
}

func (c *conn) isSpare() bool { return !c.spareUntil.IsZero() }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.isSpare() && !c.asked.Load() && c.spareUntil.Before(t) {
		t = c.spareUntil
	}
	c.readBy = t
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.readBy = t
	return c.Conn.SetDeadline(t)
}

// How long, and for how many bytes, a closing connection still listens.
const (
	lingerTime  = time.Second
	lingerBytes = 32 << 20
)

// socket returns what is below the wrappers of a connection.
func (c *conn) socket() net.Conn {
	if secured, ok := c.Conn.(interface{ NetConn() net.Conn }); ok {
		return secured.NetConn()
	}
	return c.Conn
}

// reset has the connection end with a reset. An answer that ends with its
// connection has no other way to say that it is not complete.
func (c *conn) reset() {
	if socket, ok := c.socket().(interface{ SetLinger(sec int) error }); ok {
		_ = socket.SetLinger(0)
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	defer c.listener.closed(c)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.linger.Load() && !c.isSpare() && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}
