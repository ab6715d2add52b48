package kafka

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// NewFeeds returns what fetches the messages of topics.
func NewFeeds(o Options) core.FeedConnector { return feedConnector(o) }

type feedConnector Options

// feedSettings are what people say about topics whose messages are fetched.
type feedSettings struct {
	connection
	Topics []string `json:"topics" destination:"place"`
	// Group is the consumer group; empty is one of the source's own.
	Group string `json:"group,omitempty"`
	// Start is where a group begins that has fetched nothing.
	Start string `json:"start"`
	// NotJSON is what becomes of a message whose value is no JSON.
	NotJSON string `json:"not_json"`
}

// The values of settings.
const (
	startEarliest = "earliest"
	startLatest   = "latest"
	notJSONRefuse = "refuse"
	notJSONWrap   = "wrap"
)

// maxTopics bounds the topics of one source.
const maxTopics = 20

// Check implements [core.FeedConnector].
func (c feedConnector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	s := feedSettings{connection: connection{TLS: true}, Start: startEarliest, NotJSON: notJSONRefuse}
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

func (s *feedSettings) check(judge destination.Judge) error {
	if err := s.connection.check(judge); err != nil {
		return err
	}
	slices.Sort(s.Topics)
	s.Topics = slices.Compact(s.Topics)
	if len(s.Topics) == 0 || len(s.Topics) > maxTopics {
		return core.Invalid("topics", "must be a list of 1 to %d topics", maxTopics)
	}
	for _, topic := range s.Topics {
		if err := checkTopic("topics", topic); err != nil {
			return err
		}
	}
	switch {
	case s.Start != startEarliest && s.Start != startLatest:
		return core.Invalid("start", "must be %q or %q", startEarliest, startLatest)
	case s.NotJSON != notJSONRefuse && s.NotJSON != notJSONWrap:
		return core.Invalid("not_json", "must be %q or %q", notJSONRefuse, notJSONWrap)
	}
	return core.CheckText("group", s.Group, 0, maxNameLength)
}

// The bounds of what a feed has in memory. A broker gives one batch of messages however
// large it is, so the client reads more than it asks for, and no more than that.
const (
	fetchBytes     = 1 << 20
	maxFetches     = 4 // at once, of several brokers
	maxAnswerBytes = 16 << 20
	maxUnpacked    = 32 << 20
)

// The times of a feed. While a broker waits for messages, others of many may have to wait
// until they are asked.
const (
	fetchWait       = 500 * time.Millisecond
	sessionTimeout  = 15 * time.Second
	commitTimeout   = 10 * time.Second
	nothingNewAfter = 2 * time.Second
)

// Open implements [core.FeedConnector].
func (c feedConnector) Open(from core.Destination, source core.ID) (core.Feed, error) {
	f := feed{load: newLoad()}
	if err := destination.Load(from, &f.settings); err != nil {
		return nil, err
	}
	if f.settings.Group == "" {
		f.settings.Group = "eventflow-" + source.String()
	}
	start := kgo.NewOffset().AtStart()
	if f.settings.Start == startLatest {
		start = kgo.NewOffset().AtEnd()
	}
	options := append(f.settings.options(c.Dial.OrNone(), &f.reached),
		kgo.ConsumerGroup(f.settings.Group), kgo.ConsumeTopics(f.settings.Topics...),
		kgo.ConsumeStartOffset(start), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Offsets are committed once events are durable, before others may take over.
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(sessionTimeout),
		kgo.OnPartitionsRevoked(f.load.lost), kgo.OnPartitionsLost(f.load.lost), kgo.OnPartitionsAssigned(f.load.got),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes), kgo.MaxConcurrentFetches(maxFetches), kgo.FetchMaxWait(fetchWait),
		kgo.BrokerMaxReadBytes(maxAnswerBytes), kgo.MaxDecompressBatchBytes(maxUnpacked),
		kgo.KeepRetryableFetchErrors(),
	)
	var err error
	if f.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("a client of Kafka: %w", err)
	}
	return &f, nil
}

// feed fetches as one member of a consumer group.
type feed struct {
	client   *kgo.Client
	settings feedSettings
	reached  reached
	load     *load
	// fetched are the messages that Next has returned last.
	fetched []*kgo.Record
	// stuck is why a partition is not fetched any more.
	stuck error
}

