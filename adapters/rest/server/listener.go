package server

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// listener counts the open connections. Those beyond the limit are kept apart, for a
// moment and for questions about health alone: whoever watches the server has to get an
// answer when nobody else does.
type listener struct {
	net.Listener
	limit int64
	open  atomic.Int64
	// spare is how many connections there may be beyond the limit.
	spare int
	// mu guards kept, which are the connections beyond the limit, oldest first.
	mu   sync.Mutex
	kept []*conn
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.limit {
			return &conn{Conn: c, listener: l}, nil
		}
		l.open.Add(-1)
		if extra := l.keep(c); extra != nil {
			return extra, nil
		}
		refuseConn(c)
	}
}

// keep takes a connection beyond the limit. If there are too many of those, the oldest
// one that has not asked anything yet makes room: who watches asks at once.
func (l *listener) keep(c net.Conn) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) >= l.spare {
		i := slices.IndexFunc(l.kept, func(k *conn) bool { return !k.asked.Load() })
		if i < 0 {
			return nil
		}
		_ = l.kept[i].socket().Close() // its reader closes the rest
		l.kept = slices.Delete(l.kept, i, i+1)
	}
	extra := &conn{Conn: c, listener: l, spareUntil: time.Now().Add(spareTime)}
	l.kept = append(l.kept, extra)
	return extra
}

// closed forgets a connection.
func (l *listener) closed(c *conn) {
	if !c.isSpare() {
		l.open.Add(-1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.kept, c); i >= 0 {
		l.kept = slices.Delete(l.kept, i, i+1)
	}
}

// spareTime is how long the client of a connection beyond the limit has for its request.
const spareTime = 2 * time.Second

// errConnections refuses everything but questions about health on such a connection.
var errConnections = core.Unavailable(nil, time.Second, "too many connections are open; use fewer, or try again later")

// tooManyConnections is the whole answer to a connection that there is no place for.
var tooManyConnections = func() []byte {
	body, _ := json.Marshal(rest.NewProblem(errConnections, "")) // never fails: it is made of texts
	return fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"+
		"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", rest.TypeProblem, len(body), body)
}()

// refuseConn answers without having read anything. The answer fits into any
// send buffer, so writing it does not hold up the next connection. With TLS
// there is no answer: it would have to wait for the client's part of the
// handshake.
func refuseConn(c net.Conn) {
	if _, encrypted := c.(*tls.Conn); encrypted {
		_ = c.Close()
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = c.Write(tooManyConnections)
	_ = c.Close()
}
