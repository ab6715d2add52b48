// Package redisnotify carries the news of new events between nodes, by Redis's
// publish and subscribe. Redis may lose news. Nodes then find the events a little
// later, because they also ask the log.
package redisnotify

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/eventflow-go/eventflow/core"
)

// Notifier implements [core.Notifier].
type Notifier struct {
	client *redis.Client
	logger *slog.Logger
}

// The library prints what goes wrong in a form of its own, which would break a
// log of JSON. It returns the same as errors, and core logs those. The logger is
// replaced before anything runs, because the library reads it without a lock.
var _ = func() (done bool) { redis.SetLogger(silent{}); return true }()

type silent struct{}

// Printf implements the library's logger.
func (silent) Printf(context.Context, string, ...any) {}

// channel is where nodes meet. A message is a row of streams' ids, 16 bytes each.
// A node hears its own messages, too.
const channel = "eventflow:grown"

// notifyTimeout bounds one message. By then the other nodes have asked the log.
const notifyTimeout = 2 * time.Second

// Open returns a notifier by the server that a redis:// or rediss:// URL names.
// It connects when it is used, and again when the connection is lost.
func Open(url string, logger *slog.Logger) (*Notifier, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		// The library's text may quote the URL, and with it the password.
		return nil, fmt.Errorf("must be a URL like redis://user:password@host:6379/0")
	}
	options.ClientName = "eventflow"
	// Without this the library does not look at contexts, and waits for five
	// seconds of its own, three times over.
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = notifyTimeout, notifyTimeout, notifyTimeout
	options.MaxRetries = 1
	return &Notifier{client: redis.NewClient(options), logger: logger}, nil
}

// Notify implements [core.Notifier].
func (n *Notifier) Notify(ctx context.Context, streams []core.ID) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	message := make([]byte, 0, 16*len(streams))
	for _, stream := range streams {
		message = append(message, stream[:]...)
	}
	return n.client.Publish(ctx, channel, message).Err()
}

// Listen implements [core.Notifier]. The library subscribes again after a lost
// connection. It keeps messages that come while heard is at work, and drops one
// that has found no room for a minute.
func (n *Notifier) Listen(ctx context.Context, heard func(stream core.ID)) {
	subscription := n.client.Subscribe(ctx, channel)
	defer subscription.Close() //nolint:errcheck // there is nothing left to lose
	messages := subscription.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case message, open := <-messages:
			if !open {
				return
			}
			// Of a message of an odd length, which no node sends, the rest is left out.
			for rest := []byte(message.Payload); len(rest) >= len(core.ID{}); rest = rest[len(core.ID{}):] {
				heard(core.ID(rest[:len(core.ID{})]))
			}
		}
	}
}

// Check returns nil when Redis answers.
func (n *Notifier) Check(ctx context.Context) error { return n.client.Ping(ctx).Err() }

// Close lets the connections go.
func (n *Notifier) Close() error { return n.client.Close() }
