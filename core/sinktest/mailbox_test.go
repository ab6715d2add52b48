package sinktest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

// mailboxes is a sound connector whose destinations are in memory, with hooks in which a
// fault is planted.
type mailboxes struct {
	mu    sync.Mutex
	boxes map[string]*mailbox

	check func(given json.RawMessage, former core.Destination) (core.Destination, error)
	wrap  func(core.Sink) core.Sink
	open  func(context.Context, *slot) error
}

// mailbox is one of them.
type mailbox struct {
	mu      sync.Mutex
	away    bool
	stall   chan struct{}
	refused []core.ID
	arrived []sinktest.Arrival
}

func newMailboxes(plant func(*mailboxes)) *mailboxes {
	m := &mailboxes{boxes: map[string]*mailbox{}, check: checkMailbox, wrap: func(s core.Sink) core.Sink { return s }, open: func(context.Context, *slot) error { return nil }}
	plant(m)
	return m
}

func (m *mailboxes) start(*testing.T) sinktest.Receiver {
	name, box := rand.Text(), &mailbox{}
	m.mu.Lock()
	m.boxes[name] = box
	m.mu.Unlock()
	settings, _ := json.Marshal(map[string]string{"url": "https://box.example/" + name, "password": "pass_" + rand.Text()})
	return sinktest.Receiver{Settings: settings, Arrived: box.all, Away: box.setAway, Stall: box.setStall, Refuse: box.refuse}
}

func (b *mailbox) all() []sinktest.Arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.arrived)
}

func (b *mailbox) setAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

func (b *mailbox) setStall(stall bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !stall {
		close(b.stall)
		b.stall = nil
		return
	}
	b.stall = make(chan struct{})
}

func (b *mailbox) refuse(ids ...core.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = ids
}

func (b *mailbox) take(ctx context.Context, events []core.Outgoing) []core.Sent {
	b.mu.Lock()
	stall := b.stall
	b.mu.Unlock()
	if stall != nil {
		select {
		case <-stall:
		case <-ctx.Done():
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	results := make([]core.Sent, len(events))
	for i := range events {
		switch id := events[i].Event.ID; {
		case ctx.Err() != nil:
			results[i].Err = ctx.Err()
		case b.away:
			results[i].Err = errors.New("the box is away")
		case slices.Contains(b.refused, id):
			results[i].Err = errors.New("the box refuses the event")
		default:
			b.arrived = append(b.arrived, sinktest.Arrival{ID: id, Payload: slices.Clone(events[i].Event.Payload)})
		}
	}
	return results
}

// mailboxSettings is what is said about a mailbox.
type mailboxSettings struct {
	URL      string `json:"url"`
	Password string `json:"password,omitempty"`
}

const masked = "pass_…"

func checkMailbox(given json.RawMessage, former core.Destination) (core.Destination, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(given, &members); err != nil || members == nil {
		return core.Destination{}, core.Invalid("destination", "must be a JSON object")
	}
	var s mailboxSettings
	fields := map[string]*string{"url": &s.URL, "password": &s.Password}
	for name, value := range members {
		if fields[name] == nil {
			return core.Destination{}, core.Invalid(name, "is not known")
		}
		if json.Unmarshal(value, fields[name]) != nil {
			return core.Destination{}, core.Invalid(name, "must be a string")
		}
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" || len(s.URL) > 2048 || u.Port() > "65535" {
		return core.Destination{}, core.Invalid("url", "must be a URL without credentials")
	}
	if strings.ContainsAny(s.URL, " \x00") {
		return core.Destination{}, core.Invalid("url", "must not have such characters")
	}
	to := core.Destination{Type: "mailbox", Secrets: former.Secrets}
	to.Settings, _ = json.Marshal(mailboxSettings{URL: s.URL, Password: masked})
	if s.Password != "" && s.Password != masked {
		to.Secrets, _ = json.Marshal(map[string]string{"password": s.Password})
	}
	return to, nil
}

// Check implements [core.Connector].
func (m *mailboxes) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	return m.check(given, former)
}

// Open implements [core.Connector].
func (m *mailboxes) Open(ctx context.Context, to core.Destination, _ core.Origin) (core.Sink, error) {
	var s mailboxSettings
	if err := json.Unmarshal(to.Settings, &s); err != nil {
		return nil, err
	}
	var secret struct{ Password string }
	if err := json.NewDecoder(bytes.NewReader(to.Secrets)).Decode(&secret); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	box := m.boxes[s.URL[strings.LastIndexByte(s.URL, '/')+1:]]
	opened := &slot{box: box, send: box.take, password: secret.Password}
	if err := m.open(ctx, opened); err != nil {
		return nil, err
	}
	return m.wrap(opened), nil
}

// slot is a sink.
type slot struct {
	box      *mailbox
	password string
	send     func(context.Context, []core.Outgoing) []core.Sent
	traits   core.SinkTraits
	closed   func() error
}

// Send implements [core.Sink].
func (s *slot) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	return s.send(ctx, events)
}

// Traits implements [core.Sink].
func (s *slot) Traits() core.SinkTraits {
	if s.traits != (core.SinkTraits{}) {
		return s.traits
	}
	return core.SinkTraits{Batch: 50, BatchBytes: 4 << 20, Linger: time.Millisecond, Parallel: 4}
}

// Close implements [core.Sink].
func (s *slot) Close() error {
	if s.closed != nil {
		return s.closed()
	}
	return nil
}
