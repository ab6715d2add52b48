package server

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"time"
)

// firstBytes is what a connection takes for a request on its way. Most fit.
const firstBytes = 512

// silentTime is how long a client that has just connected may be silent when the server
// shuts down.
const silentTime = 5 * time.Second

// await hands a connection over when a request has arrived. One that does not arrive is
// handed over as well, to be refused.
//
// Until then a connection has a small buffer and a small stack. fasthttp takes a reader,
// a writer and a context for every connection that it is given, however slow the client.
func (l *listener) await(c *conn) {
	asked := l.arrives(c)
	l.mu.Lock()
	delete(l.awaited, c) // before somebody else has it, and it is awaited again
	l.mu.Unlock()
	if asked {
		l.ready <- c
	} else {
		_ = c.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awaiting--
	l.closeReady()
}

// arrives reads until a request has arrived, or does not go on. It returns false if the
// client has not asked anything.
func (l *listener) arrives(c *conn) bool {
	for {
		err := c.readMore(l.limits.HeaderBytes, l.limits.ReadTimeout)
		end, whole := requestEnd(c.ahead)
		switch {
		case whole, len(c.ahead) >= l.limits.HeaderBytes:
			c.given = end
			return true
		case err == nil, l.goesOn(c, err):
			continue
		case len(c.ahead) == 0 && (c.served || errors.Is(err, io.EOF) || l.isClosed()):
			return false
		}
		return true // and fasthttp gets the same error
	}
}

// readMore reads into the buffer, which may have that many bytes at most. A client that
// had time until its next request has so much for sending it, from the first byte on.
func (c *conn) readMore(limit int, timeout time.Duration) error {
	had := len(c.ahead)
	if had == cap(c.ahead) {
		larger := make([]byte, had, min(max(2*had, firstBytes), limit))
		copy(larger, c.ahead)
		c.ahead = larger
	}
	n, err := c.Conn.Read(c.ahead[had:cap(c.ahead)])
	c.ahead = c.ahead[:had+n]
	if had == 0 && n > 0 && c.served {
		c.by = time.Now().Add(timeout)
		_ = c.Conn.SetReadDeadline(c.by) // fails for a closed connection only, and so does the next read
	}
	return err
}

// goesOn reports whether a connection is awaited in spite of an error. That is so when
// the error is but a call, see [listener.end]: what has begun to arrive may go on, and
// clients that have just connected get a little time.
func (l *listener) goesOn(c *conn, err error) bool {
	if c.called || !isTimeout(err) || !l.isClosed() || c.served && len(c.ahead) == 0 {
		return false
	}
	c.called = true
	if len(c.ahead) == 0 {
		c.by = c.by.Add(min(silentTime-l.limits.ReadTimeout, 0))
	}
	return c.Conn.SetReadDeadline(c.by) == nil
}

// readNext reads the request that follows an answer. If that does not come soon, the
// connection rests: fasthttp is told that it has ended, gives all up that it holds for
// it, and closes it. Then it is awaited again.
func (c *conn) readNext(p []byte) (int, error) {
	n := copy(p, c.ahead)
	for c.ahead = bytes.Clone(c.ahead[n:]); ; {
		end, whole := requestEnd(p[:n])
		if whole || n == len(p) {
			return c.goAhead(p[:n], end), nil
		}
		if n > 0 {
			c.state.Store(stateArriving)
		}
		m, err := c.Conn.Read(p[n:])
		n += m
		switch {
		case err == nil:
		case isTimeout(err) && !c.listener.isClosed():
			c.rest(p[:n])
			return 0, io.EOF
		case n > 0:
			return c.goAhead(p[:n], n), nil // and fasthttp gets the same error
		default:
			return 0, err
		}
	}
}

// goAhead gives fasthttp the first n bytes of b, and keeps the others.
func (c *conn) goAhead(b []byte, n int) int {
	c.state.Store(stateServed)
	c.between, c.by = false, time.Time{}
	if n < len(b) {
		c.ahead = slices.Concat(b[n:], c.ahead)
	}
	return n
}

// rest has the connection awaited when fasthttp closes it.
func (c *conn) rest(arrived []byte) {
	c.between, c.served = false, true
	c.ahead = bytes.Clone(arrived)
	if len(arrived) > 0 {
		c.by = time.Now().Add(c.listener.limits.ReadTimeout)
	}
	c.state.Store(stateResting)
}
