package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/adapters/kafka"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

const topic = "orders"

func newCluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.SeedTopics(4, topic)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// open returns a sink to brokers, with settings besides the needed ones.
func open(t *testing.T, brokers []string, more map[string]any) core.Sink {
	t.Helper()
	settings := map[string]any{"brokers": brokers, "topic": topic, "tls": false}
	maps.Copy(settings, more)
	given, err := json.Marshal(settings)
	require.NoError(t, err)
	c := kafka.New(kafka.Options{Dial: (&net.Dialer{}).DialContext})
	to, err := c.Check(given, core.Destination{})
	require.NoError(t, err)
	sink, err := c.Open(t.Context(), to, core.Origin{StreamName: "all-orders"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sink.Close()) })
	return sink
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func outgoing(offset core.Offset, key string) core.Outgoing {
	return core.Outgoing{Key: key, Attempt: 1, Event: core.Event{
		ID: core.RandomID(noon), Offset: offset, Type: "order.paid", Version: 2, OccurredAt: noon.Add(-time.Second), ReceivedAt: noon,
		Source: "shop", Payload: fmt.Appendf(nil, `{"n": %d}`, offset), Context: json.RawMessage(`{"traceparent":"00-a-b-01","source":"taken"}`),
	}}
}

// read returns the first n messages of the topic, which has no more.
func read(t *testing.T, c *kfake.Cluster, n int, options ...kgo.Opt) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic))...)
	require.NoError(t, err)
	defer client.Close()
	var records []*kgo.Record
	for len(records) < n {
		fetched := client.PollFetches(t.Context())
		require.NoError(t, fetched.Err())
		records = append(records, fetched.Records()...)
	}
	require.Len(t, records, n)
	return records
}

func TestAnEventBecomesAMessage(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	with := outgoing(7, "")
	with.Event.Subject = "order-1"
	for _, format := range []string{"payload", "event"} {
		sent := open(t, c.ListenAddrs(), map[string]any{"format": format}).Send(t.Context(), []core.Outgoing{with})
		require.NoError(t, sent[0].Err)
		require.Regexp(t, `^partition \d, offset \d+$`, sent[0].Response)
	}
	records := read(t, c, 2)
	require.Equal(t, "order-1", string(records[0].Key), "the subject is the key where there is no other")
	headers := map[string]string{}
	for _, header := range records[0].Headers {
		headers[header.Key] = string(header.Value)
	}
	require.Equal(t, map[string]string{
		"event_id": with.Event.ID.String(), "event_type": "order.paid", "event_version": "2", "source": "shop", "subject": "order-1",
		"occurred_at": "2026-03-01T11:59:59Z", "received_at": "2026-03-01T12:00:00Z", "stream": "all-orders", "offset": "7",
		"traceparent": "00-a-b-01",
	}, headers)
	values := []string{string(records[0].Value), string(records[1].Value)}
	require.Contains(t, values, `{"n": 7}`, "byte for byte")
	require.Contains(t, values, string(eventjson.AppendEvent(nil, &with.Event)))
}

// Events of one key are in one partition, in their order, also while a broker fails and
// the client repeats what it had under way.
func TestEventsOfAKeyKeepTheirOrder(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	failures := 0
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		failures++
		if failures%2 == 1 && failures < 8 {
			return nil, errors.New("the connection breaks"), true
		}
		c.KeepControl()
		return nil, nil, false
	})
	sink := open(t, c.ListenAddrs(), nil)
	const batches, size = 5, 100
	for batch := range batches {
		events := make([]core.Outgoing, size)
		for i := range events {
			events[i] = outgoing(core.Offset(batch*size+i), fmt.Sprint("key-", i%7))
		}
		for _, sent := range sink.Send(t.Context(), events) {
			require.NoError(t, sent.Err)
		}
	}
	records := read(t, c, batches*size)
	partitions, last := map[string]int32{}, map[string]int{}
	seen := map[int]bool{}
	for _, record := range records {
		var payload struct{ N int }
		require.NoError(t, json.Unmarshal(record.Value, &payload))
		key := string(record.Key)
		require.Equal(t, fmt.Sprint("key-", payload.N%size%7), key)
		if partition, known := partitions[key]; known {
			require.Equal(t, partition, record.Partition)
			require.Greater(t, payload.N, last[key])
		}
		partitions[key], last[key] = record.Partition, payload.N
		require.False(t, seen[payload.N], "an event is there twice")
		seen[payload.N] = true
	}
}

// failing sends what cannot be sent, for a moment. It does so for longer where that was too
// short for why to turn out, as on a busy machine.
func failing(t *testing.T, sink core.Sink, why string, events ...core.Outgoing) []core.Sent {
	t.Helper()
	for within := 300 * time.Millisecond; ; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		sent := sink.Send(ctx, events)
		cancel()
		if within > 20*time.Second || sent[0].Err != nil && strings.Contains(sent[0].Err.Error(), why) {
			return sent
		}
	}
}

func TestBrokersThatAreAwayAreAnErrorInTime(t *testing.T) {
	t.Parallel()
	const away = "127.0.0.1:1" // where nothing listens
	results := failing(t, open(t, []string{away}, nil), "connection refused", outgoing(0, ""), outgoing(1, ""))
	require.Len(t, results, 2)
	for _, sent := range results {
		require.ErrorContains(t, sent.Err, "no broker can be reached")
		require.ErrorContains(t, sent.Err, "connection refused")
		require.Equal(t, core.TryAgain, sent.Verdict)
	}
}

