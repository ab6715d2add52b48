package kafka_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/adapters/kafka"
	"github.com/eventflow-go/eventflow/core"
)

// openFeed returns a feed of the topic as a member of a group.
func openFeed(t *testing.T, brokers []string, more map[string]any) core.Feed {
	t.Helper()
	settings := map[string]any{"brokers": brokers, "topics": []string{topic}, "tls": false, "group": "g"}
	maps.Copy(settings, more)
	given, err := json.Marshal(settings)
	require.NoError(t, err)
	c := kafka.NewFeeds(kafka.Options{Dial: (&net.Dialer{}).DialContext})
	from, err := c.Check(given, core.Destination{})
	require.NoError(t, err)
	feed, err := c.Open(from, core.RandomID(noon))
	require.NoError(t, err)
	t.Cleanup(feed.Close)
	return feed
}

// write puts messages into the topic.
func write(t *testing.T, c *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(t.Context(), records...).FirstErr())
}

// numbered returns messages of one partition.
func numbered(partition int32, from, to int) (records []*kgo.Record) {
	for n := from; n < to; n++ {
		records = append(records, &kgo.Record{Partition: partition, Value: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	return records
}

// next waits for messages.
func next(t *testing.T, feed core.Feed) []core.FeedMessage {
	t.Helper()
	for t.Context().Err() == nil {
		messages, err := feed.Next(t.Context())
		require.NoError(t, err)
		if len(messages) > 0 {
			return messages
		}
	}
	return nil
}

func headersOf(m core.FeedMessage) map[string]string {
	all := map[string]string{}
	for _, header := range slices.Backward(m.Headers) {
		all[header.Name] = header.Value
	}
	return all
}

func TestAMessageIsFetchedWithWhatKafkaSaysOfIt(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	write(t, c, &kgo.Record{
		Partition: 2, Key: []byte("order-1"), Value: []byte(`{"n":1}`), Timestamp: noon,
		Headers: []kgo.RecordHeader{{Key: "X-Tenant", Value: []byte("blue")}, {Key: "kafka-topic", Value: []byte("forged")}, {Key: "raw", Value: []byte{0xff}}},
	}, &kgo.Record{Partition: 2, Timestamp: noon}, &kgo.Record{Partition: 2, Value: []byte("no JSON")})
	feed := openFeed(t, c.ListenAddrs(), nil)
	messages := next(t, feed)
	require.Len(t, messages, 3)
	require.Equal(t, map[string]string{
		"kafka-topic": topic, "kafka-partition": "2", "kafka-offset": "0", "kafka-time": "2026-03-01T12:00:00Z", "kafka-key": "order-1",
		"X-Tenant": "blue", "raw": "",
	}, headersOf(messages[0]))
	require.Equal(t, fmt.Sprintf("orders/2/0@%d", noon.UnixMilli()), messages[0].Place)
	require.Equal(t, `{"n":1}`, string(messages[0].Value))
	require.Equal(t, "null", string(messages[1].Value), "it deletes what the key names")
	require.Equal(t, "no JSON", string(messages[2].Value))
	require.Equal(t, core.FeedLoad{Parts: 4, Lag: 3}, feed.Load())
	require.NoError(t, feed.Done(t.Context()))
	require.Equal(t, core.FeedLoad{Parts: 4}, feed.Load())
	again, err := feed.Next(t.Context())
	require.NoError(t, err)
	require.Empty(t, again, "nothing is new for a while")
}

func TestWhatIsNoJSONIsWrapped(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, value := range []string{"text \"1\"", "\xff\x00", `{"n":1}`} {
		write(t, c, &kgo.Record{Value: []byte(value)})
	}
	var values []string
	for _, m := range next(t, openFeed(t, c.ListenAddrs(), map[string]any{"not_json": "wrap"})) {
		values = append(values, string(m.Value))
	}
	require.Equal(t, []string{`{"text":"text \"1\""}`, `{"base64":"/wA="}`, `{"n":1}`}, values)
}

// What was not done comes again, to whoever is there then; what was done does not.
func TestOffsetsAreCommittedByDoneAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	write(t, c, numbered(1, 0, 3)...)
	first := openFeed(t, c.ListenAddrs(), nil)
	require.Len(t, next(t, first), 3)
	first.Close()
	second := openFeed(t, c.ListenAddrs(), nil)
	require.Len(t, next(t, second), 3, "it was not done")
	require.NoError(t, second.Done(t.Context()))
	write(t, c, numbered(1, 3, 4)...)
	second.Close()
	third := openFeed(t, c.ListenAddrs(), nil)
	require.Equal(t, `{"n":3}`, string(next(t, third)[0].Value))
}

// Two members of a group share the partitions out, and each message is one member's.
func TestNodesShareATopicOut(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	one := openFeed(t, c.ListenAddrs(), nil)
	_, err := one.Next(t.Context())
	require.NoError(t, err)
	two := openFeed(t, c.ListenAddrs(), nil)
	for one.Load().Parts != 2 || two.Load().Parts != 2 {
		for _, feed := range []core.Feed{one, two} {
			_, err := feed.Next(t.Context())
			require.NoError(t, err)
		}
	}
	for partition := range int32(4) {
		write(t, c, numbered(partition, 0, 5)...)
	}
	seen := map[string]int{}
	for len(seen) < 20 {
		for _, feed := range []core.Feed{one, two} {
			messages, err := feed.Next(t.Context())
			require.NoError(t, err)
			require.NoError(t, feed.Done(t.Context()))
			for _, m := range messages {
				seen[m.Place]++
			}
		}
	}
	require.Len(t, seen, 20)
	for place, times := range seen {
		require.Equal(t, 1, times, place)
	}
}

func TestAtMostSoManyMessagesAreFetchedAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	write(t, c, numbered(0, 0, core.MaxFeedMessages+1)...)
	feed := openFeed(t, c.ListenAddrs(), nil)
	require.Len(t, next(t, feed), core.MaxFeedMessages)
	require.NoError(t, feed.Done(t.Context()))
	require.EqualValues(t, 1, feed.Load().Lag)
	require.Len(t, next(t, feed), 1)
}

func TestAGroupMayBeginWithWhatIsToCome(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	write(t, c, numbered(0, 0, 3)...)
	feed := openFeed(t, c.ListenAddrs(), map[string]any{"start": "latest"})
	for feed.Load().Parts < 4 {
		_, err := feed.Next(t.Context())
		require.NoError(t, err)
	}
	messages, err := feed.Next(t.Context())
	require.NoError(t, err)
	require.Empty(t, messages)
	write(t, c, numbered(0, 3, 4)...)
	require.Equal(t, `{"n":3}`, string(next(t, feed)[0].Value))
}

func TestWhyNothingIsFetchedIsSaidPlainly(t *testing.T) {
	t.Parallel()
	failure := func(feed core.Feed) string {
		for t.Context().Err() == nil {
			if _, err := feed.Next(t.Context()); err != nil {
				return err.Error()
			}
		}
		return ""
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	away := listener.Addr().String()
	require.NoError(t, listener.Close())
	require.Contains(t, failure(openFeed(t, []string{away}, nil)), "no broker can be reached")

	c := newCluster(t)
	require.Equal(t, `there is no topic "elsewhere", or the user may not see it`, failure(openFeed(t, c.ListenAddrs(), map[string]any{"topics": []string{"elsewhere"}})))

	c = newCluster(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", password))
	account := map[string]any{"sasl": "plain", "username": "me", "password": "sesame-shut-the-door"}
	refused := failure(openFeed(t, c.ListenAddrs(), account))
	require.Contains(t, refused, "are tls, sasl, username and password right?")
	require.NotContains(t, refused, "sesame")
}

// A few bytes that become gigabytes stop their partition, visibly, and harm nobody.
func TestAMessageThatUnpacksTooLargeStops(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "104857600"}))
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.BrokerMaxWriteBytes(100<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(strings.Repeat("x", 40<<20))}).FirstErr())
	write(t, c, numbered(1, 0, 1)...)
	feed := openFeed(t, c.ListenAddrs(), nil)
	taken := 0
	for stuck := ""; !strings.Contains(stuck, `partition 0 of "orders" cannot go on`) || taken == 0; {
		messages, err := feed.Next(t.Context())
		if taken += len(messages); err != nil {
			stuck = err.Error()
		}
	}
	_, err = feed.Next(t.Context())
	require.ErrorContains(t, err, "cannot go on", "it is said again and again")
}

