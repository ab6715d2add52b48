package server

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
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
	// ahead is what was read of requests and not given to fasthttp yet. The first given
	// bytes are a request.
	ahead []byte
	given int
	// by is when a connection that is awaited is given up. Its zero value means that
	// fasthttp decides about it.
	by time.Time
	// between says that a request was answered, and the next one has not begun.
	between bool
	// served says that a request was answered, called that the listener has closed.
	served, called bool
	// state is for Close, which fasthttp calls from elsewhere when it shuts down.
	state atomic.Int32
	// readBy is the time by which the client must have sent what is read. Only the
	// goroutine that serves the connection uses it.
	readBy time.Time
	// spareUntil is set on a connection beyond the limit: by then its client must have
	// asked, and then it closes.
	spareUntil time.Time
	// asked says that a request has arrived on such a connection.
	asked atomic.Bool
}

// The states of a connection.
const (
	stateServed   = iota // by fasthttp
	stateArriving        // fasthttp takes it for idle, but a request has begun to arrive
	stateResting         // fasthttp is about to close it, and then it is awaited
)

// follow notes where fasthttp is with a connection. It does so on the goroutine that
// serves it, until it has closed it.
func follow(socket net.Conn, state fasthttp.ConnState) {
	c, ok := socket.(*conn)
	switch {
	case ok && state == fasthttp.StateIdle:
		c.between = true
	case ok && state == fasthttp.StateActive:
		c.between, c.by = false, time.Time{}
	}
}

// Read implements net.Conn. fasthttp gets requests when they have arrived.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case c.between:
		return c.readNext(p)
	case len(c.ahead) > 0:
		return c.readAhead(p), nil
	}
	n, err := c.Conn.Read(p)
	if n == 0 && err != nil && isTimeout(err) && hasMore(c) {
		return c.readLate(p)
	}
	return n, err
}

// readLate reads what has arrived although the client's time is over: it is the server
// that comes late to it. What has not arrived is waited for no more.
func (c *conn) readLate(p []byte) (int, error) {
	_ = c.Conn.SetReadDeadline(time.Now().Add(lateTime)) // fails for a closed connection only, and so does the read
	n, err := c.Conn.Read(p)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	return n, err
}

// lateTime is for reading what is there. With TLS, the rest of a record may be on its way.
const lateTime = time.Second

// readAhead gives the request alone, so that the next one is awaited as this one was. If
// fasthttp wants more, the request has more than it seemed to have.
func (c *conn) readAhead(p []byte) int {
	if c.given == 0 {
		c.given = len(c.ahead)
	}
	n := copy(p, c.ahead[:c.given])
	c.ahead, c.given = c.ahead[n:], c.given-n
	if len(c.ahead) == 0 {
		c.ahead = nil // which frees it
	}
	return n
}

func (c *conn) isSpare() bool { return !c.spareUntil.IsZero() }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.isSpare() && !c.asked.Load() && c.spareUntil.Before(t) {
		t = c.spareUntil
	}
	switch {
	case c.between: // a moment of the time until the next request
		c.by = t
		t = t.Add(min(c.listener.limits.restAfter()-c.listener.limits.IdleTimeout, 0))
	case !c.by.IsZero(): // the time for this request has begun before
		if c.by.Before(t) {
			t = c.by
		}
		c.by = time.Time{}
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
	switch {
	case c.state.Load() == stateArriving:
		return nil // it is not idle
	case c.state.CompareAndSwap(stateResting, stateServed) && c.listener.enter(c):
		return nil
	}
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	defer c.listener.forget(c)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.linger.Load() && !c.isSpare() && half.CloseWrite() == nil {
		c.letFinish()
	}
	return c.Conn.Close()
}

// letFinish reads what the client still sends. The buffer is small, because many that are
// slow may be let go at once, until it turns out that the client sends much.
func (c *conn) letFinish() {
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	buffer := make([]byte, 64)
	for left := lingerBytes; left > 0; {
		n, err := c.Conn.Read(buffer)
		if err != nil {
			return
		}
		left -= n
		if n == len(buffer) && n < 8<<10 {
			buffer = make([]byte, 8<<10)
		}
	}
}
