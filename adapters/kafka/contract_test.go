package kafka_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/eventflow-go/eventflow/adapters/kafka"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

const password = "sesame-open-the-door"

func TestSinks(t *testing.T) {
	t.Parallel()
	var gates sync.Map // by the address of the broker behind them
	sinktest.Run(t, sinktest.Target{
		Type: kafka.Type,
		Connector: kafka.New(kafka.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			gate, _ := gates.Load(address)
			return (&net.Dialer{}).DialContext(ctx, network, gate.(*sinktest.Gate).Addr())
		}}),
		Secrets: []string{"password"},
		Refused: []sinktest.Refusal{
			{Name: "no brokers", Given: `{"brokers":[]}`, Field: "brokers"},
			{Name: "a broker without a port", Given: `{"brokers":["kafka"]}`, Field: "brokers"},
			{Name: "no password", Given: `{"password":"","sasl":"other"}`, Field: "sasl"},
		},
		Start: func(t *testing.T) sinktest.Receiver {
			c := newCluster(t, kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "me", password),
				kfake.BrokerConfigs(map[string]string{"message.max.bytes": "4194304"}))
			broker := c.ListenAddrs()[0]
			gate := sinktest.NewGate(t, broker)
			gates.Store(broker, gate)
			return sinktest.Receiver{
				Settings: fmt.Appendf(nil, `{"brokers":[%q],"topic":%q,"tls":false,"sasl":"scram-sha-256","username":"me","password":%q,"max_message_bytes":2097152}`,
					broker, topic, password),
				Arrived: func() []sinktest.Arrival { return arrivals(t, c) },
				Away:    gate.Away, Stall: gate.Stall,
			}
		},
	})
}

// arrivals reads all of the topic.
func arrivals(t *testing.T, c *kfake.Cluster) (found []sinktest.Arrival) {
	t.Helper()
	written := int64(0)
	for _, partition := range c.PartitionInfos(topic) {
		written += partition.HighWatermark
	}
	account := scram.Auth{User: "me", Pass: password}.AsSha256Mechanism()
	for _, record := range read(t, c, int(written), kgo.SASL(account)) {
		for _, header := range record.Headers {
			if header.Key == "event_id" {
				id, err := core.ParseID(string(header.Value))
				require.NoError(t, err)
				found = append(found, sinktest.Arrival{ID: id, Payload: record.Value})
			}
		}
	}
	return found
}
