package jetstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/core"
)

// relay stands between a storage, which has one connection, and a server. It passes on
// what is said, and decide says what becomes of messages for the log.
type relay struct {
	listener net.Listener
	to       string
	// beside is another connection, which answers in the server's place.
	beside *nats.Conn

	mu     sync.Mutex
	server net.Conn
	// sent counts what was sent for the log since decide was set.
	sent   int
	decide func(n int, messages []byte, reply string)
}

func newRelay(t *testing.T, to int) *relay {
	t.Helper()
	r := &relay{to: "127.0.0.1:" + strconv.Itoa(to)}
	r.then(func(_ int, messages []byte, _ string) { r.pass(messages) })
	var err error
	r.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.beside, err = nats.Connect("nats://" + r.to)
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(r.serve)
	t.Cleanup(func() {
		_ = r.listener.Close() // which ends serve
		serving.Wait()
		r.beside.Close()
	})
	return r
}

// then has decide called with what is sent from now on: with its number, and with where the
// answer goes.
func (r *relay) then(decide func(n int, messages []byte, reply string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent, r.decide = 0, decide
}

func (r *relay) isSent(t *testing.T, times int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(t, times, r.sent)
}

func (r *relay) serve() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = client.Close()
			return
		}
		r.mu.Lock()
		r.server = server
		r.mu.Unlock()
		go func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		}()
		r.watch(bufio.NewReader(client))
		_ = server.Close()
	}
}

// watch reads what a client sends. Messages of a batch have a reply to the last of them.
func (r *relay) watch(client *bufio.Reader) {
	var messages []byte
	for {
		frame, reply, err := readFrame(client)
		if err != nil {
			return
		}
		r.mu.Lock()
		switch {
		case !strings.Contains(string(frame[:min(len(frame), 20)]), "PUB doubt.0."):
			r.pass(frame)
		case reply == "":
			messages = append(messages, frame...)
		default:
			r.sent++
			r.decide(r.sent, append(messages, frame...), reply)
			messages = nil
		}
		r.mu.Unlock()
	}
}

// readFrame reads one line of NATS's protocol, and what belongs to it.
func readFrame(client *bufio.Reader) (frame []byte, reply string, err error) {
	if frame, err = client.ReadBytes('\n'); err != nil {
		return nil, "", err
	}
	words := strings.Fields(string(frame))
	with := map[string]int{"PUB": 4, "HPUB": 5}[words[0]]
	if with == 0 {
		return frame, "", nil
	}
	size, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		return nil, "", err
	}
	if len(words) == with {
		reply = words[2]
	}
	body := make([]byte, size+len("\r\n"))
	_, err = io.ReadFull(client, body)
	return append(frame, body...), reply, err
}

// pass sends to the server. That it is gone shows in that nobody answers.
func (r *relay) pass(frames []byte) { _, _ = r.server.Write(frames) }

func (r *relay) answer(reply, data string) { _ = r.beside.Publish(reply, []byte(data)) }

