package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// maxSend bounds the attempts to send one event.
const maxSend = 15 * time.Second

// overhead is more than a message has besides its key, value and headers, in bytes.
const overhead = 256

// sink writes to one topic.
type sink struct {
	client   *kgo.Client
	settings settings
	from     core.Origin
	reached  reached
}

// produced is what became of the event at a place among those that are sent together.
type produced struct {
	place  int
	record *kgo.Record
	err    error
}

// Send implements [core.Sink].
func (s *sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	// A message that fails takes along those behind it in its partition, of other Sends, too.
	if err := ctx.Err(); err != nil {
		return destination.All(len(events), s.sent(produced{err: err}))
	}
	results := make([]core.Sent, len(events))
	// It has room for all, so the client never waits for a Send that has returned.
	done := make(chan produced, len(events))
	open := map[int]struct{}{}
	for i := range events {
		record, err := s.record(&events[i])
		if err != nil {
			results[i] = core.Sent{Err: err, Verdict: core.NeverAgain}
			continue
		}
		open[i] = struct{}{}
		s.client.Produce(ctx, record, func(record *kgo.Record, err error) { done <- produced{i, record, err} })
	}
	for len(open) > 0 {
		p, more := next(ctx, done)
		if !more {
			break
		}
		results[p.place] = s.sent(p)
		delete(open, p.place)
	}
	for place := range open {
		results[place] = s.sent(produced{err: ctx.Err()})
	}
	return results
}

// next waits for what becomes of an event, until ctx ends. The client notices that, too,
// but not while it waits for a broker that has taken its connection and says nothing.
func next(ctx context.Context, done <-chan produced) (p produced, more bool) {
	select {
	case p = <-done:
		return p, true
	case <-ctx.Done():
	}
	select {
	case p = <-done:
		return p, true
	default:
		return p, false
	}
}

// record returns an event as a message. It shares no memory with the event: what is cut
// off by the end of a context may still be on its way out of a buffer.
func (s *sink) record(out *core.Outgoing) (*kgo.Record, error) {
	event := &out.Event
	record := &kgo.Record{Headers: s.headers(event)}
	switch {
	case out.Key != "":
		record.Key = []byte(out.Key)
	case event.Subject != "":
		record.Key = []byte(event.Subject)
	}
	if s.settings.Format == formatEvent {
		record.Value = eventjson.AppendEvent(nil, event)
	} else {
		record.Value = bytes.Clone(event.Payload)
	}
	size := overhead + len(record.Key) + len(record.Value)
	for _, header := range record.Headers {
		size += len(header.Key) + len(header.Value) + 2*5 // two lengths
	}
	if size > s.settings.MaxMessageBytes {
		return nil, fmt.Errorf("the message would have about %d bytes, and max_message_bytes is %d", size, s.settings.MaxMessageBytes)
	}
	return record, nil
}

// headers returns what is known of an event besides its payload. The pairs of its
// context follow under their own names, but for those that are taken.
func (s *sink) headers(event *core.Event) []kgo.RecordHeader {
	headers := make([]kgo.RecordHeader, 0, 12)
	add := func(name, value string) {
		if value != "" {
			headers = append(headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	add("event_id", event.ID.String())
	add("event_type", event.Type)
	add("event_version", strconv.Itoa(int(event.Version)))
	add("source", event.Source)
	add("subject", event.Subject)
	add("occurred_at", event.OccurredAt.Format(time.RFC3339Nano))
	add("received_at", event.ReceivedAt.Format(time.RFC3339Nano))
	add("stream", s.from.StreamName)
	add("offset", strconv.FormatInt(int64(event.Offset), 10))
	own := len(headers)
	// A context is valid JSON of texts wherever events are stored.
	_ = eventjson.Members(event.Context, func(name string, value []byte) error {
		taken := slices.ContainsFunc(headers[:own], func(h kgo.RecordHeader) bool { return h.Key == name })
		if text, ok := eventjson.TextOf(value); ok && !taken {
			add(name, text)
		}
		return nil
	})
	return headers
}

// sent says what became of a message.
func (s *sink) sent(p produced) core.Sent {
	err, refused := p.err, s.reached.refused(p.err)
	switch {
	case err == nil:
		return core.Sent{Response: fmt.Sprintf("partition %d, offset %d", p.record.Partition, p.record.Offset)}
	case errors.Is(err, kerr.InvalidRecord):
		return core.Sent{Err: fmt.Errorf("the topic %q refuses the message: %w", s.settings.Topic, err), Verdict: core.NeverAgain}
	case errors.Is(err, kerr.MessageTooLarge):
		return core.Sent{Err: fmt.Errorf("the topic %q takes no batches of %d bytes: set max_message_bytes to its max.message.bytes", s.settings.Topic,
			s.settings.MaxMessageBytes)}
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return core.Sent{Err: fmt.Errorf("there is no topic %q, or the user may not see it", s.settings.Topic)}
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return core.Sent{Err: fmt.Errorf("the user may not write to the topic %q", s.settings.Topic)}
	case refused != nil:
		return core.Sent{Err: refused}
	}
	return core.Sent{Err: fmt.Errorf("the message was not written: %w", destination.Plain(err))}
}

// Traits implements [core.Sink].
func (s *sink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: 1000, BatchBytes: 4 << 20, Parallel: 4}
}

// Close implements [core.Sink].
func (s *sink) Close() error {
	s.client.Close()
	return nil
}
