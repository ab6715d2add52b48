//go:build !unix

package server

import "net"

// hungUp cannot tell on this system. Events that are handed to a client that
// has left are handed out again after their visibility time.
func hungUp(net.Conn) bool { return false }

// hasMore cannot tell on this system. A request that the server comes late to is refused
// as one that is late itself.
func hasMore(net.Conn) bool { return false }