// Next implements [core.Feed].
func (f *feed) Next(ctx context.Context) ([]core.FeedMessage, error) {
	f.fetched = nil
	f.client.AllowRebalance()
	waiting, cancel := context.WithTimeout(ctx, nothingNewAfter)
	defer cancel()
	fetches := f.client.PollRecords(waiting, core.MaxFeedMessages)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var err error
	fetches.EachError(func(topic string, partition int32, failed error) {
		if large, is := errors.AsType[*kgo.ErrDecompressTooLarge](failed); is {
			f.stuck = fmt.Errorf("partition %d of %q cannot go on: %w", partition, topic, large)
		}
		if !errors.Is(failed, context.DeadlineExceeded) && err == nil {
			err = f.said(topic, failed)
		}
	})
	err = cmp.Or(err, f.stuck)
	if fetches.NumRecords() == 0 {
		return nil, cmp.Or(err, f.reached.refused(nil))
	}
	fetches.EachPartition(f.load.fetched)
	f.fetched = fetches.Records()
	messages := make([]core.FeedMessage, len(f.fetched))
	for i, record := range f.fetched {
		messages[i] = f.message(record)
	}
	return messages, err
}

// said says what an error of the client means.
func (f *feed) said(topic string, err error) error {
	switch refused := f.reached.refused(err); {
	case refused != nil:
		return refused
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("there is no topic %q, or the user may not see it", topic)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("the user may not read the topic %q", topic)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Errorf("the user may not use the consumer group %q", f.settings.Group)
	}
	return fmt.Errorf("the messages cannot be fetched: %w", destination.Plain(err))
}

// message returns a record with what Kafka says of it. Its place has its time, too: when a
// topic is made anew, its offsets begin anew.
func (f *feed) message(r *kgo.Record) core.FeedMessage {
	partition, offset := strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10)
	m := core.FeedMessage{
		Place: r.Topic + "/" + partition + "/" + offset + "@" + strconv.FormatInt(r.Timestamp.UnixMilli(), 10), Value: f.value(r.Value),
		Headers: []core.FeedHeader{
			{Name: "kafka-topic", Value: r.Topic},
			{Name: "kafka-partition", Value: partition},
			{Name: "kafka-offset", Value: offset},
			{Name: "kafka-time", Value: r.Timestamp.UTC().Format(time.RFC3339Nano)},
			{Name: "kafka-key", Value: text(r.Key)},
		},
	}
	for _, header := range r.Headers {
		m.Headers = append(m.Headers, core.FeedHeader{Name: header.Key, Value: text(header.Value)})
	}
	return m
}

// value returns the payload of a message. A message without a value, which deletes what its
// key names, has the payload null.
func (f *feed) value(value []byte) []byte {
	if value == nil {
		return []byte("null")
	}
	if f.settings.NotJSON == notJSONRefuse || eventjson.ValidJSON(value) == nil {
		return value
	}
	var wrapped any = map[string][]byte{"base64": value}
	if utf8.Valid(value) {
		wrapped = map[string]string{"text": string(value)}
	}
	object, _ := json.Marshal(wrapped) // texts always can be
	return object
}

// text returns bytes as a text. What is none is left out.
func text(bytes []byte) string {
	if !utf8.Valid(bytes) {
		return ""
	}
	return string(bytes)
}

// Done implements [core.Feed].
func (f *feed) Done(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := f.client.CommitRecords(ctx, f.fetched...); err != nil {
		return f.said("", err)
	}
	f.load.done(f.fetched)
	return nil
}

// Load implements [core.Feed].
func (f *feed) Load() core.FeedLoad { return f.load.sum() }

// Close implements [core.Feed].
func (f *feed) Close() { f.client.CloseAllowingRebalance() }

// load knows the partitions that this member has.
type load struct {
	// mu guards parts.
	mu    sync.Mutex
	parts map[part]*progress
}

type part struct {
	topic     string
	partition int32
}

// progress is how far a partition is taken in, and where it ended when it was fetched last.
type progress struct{ next, end int64 }

func newLoad() *load { return &load{parts: map[part]*progress{}} }

func (l *load) got(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, numbers := range partitions {
		for _, number := range numbers {
			l.parts[part{topic, number}] = &progress{}
		}
	}
}

func (l *load) lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, numbers := range partitions {
		for _, number := range numbers {
			delete(l.parts, part{topic, number})
		}
	}
}

func (l *load) fetched(p kgo.FetchTopicPartition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.parts[part{p.Topic, p.Partition}]
	if at == nil || len(p.Records) == 0 {
		return
	}
	if at.next == 0 {
		at.next = p.Records[0].Offset
	}
	at.end = max(at.end, p.HighWatermark)
}

func (l *load) done(records []*kgo.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		if at := l.parts[part{r.Topic, r.Partition}]; at != nil {
			at.next = max(at.next, r.Offset+1)
		}
	}
}

func (l *load) sum() core.FeedLoad {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := core.FeedLoad{Parts: len(l.parts)}
	for _, at := range l.parts {
		all.Lag += max(at.end-at.next, 0)
	}
	return all
}
