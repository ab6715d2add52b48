package jetstream

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Notifier = (*Storage)(nil)

// grown is the subject by which nodes tell each other of streams that have grown. No
// JetStream stream keeps it. A message is a row of ids, 16 bytes each.
func (s *Storage) grown() string { return s.settings.name + ".grown" }

// Notify implements [core.Notifier].
func (s *Storage) Notify(_ context.Context, streams []core.ID) error {
	message := make([]byte, 0, len(core.ID{})*len(streams))
	for _, stream := range streams {
		message = append(message, stream[:]...)
	}
	return s.link.conn.Publish(s.grown(), message)
}

// Listen implements [core.Notifier]. The library subscribes again after a lost
// connection.
func (s *Storage) Listen(ctx context.Context, heard func(stream core.ID)) {
	messages := make(chan *nats.Msg, 1024)
	subscription, err := s.link.conn.ChanSubscribe(s.grown(), messages)
	if err != nil {
		return // the store is closed
	}
	defer subscription.Unsubscribe() //nolint:errcheck // the connection may be closed
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-messages:
			for rest := m.Data; len(rest) >= len(core.ID{}); rest = rest[len(core.ID{}):] {
				heard(core.ID(rest[:len(core.ID{})]))
			}
		}
	}
}
