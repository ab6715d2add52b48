package chaos_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// hole stands between a server and its database. While it is open, whatever is
// sent vanishes, and no connection is closed: neither side hears of the other, or
// of its end. Both sides' systems still answer for their connections, so that no
// time-out of TCP helps.
type hole struct {
	url      string
	target   string
	listener net.Listener

	// mu guards opened and links: no link is made beside the hole while it opens.
	mu     sync.Mutex
	opened bool
	links  []*link
}

// link is a connection through the hole, both of its sides.
type link struct {
	client, server net.Conn
	lost           atomic.Bool
}

func (l *link) end() {
	_ = l.client.Close() // either may have ended
	_ = l.server.Close()
}

// newHole starts a hole, closed, before a store's database.
func newHole(t *testing.T, store *url.URL) *hole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	through := *store
	through.Host = listener.Addr().String()
	h := &hole{url: through.String(), target: store.Host, listener: listener}
	var serving sync.WaitGroup
	serving.Go(h.serve)
	t.Cleanup(func() {
		_ = listener.Close() // which ends serve
		h.close()
		h.mu.Lock()
		for _, l := range h.links {
			l.end()
		}
		h.mu.Unlock()
		serving.Wait()
	})
	return h
}

// open loses what is sent from now on, by the connections that there are and by
// those that are made.
func (h *hole) open() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = true
	for _, l := range h.links {
		l.lost.Store(true)
	}
}

// close lets new connections through. Those that were lost are reset, as by a
// network that is back and a database that has long forgotten them.
func (h *hole) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = false
	var kept []*link
	for _, l := range h.links {
		if l.lost.Load() {
			l.end()
		} else {
			kept = append(kept, l)
		}
	}
	h.links = kept
}

func (h *hole) serve() {
	var relays sync.WaitGroup
	defer relays.Wait()
	for {
		client, err := h.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", h.target)
		if err != nil {
			_ = client.Close() // the database is not there
			continue
		}
		l := h.keep(client, server)
		relays.Go(func() { l.relay(client, server) })
		relays.Go(func() { l.relay(server, client) })
	}
}

func (h *hole) keep(client, server net.Conn) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &link{client: client, server: server}
	l.lost.Store(h.opened)
	h.links = append(h.links, l)
	return l
}

// relay passes on what one side sends, and its end, unless the link is lost.
func (l *link) relay(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		switch {
		case l.lost.Load():
			if err != nil {
				return
			}
		case err != nil:
			l.end()
			return
		default:
			if _, err := to.Write(buffer[:n]); err != nil && !l.lost.Load() {
				l.end()
				return
			}
		}
	}
}
