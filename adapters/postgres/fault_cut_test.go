package postgres_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// A connection that breaks while the transaction is being committed leaves the
// outcome unknown, and Append says so, whichever way the transaction went. The
// log then tells the truth, and the same handle goes on where the log is.
func TestAConnectionCutDuringCommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		contended bool // the append locks first and sends a COMMIT of its own
		at        message
		lost      loss
		stored    bool
	}{
		{"the end of the only message is lost", false, copyDone, request, false},
		{"the answer to the only message is lost", false, copyDone, answer, true},
		{"the COMMIT is lost", true, commit, request, false},
		{"the answer to the COMMIT is lost", true, commit, answer, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newCutRig(t, c.contended)
			batch := newBatch(r.stream, moment, 3)
			err := r.appendCut(c.at, c.lost, batch)
			require.ErrorIs(t, err, core.ErrUnknownOutcome)
			var public *core.Error
			require.NotErrorAs(t, err, &public, "a client is told nothing that may be wrong")
			r.tellsTheTruth(t, batch, c.stored)
		})
	}
}

// As long as no COMMIT was sent, a broken connection means that nothing was
// stored, and Append does not pretend not to know.
func TestAConnectionCutBeforeCommit(t *testing.T) {
	t.Parallel()
	r := newCutRig(t, true)
	batch := newBatch(r.stream, moment, 3)
	err := r.appendCut(copyDone, answer, batch)
	require.NotErrorIs(t, err, core.ErrUnknownOutcome)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err), "%v", err)
	r.tellsTheTruth(t, batch, false)
}

// cutRig is a storage behind a proxy, and another one that is not.
type cutRig struct {
	proxy          *proxy
	url            *url.URL
	name           string
	behind, beside core.Storage
	stream         core.ID
}

func newCutRig(t *testing.T, contended bool) *cutRig {
	t.Helper()
	direct := pgtest.URL(t)
	r := &cutRig{proxy: newProxy(t, direct.Host), url: direct, name: direct.Query().Get("search_path"), stream: newID(moment)}
	through := with(direct, "application_name", r.name)
	through.Host = r.proxy.listener.Addr().String()
	r.behind, r.beside = opened(t, through), opened(t, direct)
	require.NoError(t, appendOne(r.behind, moment, newBatch(r.stream, moment, 1)))
	if contended { // two servers on one stream: the first finds out and locks from now on
		require.NoError(t, appendOne(r.beside, moment, newBatch(r.stream, moment, 1)))
		require.NoError(t, appendOne(r.behind, moment, newBatch(r.stream, moment, 1)))
	}
	return r
}

// appendCut appends while the proxy cuts at a message.
func (r *cutRig) appendCut(at message, lost loss, batch core.Batch) error {
	r.proxy.arm.Store(&fault{at: at, lost: lost})
	return appendOne(r.behind, moment, batch)
}

// tellsTheTruth looks the batch up by its ids and appends once more.
func (r *cutRig) tellsTheTruth(t *testing.T, batch core.Batch, stored bool) {
	t.Helper()
	require.Nil(t, r.proxy.arm.Load(), "the connection was cut")
	gone(t, connect(t, r.url), r.name)
	before := everything(t, r.beside, r.stream)
	for _, entry := range batch.Entries {
		for _, storage := range []core.Storage{r.behind, r.beside} {
			found, err := storage.Read(t.Context(), r.stream, core.Scan{Limit: 2, Filter: core.Filter{ID: entry.ID}})
			require.NoError(t, err)
			require.Equal(t, stored, len(found) == 1)
		}
	}
	next := newBatch(r.stream, moment, 2)
	require.NoError(t, appendOne(r.behind, moment, next))
	require.Equal(t, core.Offset(len(before)), next.Entries[0].Offset, "it goes on where the log is")
	require.Len(t, everything(t, r.beside, r.stream), len(before)+2)
}

// message is a message of a client to the server.
type message int

const (
	copyDone message = iota // ends the rows
	commit                  // a COMMIT of its own
)

// loss is what gets lost when the connection is cut at a message.
type loss int

const (
	request loss = iota // the message does not arrive
	answer              // it arrives and is dealt with, but the answer does not
)

// fault is a cut to be made.
type fault struct {
	at   message
	lost loss
}

func (f *fault) hits(kind byte, body []byte) bool {
	if f.at == copyDone {
		return kind == 'c'
	}
	return kind == 'Q' && string(body) == "commit\x00"
}

// proxy passes PostgreSQL's messages on and makes one cut.
type proxy struct {
	listener net.Listener
	server   string
	arm      atomic.Pointer[fault] // nil once made
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{listener: listener, server: server}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool // the answer is to be lost
	go func() {
		defer client.Close()
		in := bufio.NewReader(server)
		for {
			kind, raw, err := frame(in, 1)
			switch {
			case err != nil || deaf.Load() && kind == 'Z': // the server is done
				return
			case !deaf.Load():
				_, _ = client.Write(raw) // a client that has gone shows when it is read
			}
		}
	}()
	p.up(bufio.NewReader(client), server, &deaf)
}

// up passes the client's messages on.
func (p *proxy) up(client *bufio.Reader, server net.Conn, deaf *atomic.Bool) {
	for prefix := 0; ; prefix = 1 { // the first message has no kind
		kind, raw, err := frame(client, prefix)
		if err != nil {
			return
		}
		if armed := p.arm.Load(); armed != nil && prefix == 1 && armed.hits(kind, raw[5:]) {
			p.arm.Store(nil)
			if armed.lost == request {
				return
			}
			deaf.Store(true)
		}
		if _, err := server.Write(raw); err != nil {
			return
		}
	}
}

// frame reads one message: its kind, where it has one, its length and its body.
func frame(in *bufio.Reader, prefix int) (kind byte, raw []byte, err error) {
	head, err := in.Peek(prefix + 4)
	if err != nil {
		return 0, nil, err
	}
	raw = make([]byte, prefix+int(binary.BigEndian.Uint32(head[prefix:])))
	_, err = io.ReadFull(in, raw)
	return raw[0], raw, err
}