func TestSettingsOfFeedsAreChecked(t *testing.T) {
	t.Parallel()
	c := kafka.NewFeeds(kafka.Options{Judge: reach.Options{}.Check})
	good := map[string]any{"brokers": []string{"Kafka.example.com:9093"}, "topics": []string{"b", "a", "b"}, "sasl": "plain", "username": "me", "password": "x"}
	check := func(field string, value any, former core.Destination) (core.Destination, error) {
		settings := maps.Clone(good)
		settings[field] = value
		given, err := json.Marshal(settings)
		require.NoError(t, err)
		return c.Check(given, former)
	}
	from, err := check("group", "g", core.Destination{})
	require.NoError(t, err)
	require.JSONEq(t, `{"brokers":["kafka.example.com:9093"],"topics":["a","b"],"group":"g","start":"earliest","not_json":"refuse","tls":true,"sasl":"plain",
		"username":"me","password":"••••"}`, string(from.Settings))
	kept, err := check("password", nil, from)
	require.NoError(t, err)
	require.Equal(t, from.Secrets, kept.Secrets)
	for _, wrong := range []struct {
		field string
		value any
	}{
		{"brokers", []string{"10.0.0.1:9092"}},
		{"topics", nil},
		{"topics", []string{"a", "a b"}},
		{"topics", slices.Collect(func(yield func(string) bool) {
			for i := range 21 {
				_ = yield(fmt.Sprint(i))
			}
		})},
		{"group", strings.Repeat("x", 256)},
		{"start", "now"},
		{"not_json", "skip"},
		{"password", ""},
		{"topic", "orders"},
	} {
		_, err := check(wrong.field, wrong.value, core.Destination{})
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", wrong)
		require.Equal(t, wrong.field, err.(*core.Error).Details[0].Field, "%v", wrong) //nolint:errorlint // Check promises it
	}
	moved := maps.Clone(good)
	moved["brokers"] = []string{"elsewhere.example.com:9092"}
	delete(moved, "password")
	given, err := json.Marshal(moved)
	require.NoError(t, err)
	_, err = c.Check(given, from)
	require.ErrorContains(t, err, "must be given again")
}

func TestFeedsAreDialledThroughTheGuard(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t)
	c := kafka.NewFeeds(kafka.Options{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, fmt.Errorf("must not reach %s", address)
	}})
	from, err := c.Check(fmt.Appendf(nil, `{"brokers":[%q],"topics":["orders"],"tls":false}`, cluster.ListenAddrs()[0]), core.Destination{})
	require.NoError(t, err)
	feed, err := c.Open(from, core.RandomID(time.Now()))
	require.NoError(t, err)
	defer feed.Close()
	for t.Context().Err() == nil {
		if _, err := feed.Next(t.Context()); err != nil {
			require.ErrorContains(t, err, "must not reach")
			return
		}
	}
}