// A broker that takes a message and never answers holds nobody up.
func TestABrokerThatHangsIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(done) })
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		c.SleepControl(func() { <-done })
		return nil, nil, false
	})
	go func() {
		<-asked
		cancel()
	}()
	sent := open(t, c.ListenAddrs(), nil).Send(ctx, []core.Outgoing{outgoing(0, "")})
	require.ErrorIs(t, sent[0].Err, context.Canceled)
	require.Equal(t, core.TryAgain, sent[0].Verdict)
}

func TestBrokersAreDialledThroughTheGuard(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t)
	given := fmt.Appendf(nil, `{"brokers":[%q],"topic":"orders","tls":false}`, cluster.ListenAddrs()[0])
	refuse := func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, errors.New("must not reach " + address)
	}
	for _, c := range []core.Connector{kafka.New(kafka.Options{}), kafka.New(kafka.Options{Dial: refuse})} {
		to, err := c.Check(given, core.Destination{})
		require.NoError(t, err)
		sink, err := c.Open(t.Context(), to, core.Origin{})
		require.NoError(t, err)
		require.ErrorContains(t, failing(t, sink, "no broker can be reached", outgoing(0, ""))[0].Err, "no broker can be reached")
		require.NoError(t, sink.Close())
	}
}

func TestAnEventThatIsTooLargeIsRefusedAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	large := outgoing(1, "")
	large.Event.Payload = json.RawMessage(`"` + strings.Repeat("x", 2000) + `"`)
	results := open(t, c.ListenAddrs(), map[string]any{"max_message_bytes": 2000}).Send(t.Context(), []core.Outgoing{outgoing(0, ""), large, outgoing(2, "")})
	require.NoError(t, results[0].Err)
	require.ErrorContains(t, results[1].Err, "max_message_bytes is 2000")
	require.Equal(t, core.NeverAgain, results[1].Verdict)
	require.NoError(t, results[2].Err)
	read(t, c, 2)
}

func TestWhatIsWrongIsSaidPlainly(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		c := newCluster(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "me", password))
		account := map[string]any{"sasl": mechanism, "username": "me", "password": password}
		require.NoError(t, open(t, c.ListenAddrs(), account).Send(t.Context(), []core.Outgoing{outgoing(0, "")})[0].Err)
		account["password"] = "sesame-shut-the-door"
		sent := failing(t, open(t, c.ListenAddrs(), account), "the brokers end the connection", outgoing(0, ""))[0]
		require.EqualError(t, sent.Err, "the brokers end the connection before anything is sent: are tls, sasl, username and password right?")
		require.NotContains(t, sent.Err.Error(), "sesame")
		require.Equal(t, core.TryAgain, sent.Verdict)
	}
	// That broker only hangs up. Others give a reason.
	c := newCluster(t, kfake.EnableSASL())
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		refusal := request.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refusal.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return refusal, nil, true
	})
	account := map[string]any{"sasl": "plain", "username": "me", "password": password}
	sent := failing(t, open(t, c.ListenAddrs(), account), "refuse", outgoing(0, ""))[0]
	require.EqualError(t, sent.Err, "the brokers refuse the username or the password")

	sent = open(t, newCluster(t).ListenAddrs(), map[string]any{"topic": "elsewhere"}).Send(t.Context(), []core.Outgoing{outgoing(0, "")})[0]
	require.EqualError(t, sent.Err, `there is no topic "elsewhere", or the user may not see it`)
	require.Equal(t, core.TryAgain, sent.Verdict)
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	c := kafka.New(kafka.Options{Judge: reach.Options{}.Check})
	good := map[string]any{"brokers": []string{"Kafka.example.com:9093"}, "topic": "orders", "sasl": "plain", "username": "me", "password": "x"}
	check := func(field string, value any) (core.Destination, error) {
		settings := maps.Clone(good)
		settings[field] = value
		given, err := json.Marshal(settings)
		require.NoError(t, err)
		return c.Check(given, core.Destination{})
	}
	to, err := check("format", "event")
	require.NoError(t, err)
	require.JSONEq(t, `{"brokers":["kafka.example.com:9093"],"topic":"orders","format":"event","tls":true,"sasl":"plain","username":"me",
		"password":"••••","max_message_bytes":1000012}`, string(to.Settings))
	for _, wrong := range []struct {
		field string
		value any
	}{
		{"brokers", nil},
		{"brokers", []string{}},
		{"brokers", "kafka:9092"},
		{"brokers", []string{"kafka"}},
		{"brokers", []string{"kafka:9092", "http://kafka:9092"}},
		{"brokers", []string{"10.0.0.1:9092"}},
		{"topic", ""},
		{"topic", "a b"},
		{"topic", ".."},
		{"format", "avro"},
		{"tls", "yes"},
		{"tls_ca", "no certificate"},
		{"sasl", "gssapi"},
		{"sasl", nil},
		{"username", ""},
		{"password", ""},
		{"max_message_bytes", 1},
		{"acks", 0},
	} {
		_, err := check(wrong.field, wrong.value)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", wrong)
		require.Equal(t, wrong.field, err.(*core.Error).Details[0].Field, "%v", wrong) //nolint:errorlint // Check promises it
	}
	without, err := c.Check(json.RawMessage(`{"brokers":["kafka.example.com:9093"],"topic":"orders"}`), to)
	require.NoError(t, err)
	require.Empty(t, without.Secrets, "a password that nothing asks for any more is not kept")
}
