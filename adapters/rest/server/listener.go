package server

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// listener counts the open connections, and hands them over when a request has arrived.
// Connections beyond the limit are kept apart, for a moment and for questions about health
// alone: whoever watches the server has to get an answer when nobody else does.
type listener struct {
	net.Listener
	limits *Limits
	logger *slog.Logger
	open   atomic.Int64
	// ready are connections with a request. It is closed after the last one, and then
	// failed says why.
	ready  chan *conn
	failed error
	// mu guards all below. awaited are the connections whose request is on its way, kept
	// those beyond the limit, oldest first; closed says that no more are accepted.
	mu      sync.Mutex
	awaited map[*conn]struct{}
	kept    []*conn
	closed  bool
	// awaiting is how many are awaited or being handed over.
	awaiting int
}

// listen accepts the connections of a listener until that is closed.
func listen(ln net.Listener, limits *Limits, logger *slog.Logger) *listener {
	l := &listener{Listener: ln, limits: limits, logger: logger, ready: make(chan *conn), awaited: map[*conn]struct{}{}}
	go l.run()
	return l
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	if c, ok := <-l.ready; ok {
		return c, nil
	}
	return nil, l.failed
}

func (l *listener) run() {
	for pause := time.Duration(0); ; {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = 0
			l.take(c)
		case isTemporary(err):
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.logger.Error("cannot accept connections, and tries again", "error", err)
			time.Sleep(pause)
		default:
			l.end(err)
			return
		}
	}
}

// isTemporary reports whether connections can be accepted after an error: when others
// have closed their files, or the client was faster.
func isTemporary(err error) bool {
	for _, known := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// take has a new connection awaited, if there is a place for it.
func (l *listener) take(socket net.Conn) {
	c := &conn{Conn: socket, listener: l, by: time.Now().Add(l.limits.ReadTimeout)}
	if l.open.Add(1) > int64(l.limits.Connections) {
		l.open.Add(-1)
		if !l.keep(c) {
			refuseConn(socket)
			return
		}
	}
	l.enter(c)
}

// enter has a connection awaited. One that is idle is not, once the listener is closed.
func (l *listener) enter(c *conn) bool {
	_ = c.Conn.SetReadDeadline(c.by) // fails for a closed connection only, and so does the read
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.awaited[c] = struct{}{}
	l.awaiting++
	go l.await(c)
	return true
}

// end calls all that are awaited: their reads end.
func (l *listener) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.failed = true, err
	for c := range l.awaited {
		_ = c.Conn.SetReadDeadline(time.Now()) // fails for a closed connection only
	}
	l.closeReady()
}

// closeReady closes ready after the last connection.
func (l *listener) closeReady() {
	if l.closed && l.awaiting == 0 {
		close(l.ready)
	}
}

func (l *listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// keep takes a connection beyond the limit. If there are too many of those, the oldest
// one that has not asked anything yet makes room: who watches asks at once.
func (l *listener) keep(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) >= l.limits.SpareConnections {
		i := slices.IndexFunc(l.kept, func(k *conn) bool { return !k.asked.Load() })
		if i < 0 {
			return false
		}
		_ = l.kept[i].socket().Close() // its reader closes the rest
		l.kept = slices.Delete(l.kept, i, i+1)
	}
	c.spareUntil = time.Now().Add(spareTime)
	c.by = c.spareUntil
	l.kept = append(l.kept, c)
	return true
}

// forget forgets a connection.
func (l *listener) forget(c *conn) {
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
