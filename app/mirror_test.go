package app_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/mirror"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// site is a server with a stream, of two that are mirrored to each other.
type site struct {
	t      *testing.T
	server *process
	home   home
	stream core.Stream
	client *rest.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, home: newHome(t)}
	s.server = s.home.serve()
	s.client = s.server.client(s.home.key())
	var err error
	s.stream, err = s.client.CreateStream(t.Context(), core.StreamSpec{Name: "orders ü%"})
	require.NoError(t, err)
	return s
}

// to opens a sink from this site's stream to another site's.
func (s *site) to(other *site, key, stream string) core.Sink {
	s.t.Helper()
	c := mirror.New(mirror.Options{Dial: (&net.Dialer{}).DialContext})
	to, err := c.Check(fmt.Appendf(nil, `{"url":%q,"stream":%q,"api_key":%q}`, other.server.url, stream, key), core.Destination{})
	require.NoError(s.t, err)
	sink, err := c.Open(s.t.Context(), to, core.Origin{Stream: s.stream.ID})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, sink.Close()) })
	return sink
}

// all returns the events of the stream as a processor would hand them on.
func (s *site) all() (events []core.Outgoing) {
	s.t.Helper()
	for event, err := range s.client.Events(s.t.Context(), s.stream.ID.String(), core.EventQuery{}) {
		require.NoError(s.t, err)
		events = append(events, core.Outgoing{Event: event, Attempt: 1})
	}
	return events
}

func (s *site) producer() string {
	s.t.Helper()
	made := s.home.run([]string{secret}, "key", "create", "--label", "mirror of the other", "--role", "producer")
	require.Zero(s.t, made.code, made.stderr)
	return strings.TrimSpace(made.stdout)
}

// Two servers mirror a stream to each other: each has every event once, as its producer
// sent it, and a key that may send and nothing else is enough.
func TestTwoServersMirrorEachOther(t *testing.T) {
	t.Parallel()
	here, there := newSite(t), newSite(t)
	occurred := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	for i := range 20 {
		_, err := here.client.Publish(t.Context(), here.stream.ID.String(), rest.NewEvent{
			Type: "order.paid", Version: 2, OccurredAt: occurred, Source: "shop", Subject: fmt.Sprint("order-", i),
			Payload: fmt.Appendf(nil, `{ "n": %d, "big": 12345678901234567890 }`, i), Context: map[string]string{"trace_id": "abc"}, IdempotencyKey: fmt.Sprint("key-", i),
		})
		require.NoError(t, err)
	}
	_, err := there.client.Publish(t.Context(), there.stream.ID.String(), rest.NewEvent{Type: "order.sent", Payload: []byte(`null`)})
	require.NoError(t, err)

	events := here.all()
	forth := here.to(there, there.producer(), "orders ü%")
	for range 2 {
		for _, sent := range forth.Send(t.Context(), events) {
			require.NoError(t, sent.Err)
		}
	}
	back := there.to(here, here.producer(), here.stream.ID.String())
	for _, sent := range back.Send(t.Context(), there.all()) {
		require.NoError(t, sent.Err)
	}
	mine, theirs := here.all(), there.all()
	require.Len(t, mine, 21)
	require.Len(t, theirs, 21)
	require.Equal(t, "order.sent", mine[20].Event.Type)
	require.Equal(t, theirs[0].Event.ID.String(), mine[20].Event.IdempotencyKey)
	for i, original := range events {
		copied := theirs[i+1].Event
		require.Equal(t, original.Event.ID.String(), copied.IdempotencyKey)
		require.JSONEq(t, `{"trace_id":"abc","`+mirror.Via+`":"`+here.stream.ID.String()+`"}`, string(copied.Context))
		wanted := original.Event
		wanted.ID, wanted.Stream, wanted.Offset, wanted.ReceivedAt = copied.ID, copied.Stream, copied.Offset, copied.ReceivedAt
		wanted.APIKeyID, wanted.IdempotencyKey, wanted.Context = copied.APIKeyID, copied.IdempotencyKey, copied.Context
		require.Equal(t, wanted, copied)
	}
}

// What a real server says about a mirror that is set up wrongly is passed on in words
// that help, and what it says about an event is about that event.
func TestAMirrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	here, there := newSite(t), newSite(t)
	for _, payload := range []string{`{"n":1}`, `"no object"`} {
		_, err := here.client.Publish(t.Context(), here.stream.ID.String(), rest.NewEvent{Type: "order.paid", Payload: []byte(payload)})
		require.NoError(t, err)
	}
	events := here.all()
	_, err := there.client.CreateStream(t.Context(), core.StreamSpec{Name: "strict", Schema: []byte(`{"type":"object"}`)})
	require.NoError(t, err)
	key := there.producer()
	for _, wrong := range []struct{ key, stream, says string }{
		{"ef_test_nonsense", "strict", "does not take the API key"},
		{key, "elsewhere", `has no stream "elsewhere"`},
	} {
		sent := here.to(there, wrong.key, wrong.stream).Send(t.Context(), events)
		require.Len(t, sent, 2)
		require.ErrorContains(t, sent[1].Err, wrong.says)
		require.Equal(t, core.TryAgain, sent[1].Verdict)
	}
	sent := here.to(there, key, "strict").Send(t.Context(), events)
	require.NoError(t, sent[0].Err)
	require.ErrorContains(t, sent[1].Err, "SCHEMA_MISMATCH")
	require.Equal(t, core.NeverAgain, sent[1].Verdict)

	events[0].Event.Payload = []byte(`{"n":2}`)
	sent = here.to(there, key, "strict").Send(t.Context(), events[:1])
	require.ErrorContains(t, sent[0].Err, "has this event with another content")
	require.Equal(t, core.NeverAgain, sent[0].Verdict)
	sent = here.to(there, key, "strict").Send(t.Context(), events[1:])
	require.ErrorContains(t, sent[0].Err, "SCHEMA_MISMATCH", "where none is taken, too")
	require.Equal(t, core.NeverAgain, sent[0].Verdict)
}
