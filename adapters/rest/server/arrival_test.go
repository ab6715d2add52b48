package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
)

const alive = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"

// resting lets a connection rest when it is silent for more than a second. A busy machine
// takes seconds for a dozen handshakes, which count in the time for a request.
var resting = withLimits(server.Limits{ReadTimeout: 12 * time.Second, IdleTimeout: time.Minute})

// secured has the server listen once more, with TLS, and returns how to connect.
func (f *fixture) secured() func() net.Conn {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f.t, err)
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(tls.NewListener(ln, certified.TLS)) }()
	f.t.Cleanup(func() {
		require.NoError(f.t, ln.Close())
		require.NoError(f.t, <-served)
	})
	return func() net.Conn {
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(f.t, err)
		f.t.Cleanup(func() { _ = conn.Close() })
		require.NoError(f.t, conn.SetDeadline(time.Now().Add(patience)))
		return conn
	}
}

// talk is a connection and what was read ahead of it.
type talk struct {
	t testing.TB
	net.Conn
	reader *bufio.Reader
}

func talkTo(t testing.TB, conn net.Conn) talk { return talk{t, conn, bufio.NewReader(conn)} }

func (k talk) say(text string) {
	k.t.Helper()
	_, err := io.WriteString(k.Conn, text)
	require.NoError(k.t, err)
}

// hears reads one answer.
func (k talk) hears(status int) reply {
	k.t.Helper()
	response, err := http.ReadResponse(k.reader, nil)
	require.NoError(k.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(k.t, err)
	require.Equal(k.t, status, response.StatusCode, "%s", body)
	return reply{response, body}
}

// A request may come as late and in as many pieces as its time allows, be it the first
// one of its connection or not.
func TestARequestMayComeInPieces(t *testing.T) {
	t.Parallel()
	f := start(t, resting)
	f.stream("orders")
	post := f.head(len(event("1"))) + event("1")
	chunked := strings.Replace(f.head(0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(event("1")), event("1"))
	long := event(`"` + strings.Repeat("x", 20_000) + `"`)
	const ok, accepted = 200, 202
	requests := []struct {
		text     string
		statuses []int
	}{
		{post, []int{accepted}},
		{chunked, []int{accepted}},
		{f.head(len(long)) + long, []int{accepted}},
		{"\r\n" + post, []int{accepted}},
		{post + post, []int{accepted, accepted}},
		{alive + post, []int{ok, accepted}},
		{chunked + post + alive, []int{accepted, accepted, ok}},
	}
	const rounds, pieces = 2, 3
	secured := f.secured()
	for _, pause := range []time.Duration{0, 10 * time.Millisecond, 1300 * time.Millisecond} {
		var plain, secret []talk
		for range requests {
			plain, secret = append(plain, talkTo(t, f.dial())), append(secret, talkTo(t, secured()))
		}
		for range rounds {
			for piece := range pieces {
				for i, c := range requests {
					text := c.text[len(c.text)*piece/pieces : len(c.text)*(piece+1)/pieces]
					plain[i].say(text)
					secret[i].say(text)
				}
				<-time.After(pause)
			}
			for i, c := range requests {
				for _, status := range c.statuses {
					require.False(t, plain[i].hears(status).Close, c.text)
					require.False(t, secret[i].hears(status).Close, c.text)
				}
			}
		}
	}
	require.EqualValues(t, 2*3*rounds*(1+1+1+1+2+1+2), f.events("orders"))
}

// Clients that are slow take next to nothing, wherever in a head or a short body they
// are, and though it be not their first request.
//
//nolint:paralleltest // other tests would change the heap
func TestSlowClientsTakeLittle(t *testing.T) {
	f := start(t, withLimits(server.Limits{ReadTimeout: 20 * time.Second, IdleTimeout: time.Minute}))
	f.stream("orders")
	for name, text := range map[string]string{
		"head": "POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nX-A",
		"body": f.head(200) + "{",
		"next": alive + f.head(200) + "{",
		"idle": alive,
	} {
		const many = 1000
		before := heap()
		for range many {
			client := talkTo(t, f.dial())
			client.say(text)
			if strings.HasPrefix(text, alive) {
				_, err := io.ReadFull(client.Conn, make([]byte, 100)) // a buffer would count
				require.NoError(t, err)
			}
		}
		var each int64
		require.Eventually(t, func() bool {
			each = (heap() - before) / many
			return each < 5<<10
		}, patience, 200*time.Millisecond, name)
		t.Log(name, each)
	}
}

// heap is how much memory is in use, and not in a pool.
func heap() int64 {
	var memory runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}

// The time for a request begins with its first byte, and for the first one with its
// connection. It does not begin again when the connection rests.
func TestARestingConnectionHasItsTime(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: time.Second, IdleTimeout: 3 * time.Second}))
	f.stream("orders")
	drip := func(first string, pause time.Duration) time.Duration {
		began := time.Now()
		client := talkTo(t, f.dial())
		if first != "" {
			client.say(first)
			client.hears(200)
			<-time.After(pause)
			began = time.Now()
		}
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		client.say(f.head(1000))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			client.hears(408)
		}()
		for {
			select {
			case <-ended:
				return time.Since(began)
			case <-tick.C:
				_, _ = client.Write([]byte{' '})
			}
		}
	}
	for _, way := range []func() time.Duration{
		func() time.Duration { return drip("", 0) },
		func() time.Duration { return drip(alive, 0) },
		func() time.Duration { return drip(alive, 300*time.Millisecond) },
	} {
		const late = 1900 * time.Millisecond
		took := way()
		for range 5 { // a busy machine may be late now and then
			if took >= late {
				took = way()
			}
		}
		require.Greater(t, took, 800*time.Millisecond)
		require.Less(t, took, late)
	}
	idle, began := talkTo(t, f.dial()), time.Now()
	idle.say(alive)
	idle.hears(200)
	_, err := idle.reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	require.Greater(t, time.Since(began), 2500*time.Millisecond)
}

