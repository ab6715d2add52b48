package server

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// listener counts the open connections, and refuses one beyond the limit with
// an answer that says so.
type listener struct {
	net.Listener
	limit int64
	open  atomic.Int64
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
		refuseConn(c)
	}
}

// tooManyConnections is the whole answer to a connection beyond the limit.
var tooManyConnections = func() []byte {
	err := core.Unavailable(nil, time.Second, "too many connections are open; use fewer, or try again later")
	body, _ := json.Marshal(rest.NewProblem(err, "")) // never fails: it is made of texts
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
