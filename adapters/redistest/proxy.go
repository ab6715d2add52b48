package redistest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands between a client and a server, and fails on demand.
type Proxy struct {
	url      string
	target   string // the server's host and port
	listener net.Listener

	// mu guards cut and conns, so that no connection slips through a cut: while
	// the proxy is cut, conns is empty and every new connection is closed.
	mu    sync.Mutex
	cut   bool
	conns []net.Conn // both sides of all that were made since the last cut
}

// NewProxy starts a proxy in front of the server of a URL; it ends with the
// test.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: u.Host, listener: listener}
	u.Host = listener.Addr().String()
	p.url = u.String()
	var serving sync.WaitGroup
	serving.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close() // which ends serve
		p.Cut()
		serving.Wait()
	})
	return p
}

// URL leads through the proxy.
func (p *Proxy) URL() string { return p.url }

// Cut drops all connections, and takes no new ones until Restore.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for _, conn := range p.conns {
		_ = conn.Close() // it may be closed already
	}
	p.conns = nil
}

// Restore lets clients connect again.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// keep remembers a connection, unless the proxy is cut.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		_ = conn.Close() // as a server that is not there would
		return false
	}
	p.conns = append(p.conns, conn)
	return true
}

// serve joins clients to the server until the listener is closed.
func (p *Proxy) serve() {
	var relays sync.WaitGroup
	defer relays.Wait()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(client) {
			continue
		}
		server, err := net.Dial("tcp", p.target) //nolint:noctx // to this machine: it does not wait
		if err != nil || !p.keep(server) {
			_ = client.Close() // the other side is not there
			continue
		}
		relays.Go(func() { relay(client, server) })
		relays.Go(func() { relay(server, client) })
	}
}

// relay copies until one side ends, and then ends both.
func relay(to, from net.Conn) {
	_, _ = io.Copy(to, from) // how it ended does not matter
	_ = to.Close()
	_ = from.Close()
}