// watched is a listener that knows how much of each connection was read.
type watched struct {
	net.Listener
	mu    sync.Mutex
	conns map[string]*watchedConn // by the address of the client
}

// watchedConn is a connection of a watched listener.
type watchedConn struct {
	*net.TCPConn
	read int
	// taken is what had been read when somebody read once more: that is in the server's
	// hands.
	taken atomic.Int64
}

func (w *watched) Accept() (net.Conn, error) {
	accepted, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &watchedConn{TCPConn: accepted.(*net.TCPConn)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[conn.RemoteAddr().String()] = conn
	return conn, nil
}

func (c *watchedConn) Read(p []byte) (int, error) {
	c.taken.Store(int64(c.read))
	n, err := c.TCPConn.Read(p)
	c.read += n
	return n, err
}

// took returns when the server has so many bytes of a client.
func (w *watched) took(t *testing.T, client net.Conn, bytes int) {
	t.Helper()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		conn := w.conns[client.LocalAddr().String()]
		return conn != nil && conn.taken.Load() == int64(bytes)
	}, patience, time.Millisecond)
}

// What has begun to arrive is answered, whether its connection is new, waits or rests.
// Connections on which nothing was asked do not hold the server up.
func TestShutdownAwaitsWhatHasBegun(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: 8 * time.Second, IdleTimeout: time.Minute}))
	f.stream("orders")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	watch, ended := &watched{Listener: ln, conns: map[string]*watchedConn{}}, make(chan error, 1)
	go func() { ended <- f.server.Serve(watch) }()
	f.address = ln.Addr().String()
	served := func() talk {
		client := talkTo(t, f.dial())
		client.say(alive)
		client.hears(200)
		return client
	}
	resting, idle, fresh, begun := served(), served(), talkTo(t, f.dial()), talkTo(t, f.dial())
	resting.say(alive[:10])
	<-time.After(time.Second) // and now they rest
	begun.say(alive[:10])
	waiting := served()
	waiting.say(alive[:10])
	watch.took(t, begun, 10)
	for _, client := range []talk{resting, waiting} {
		watch.took(t, client, len(alive)+10)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- f.server.Shutdown(context.Background()) }()
	_, err = idle.reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	for _, client := range []talk{resting, waiting, begun} {
		client.say(alive[10:])
		require.True(t, client.hears(200).Close)
	}
	fresh.say(alive)
	require.True(t, fresh.hears(200).Close, "a client that has just connected may be about to ask")
	require.NoError(t, <-stopped)
	require.NoError(t, <-ended)
}

// exhausted is a listener that has no file left at first.
type exhausted struct {
	net.Listener
	times int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.times--; e.times >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return e.Listener.Accept()
}

func TestAServerSurvivesThatItHasNoFileLeft(t *testing.T) {
	t.Parallel()
	f := start(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(&exhausted{ln, 3}) }()
	f.address = ln.Addr().String()
	require.Equal(t, 200, f.do("GET", "/livez", nil).StatusCode)
	require.Contains(t, f.logged.String(), "too many open files")
	require.NoError(t, ln.Close())
	require.NoError(t, <-served)
}
