// Package kafka writes events to a topic of Apache Kafka, or of what speaks its
// protocol. All in-sync replicas have an event before it counts as sent, and what the
// client repeats by itself is written once.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "kafka"

// Options are what a connector needs.
type Options struct {
	// Dial connects to the brokers: those that organizations name, and those that these
	// name in turn.
	Dial destination.Dial
	// Judge refuses addresses in settings.
	Judge destination.Judge
}

// New returns the connector of the type [Type].
func New(o Options) core.Connector { return connector(o) }

type connector Options

// settings are what people say about such a destination.
type settings struct {
	Brokers []string `json:"brokers" destination:"place"`
	Topic   string   `json:"topic"`
	Format  string   `json:"format"`
	TLS     bool     `json:"tls"`
	// TLSCA has certificates in PEM that the brokers' ones are checked against, in the
	// place of the system's.
	TLSCA    string `json:"tls_ca,omitempty"`
	SASL     string `json:"sasl,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty" destination:"secret"`
	// MaxMessageBytes is how large a batch of messages the topic takes.
	MaxMessageBytes int `json:"max_message_bytes"`
}

// What becomes the value of a message.
const (
	formatPayload = "payload"
	formatEvent   = "event"
)

// How a client tells the brokers who it is.
const (
	saslPlain = "plain"
	saslSHA2  = "scram-sha-256"
	saslSHA5  = "scram-sha-512"
)

// The bounds of the settings.
const (
	maxBrokers     = 20
	maxCALength    = 64 << 10
	maxNameLength  = 255
	minMessage     = 1 << 10
	maxMessage     = 16 << 20
	defaultMessage = 1_000_012 // a broker's own default is a little more
)

func defaults() settings {
	return settings{Format: formatPayload, TLS: true, MaxMessageBytes: defaultMessage}
}

// Check implements [core.Connector].
func (c connector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	s := defaults()
	err := destination.Read(given, Type, &s)
	if err == nil {
		err = s.check(c.Judge)
	}
	if err == nil && s.SASL != "" {
		err = destination.KeepSecrets(former, &s)
	}
	if err == nil {
		err = s.checkAccount()
	}
	if err != nil {
		return core.Destination{}, err
	}
	return destination.New(Type, &s)
}

var topicForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// check refuses what is wrong, and brings the rest into one form.
func (s *settings) check(judge destination.Judge) (err error) {
	if len(s.Brokers) == 0 || len(s.Brokers) > maxBrokers {
		return core.Invalid("brokers", "must be a list of 1 to %d addresses like broker.example.com:9092", maxBrokers)
	}
	for i, broker := range s.Brokers {
		if s.Brokers[i], err = judge.HostPort("brokers", broker); err != nil {
			return err
		}
	}
	switch {
	case !topicForm.MatchString(s.Topic) || s.Topic == "." || s.Topic == "..":
		return core.Invalid("topic", "must have 1 to 249 letters, digits, dots, underscores and hyphens")
	case s.Format != formatPayload && s.Format != formatEvent:
		return core.Invalid("format", "must be %q or %q", formatPayload, formatEvent)
	case s.MaxMessageBytes < minMessage || s.MaxMessageBytes > maxMessage:
		return core.Invalid("max_message_bytes", "must be %d to %d", minMessage, maxMessage)
	case s.TLSCA == "":
		return nil
	case !s.TLS:
		return core.Invalid("tls_ca", "has no meaning without tls")
	case len(s.TLSCA) > maxCALength || !x509.NewCertPool().AppendCertsFromPEM([]byte(s.TLSCA)):
		return core.Invalid("tls_ca", "must be certificates in PEM, of %d bytes at most", maxCALength)
	}
	return nil
}

// checkAccount checks who the client says it is.
func (s *settings) checkAccount() error {
	switch s.SASL {
	case "":
		if s.Username != "" || s.Password != "" {
			return core.Invalid("sasl", "must be given with a username and a password: %q, %q or %q", saslPlain, saslSHA2, saslSHA5)
		}
		return nil
	case saslPlain, saslSHA2, saslSHA5:
		if err := core.CheckText("username", s.Username, 1, maxNameLength); err != nil {
			return err
		}
		return core.CheckText("password", s.Password, 1, maxNameLength)
	}
	return core.Invalid("sasl", "must be %q, %q or %q, or be left out", saslPlain, saslSHA2, saslSHA5)
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, from core.Origin) (core.Sink, error) {
	s := sink{from: from}
	if err := destination.Load(to, &s.settings); err != nil {
		return nil, err
	}
	dial := c.Dial.OrNone()
	options := []kgo.Opt{
		kgo.ClientID("eventflow"), kgo.SeedBrokers(s.settings.Brokers...), kgo.DefaultProduceTopic(s.settings.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchMaxBytes(int32(s.settings.MaxMessageBytes)),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, dial, network, address)
		}),
		// The processor gathers batches, so the client waits for no others.
		kgo.ProducerLinger(0),
		// A Send ends with its context at the latest. What is under way then may arrive
		// and be sent again, which at-least-once allows.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RecordDeliveryTimeout(maxSend),
		kgo.WithHooks(&s),
		kgo.UnknownTopicRetries(1), kgo.MetadataMinAge(250 * time.Millisecond),
	}
	if account := s.settings.account(); account != nil {
		options = append(options, kgo.SASL(account))
	}
	var err error
	if s.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("a client of Kafka: %w", err)
	}
	return &s, nil
}

func (s *settings) account() sasl.Mechanism {
	switch s.SASL {
	case saslPlain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism()
	case saslSHA2:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism()
	case saslSHA5:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism()
	}
	return nil
}

// dial connects to a broker and, where the settings say so, has it show who it is.
func (s *sink) dial(ctx context.Context, dial destination.Dial, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, maxDial)
	defer cancel()
	conn, err := dial(ctx, network, address)
	if err != nil || !s.settings.TLS {
		return conn, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.settings.TLSCA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(s.settings.TLSCA))
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", address, err)
	}
	return secured, nil
}
