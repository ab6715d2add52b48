// Package kafka writes events to a topic of Apache Kafka, or of what speaks its
// protocol, and fetches the messages of topics. All in-sync replicas have an event before
// it counts as sent, and what the client repeats by itself is written once.
package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination, and of what is fetched.
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
	connection
	Topic  string `json:"topic"`
	Format string `json:"format"`
	// MaxMessageBytes is how large a batch of messages the topic takes.
	MaxMessageBytes int `json:"max_message_bytes"`
}

// What becomes the value of a message.
const (
	formatPayload = "payload"
	formatEvent   = "event"
)

// The bounds of the settings.
const (
	minMessage     = 1 << 10
	maxMessage     = 16 << 20
	defaultMessage = 1_000_012 // a broker's own default is a little more
)

func defaults() settings {
	return settings{connection: connection{TLS: true}, Format: formatPayload, MaxMessageBytes: defaultMessage}
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

// checkTopic refuses a name that no topic has.
func checkTopic(field, name string) error {
	if !topicForm.MatchString(name) || name == "." || name == ".." {
		return core.Invalid(field, "must have 1 to 249 letters, digits, dots, underscores and hyphens")
	}
	return nil
}

// check refuses what is wrong, and brings the rest into one form.
func (s *settings) check(judge destination.Judge) error {
	if err := s.connection.check(judge); err != nil {
		return err
	}
	if err := checkTopic("topic", s.Topic); err != nil {
		return err
	}
	switch {
	case s.Format != formatPayload && s.Format != formatEvent:
		return core.Invalid("format", "must be %q or %q", formatPayload, formatEvent)
	case s.MaxMessageBytes < minMessage || s.MaxMessageBytes > maxMessage:
		return core.Invalid("max_message_bytes", "must be %d to %d", minMessage, maxMessage)
	}
	return nil
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, from core.Origin) (core.Sink, error) {
	s := sink{from: from}
	if err := destination.Load(to, &s.settings); err != nil {
		return nil, err
	}
	options := append(s.settings.options(c.Dial.OrNone(), &s.reached),
		kgo.DefaultProduceTopic(s.settings.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchMaxBytes(int32(s.settings.MaxMessageBytes)),
		// The processor gathers batches, so the client waits for no others.
		kgo.ProducerLinger(0),
		// A Send ends with its context at the latest. What is under way then may arrive
		// and be sent again, which at-least-once allows.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RecordDeliveryTimeout(maxSend),
		kgo.UnknownTopicRetries(1),
	)
	var err error
	if s.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("a client of Kafka: %w", err)
	}
	return &s, nil
}