// oneOfThree is a storage that believes its one server to be one of three, and what stands
// between them.
func oneOfThree(t *testing.T) (*Storage, *relay) {
	t.Helper()
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	u := jetstreamtest.URL(nodes, "doubt", 1, 1)
	require.NoError(t, Init(t.Context(), u, func(string) {}))
	r := newRelay(t, nodes[0].Port)
	u.Host = r.listener.Addr().String()
	storage, err := Open(t.Context(), u)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	s := storage.(*Storage)
	s.partitions[0].replicas = 3
	return s, r
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// batchOf is one event of a stream, with an idempotency key if that is not "".
func batchOf(stream byte, key string) core.Batch {
	e := core.Event{ID: core.RandomID(noon), Type: "a", Version: 1, OccurredAt: noon, Source: "test", Payload: []byte(`1`), IdempotencyKey: key}
	return core.Batch{Org: core.ID{1}, Stream: core.ID{stream}, Entries: []core.Entry{{Event: e}}}
}

// While a network comes together one server may refuse, or be silent, and another one store
// the same message, at any time later. An event is stored once all the same, and
// acknowledged with the place where it is.
func TestWhatWasRefusedMayBeStoredLater(t *testing.T) {
	t.Parallel()
	s, r := oneOfThree(t)
	stream := byte(0)
	for _, answer := range []string{
		`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 0"}}`,
		`{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}}`,
		`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`,
	} {
		for _, behind := range []bool{false, true} {
			for _, keys := range [][]string{{""}, {"key"}, {"", "key"}} {
				var first []byte
				r.then(func(n int, messages []byte, reply string) {
					switch {
					case n == 1:
						first = messages
						r.answer(reply, answer)
					case n == 2 && behind:
						r.pass(append(messages, first...))
					case n == 2:
						r.pass(append(first, messages...))
					default:
						r.pass(messages)
					}
				})
				var batches []core.Batch
				for _, key := range keys {
					stream++
					batches = append(batches, batchOf(stream, key))
				}
				require.NoError(t, s.Append(t.Context(), noon, batches))
				for _, one := range batches {
					entry := one.Entries[0]
					require.Equal(t, core.Stored, entry.Outcome)
					events, err := s.Read(t.Context(), one.Stream, core.Scan{Limit: 10})
					require.NoError(t, err)
					require.Len(t, events, 1, "after %s, behind: %v, keys: %q", answer, behind, keys)
					require.Equal(t, entry.ID, events[0].ID)
					require.Equal(t, entry.Offset, events[0].Offset)
				}
			}
		}
	}
}

// What is refused because of one stream alone is found out, whichever that is, and at once.
func TestAnotherStreamOfAnAppendGrows(t *testing.T) {
	t.Parallel()
	s, r := oneOfThree(t)
	other, err := Open(t.Context(), &url.URL{Scheme: "nats", Host: r.to, RawQuery: "name=doubt"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	failed := make(chan error, 1)
	r.then(func(n int, messages []byte, _ string) {
		if n == 1 {
			failed <- other.Append(context.Background(), noon, []core.Batch{batchOf(2, "")})
		}
		r.pass(messages)
	})
	both := []core.Batch{batchOf(1, ""), batchOf(2, "")}
	require.NoError(t, s.Append(t.Context(), noon, both))
	require.NoError(t, <-failed)
	require.Equal(t, core.Offset(0), both[0].Entries[0].Offset)
	require.Equal(t, core.Offset(1), both[1].Entries[0].Offset)
	r.isSent(t, 2)
}

// Nobody says where a key is that retention removes while an append replaces it, and no
// block comes with that.
func TestAKeyIsRemovedWhileItIsReplaced(t *testing.T) {
	t.Parallel()
	s, r := oneOfThree(t)
	require.NoError(t, s.Append(t.Context(), noon, []core.Batch{batchOf(1, "key")}))
	js, err := r.beside.JetStream()
	require.NoError(t, err)
	r.then(func(n int, messages []byte, _ string) {
		if n == 1 {
			_ = js.PurgeStream("doubt-0", &nats.StreamPurgeRequest{Subject: "doubt.0.k.>"}) // else the append is not sent again
		}
		r.pass(messages)
	})
	again := batchOf(1, "key")
	again.KeysSince = noon.Add(time.Minute)
	require.NoError(t, s.Append(t.Context(), noon.Add(time.Hour), []core.Batch{again}))
	require.Equal(t, core.Offset(1), again.Entries[0].Offset)
	r.isSent(t, 2)
}

const noRoom = `{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}`

// A server that has no room may be one of two that believe to lead, and the other one store
// what it has refused. The append ends where the log says so, and only once.
func TestWhatOneServerHasNoRoomForMayBeStored(t *testing.T) {
	t.Parallel()
	s, r := oneOfThree(t)
	stream := byte(0)
	for _, answer := range []string{
		noRoom,
		`{"error":{"code":400,"err_code":10199,"description":"batch publish too large"}}`,
		`{"error":{"code":400,"err_code":10109,"description":"stream is sealed"}}`,
	} {
		for _, late := range []int{1, 2, 3} { // it is stored after so many refusals
			stream++
			one := batchOf(stream, "key")
			r.then(func(n int, messages []byte, reply string) {
				if n == late {
					r.pass(messages)
					return
				}
				r.answer(reply, answer)
			})
			require.NoError(t, s.Append(t.Context(), noon, []core.Batch{one}))
			events, err := s.Read(t.Context(), one.Stream, core.Scan{Limit: 10})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, one.Entries[0].ID, events[0].ID)
			r.isSent(t, late)
		}
	}
}

// Where as many have refused as there are servers, what was refused may still be on its way
// to one of them. So nobody is told that it was not stored, but everybody what is wrong.
func TestARefusalByAllDoesNotSayThatNothingIsStored(t *testing.T) {
	t.Parallel()
	s, r := oneOfThree(t)
	var held []byte
	r.then(func(_ int, messages []byte, reply string) {
		held = messages
		r.answer(reply, noRoom)
	})
	one := batchOf(1, "")
	err := s.Append(t.Context(), noon, []core.Batch{one})
	require.ErrorIs(t, err, core.ErrUnknownOutcome)
	require.Equal(t, core.CodeStorageFull, core.CodeOf(err))
	require.ErrorContains(t, err, "has no room left; it is not known whether")
	r.isSent(t, 3)

	r.then(func(_ int, messages []byte, _ string) { r.pass(append(held, messages...)) })
	next := batchOf(1, "")
	require.NoError(t, s.Append(t.Context(), noon, []core.Batch{next}))
	events, err := s.Read(t.Context(), one.Stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 2, "it was stored after all, before the next one")
	require.Equal(t, one.Entries[0].ID, events[0].ID)
	require.Equal(t, next.Entries[0].ID, events[1].ID)

	s.partitions[0].replicas = 1
	r.then(func(_ int, _ []byte, reply string) { r.answer(reply, noRoom) })
	err = s.Append(t.Context(), noon, []core.Batch{batchOf(1, "")})
	require.NotErrorIs(t, err, core.ErrUnknownOutcome, "there is no other server")
	require.Equal(t, core.CodeStorageFull, core.CodeOf(err))
	require.ErrorContains(t, err, "has no room left; nothing was stored")
	r.isSent(t, 1)
}
