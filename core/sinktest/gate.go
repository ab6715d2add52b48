package sinktest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Gate stands before a TCP server and can be shut. It is made by [NewGate].
type Gate struct {
	listener net.Listener
	behind   string

	mu          sync.Mutex
	away, stall bool
	// open are the connections that are under way, of both sides.
	open map[net.Conn]struct{}
}

// NewGate returns a gate before the server at an address, host:port. It is taken down by
// t.Cleanup.
func NewGate(t *testing.T, behind string) *Gate {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{listener: listener, behind: behind, open: map[net.Conn]struct{}{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { g.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		g.set(true, false)
		group.Wait()
	})
	return g
}

// Addr is the address of the gate, host:port.
func (g *Gate) Addr() string { return g.listener.Addr().String() }

// Away cuts all connections and every new one, until it is called with false.
func (g *Gate) Away(away bool) { g.set(away, false) }

// Stall cuts all connections. New ones are taken, and nothing comes back over them until
// it is called with false, which cuts them too.
func (g *Gate) Stall(stall bool) { g.set(false, stall) }

func (g *Gate) set(away, stall bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away, g.stall = away, stall
	for conn := range g.open {
		conn.Close()
	}
	clear(g.open)
}

// keep remembers a connection that the gate may cut, and closes it where it is shut.
func (g *Gate) keep(conn net.Conn) (kept, stall bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.away {
		conn.Close()
		return false, false
	}
	g.open[conn] = struct{}{}
	return true, g.stall
}

func (g *Gate) forget(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, conn)
	conn.Close()
}

// pass carries one connection.
func (g *Gate) pass(front net.Conn) {
	kept, stall := g.keep(front)
	if !kept {
		return
	}
	defer g.forget(front)
	if stall {
		_, _ = io.Copy(io.Discard, front)
		return
	}
	back, err := (&net.Dialer{}).Dial("tcp", g.behind)
	if err != nil {
		return
	}
	if kept, _ := g.keep(back); !kept {
		return
	}
	defer g.forget(back)
	var group sync.WaitGroup
	group.Go(func() { _, _ = io.Copy(back, front); back.Close() })
	_, _ = io.Copy(front, back)
	front.Close()
	group.Wait()
}
