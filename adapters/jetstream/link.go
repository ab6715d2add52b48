package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// link is the connection to the servers. The library has requests with one answer.
// This has those with many, which batches and direct gets need, and it tells who waits
// when the connection breaks, so that nobody waits for an answer that cannot come.
type link struct {
	conn   *nats.Conn
	prefix string // of all inboxes
	count  atomic.Uint64

	mu sync.Mutex
	// waiting has who waits for answers, by the last part of the inbox.
	waiting map[string]chan *nats.Msg
	// lost is closed when the connection breaks, and replaced.
	lost chan struct{}
	// breaks counts how often it did.
	breaks uint64
	// moved is when the connection was last given up for another one.
	moved time.Time
}

// errNoAnswer says that nobody answered: it is not known what became of the request.
var errNoAnswer = errors.New("JetStream does not answer")

const (
	// pingEvery times two is how long a server may be silent that does not close its
	// connections.
	pingEvery = 2 * time.Second
	// moveEvery bounds how often a connection is given up because nobody answers.
	moveEvery = 5 * time.Second
	// pendingBytes bounds what has arrived and is not handled yet.
	pendingBytes = 1 << 30
)

// dial begins to connect. It goes on for as long as the link is open.
func dial(set settings) (*link, error) {
	l := &link{prefix: nats.NewInbox() + ".", waiting: map[string]chan *nats.Msg{}, lost: make(chan struct{})}
	options := []nats.Option{
		nats.Name("eventflow"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.Timeout(2 * time.Second),
		nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		// What cannot be sent now must not be sent later: by then it may have been sent again.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(5 * time.Second),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { l.broke() }),
	}
	if set.ca != "" {
		options = append(options, nats.RootCAs(set.ca))
	}
	conn, err := nats.Connect(set.servers, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	l.conn = conn
	inbox, err := conn.Subscribe(l.prefix+"*", l.heard)
	if err == nil {
		err = inbox.SetPendingLimits(-1, pendingBytes)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listening for the answers of NATS: %w", err)
	}
	return l, nil
}

func (l *link) close() { l.conn.Close() }

// await returns when a server answers.
func (l *link) await(ctx context.Context) error {
	for {
		err := l.conn.FlushWithContext(ctx)
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			if last := l.conn.LastError(); last != nil {
				err = last
			}
			return fmt.Errorf("reaching NATS: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// broke wakes all who wait.
func (l *link) broke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.lost)
	l.lost = make(chan struct{})
	l.breaks++
}

// generation changes when the connection breaks.
func (l *link) generation() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.breaks
}

// move gives the connection up, because this server may be cut off from the others.
func (l *link) move() {
	l.mu.Lock()
	due := time.Since(l.moved) > moveEvery
	if due {
		l.moved = time.Now()
	}
	l.mu.Unlock()
	if due && len(l.conn.Servers()) > 1 {
		_ = l.conn.ForceReconnect() // it fails when the link is closed
	}
}

func (l *link) heard(m *nats.Msg) {
	l.mu.Lock()
	answers := l.waiting[strings.TrimPrefix(m.Subject, l.prefix)]
	l.mu.Unlock()
	if answers == nil {
		return // it came too late
	}
	select {
	case answers <- m:
	default: // more than was asked for
	}
}

// status is the code in the first line of an answer's headers, or "".
func status(m *nats.Msg) string { return m.Header.Get("Status") }

// ask calls send with the inbox for answers, and take with each answer until take says
// that it was the last. Up to room answers are kept while take is at work. The error
// wraps errNoAnswer if the last one does not come within patience, and ctx's if that
// ends first.
func (l *link) ask(ctx context.Context, patience time.Duration, room int, send func(reply string) error, take func(*nats.Msg) (last bool)) error {
	answers := make(chan *nats.Msg, room)
	token := strconv.FormatUint(l.count.Add(1), 36)
	l.mu.Lock()
	l.waiting[token] = answers
	lost := l.lost
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, token)
		l.mu.Unlock()
	}()
	if err := send(l.prefix + token); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case m := <-answers:
			if status(m) == "503" {
				return fmt.Errorf("%w: there is no leader now, or no such partition", errNoAnswer)
			}
			if take(m) {
				return nil
			}
		case <-lost:
			return fmt.Errorf("%w: the connection broke", errNoAnswer)
		case <-timer.C:
			return fmt.Errorf("%w within %s", errNoAnswer, patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// request sends one message and returns the one answer.
func (l *link) request(ctx context.Context, patience time.Duration, m *nats.Msg) (answer *nats.Msg, err error) {
	err = l.ask(ctx, patience, 1, func(reply string) error {
		m.Reply = reply
		return l.conn.PublishMsg(m)
	}, func(got *nats.Msg) bool {
		answer = got
		return true
	})
	return answer, err
}
