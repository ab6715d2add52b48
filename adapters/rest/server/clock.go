package server

import "time"

// stopClock notes how long the client still has for sending its request. The
// time until startClock is the server's own: a store that stalls must not make
// a client look slow. A producer that is told 408 may give its events up, where
// 503 would have it try again.
func (c *call) stopClock() {
	c.left = 0
	if conn, ok := c.ctx.Conn().(*conn); ok && !conn.readBy.IsZero() {
		c.left = max(time.Until(conn.readBy), 1) // the request has begun to arrive in time
	}
}

// startClock gives the client the time that it had left when the clock was
// stopped.
func (c *call) startClock() {
	if conn, ok := c.ctx.Conn().(*conn); ok && c.left > 0 {
		_ = conn.SetReadDeadline(time.Now().Add(c.left)) // fails for a closed connection only, and so does the read
	}
	c.left = 0
}
