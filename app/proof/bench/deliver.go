package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// deliverEvents is how many events the groups of the measurements read, over
// and over.
const deliverEvents = 100_000

// deliver measures consumer groups against plain SELECTs, and how long an event
// takes to those who wait for it.
func (b *bench) deliver(ctx context.Context) error {
	s, err := b.startOnPostgres(ctx, "deliver")
	if err != nil {
		return err
	}
	if err := fill(s, deliverEvents); err != nil {
		return err
	}
	selects, err := newSelecter(ctx, b.postgresStore("deliver"), deliverEvents/2)
	if err != nil {
		return err
	}
	defer selects.close()
	if err := b.consumers(ctx, s, selects); err != nil {
		return err
	}
	if err := b.latencies(ctx, s); err != nil {
		return err
	}
	return stopAll(s)
}

// consumers measures polls and commits.
func (b *bench) consumers(ctx context.Context, s *server, selects *selecter) error {
	var names []string
	for i := range 100 {
		name := "group-" + strconv.Itoa(i)
		names = append(names, name)
		if err := makeGroup(ctx, s, name); err != nil {
			return err
		}
	}
	polls := func(name, figure string, groups []string, refuse int) measured {
		return measured{name: name, of: s, figure: figure, run: func() (outcome, error) {
			got, err := b.polls(s, groups, refuse)
			note("%-28s %9.0f/s", name, got.rate)
			return got, err
		}}
	}
	rates, err := b.rounded(
		floor("plain SELECT", func() (float64, error) { return selects.rate(ctx, b.slice, pageConnections) }),
		polls("poll and commit", "poll_postgres", names[:1], 0),
		polls("poll and commit, 10 groups", "poll_at_10_groups", names[:10], 0),
		polls("poll and commit, 100 groups", "poll_at_100_groups", names, 0),
		polls("one poison event", "poll_with_poison", names[:1], -1),
		polls("every tenth refused once", "poll_with_tenth_nacked", names[:1], 10),
	)
	if err != nil {
		return err
	}
	report(figure{Name: "poll_postgres_over_select", Value: ratio(rates[1], rates[0]), Goal: 0.50})
	report(figure{Name: "poll_at_10_groups_over_1", Value: ratio(rates[2], rates[1])})
	report(figure{Name: "poll_at_100_groups_over_1", Value: ratio(rates[3], rates[1])})
	report(figure{Name: "poll_with_poison_over_clean", Value: ratio(rates[4], rates[1]), Goal: 0.90})
	report(figure{Name: "poll_with_tenth_nacked_over_clean", Value: ratio(rates[5], rates[1])})
	return nil
}

func makeGroup(ctx context.Context, s *server, name string) error {
	first := core.Seconds(100 * time.Millisecond)
	_, err := s.client.CreateGroup(ctx, "bench", core.GroupSpec{Name: name, Mode: core.Shared, Backoff: &core.BackoffSpec{Initial: &first}})
	return err
}

// polls consumes groups on a few connections for a slice, and returns the
// events a second. refuse says how many events one is refused of; -1 is one of
// them all.
func (b *bench) polls(s *server, groups []string, refuse int) (outcome, error) {
	until := time.Now().Add(b.slice)
	counts, failures := make([]int, pageConnections), make([]error, pageConnections)
	var all sync.WaitGroup
	for i := range pageConnections {
		all.Go(func() {
			var c *pollConnection
			if c, failures[i] = dialPolls(s, refuse); failures[i] != nil {
				return
			}
			defer c.conn.Close()
			for at := i; time.Now().Before(until) && failures[i] == nil; at++ {
				var n int
				n, failures[i] = c.round(groups[at%len(groups)])
				counts[i] += n
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return outcome{float64(total) / b.slice.Seconds(), float64(total)}, errors.Join(failures...)
}

// pollConnection is a consumer that looks at no more of an answer than it must.
type pollConnection struct {
	conn   net.Conn
	reader *bufio.Reader
	key    string
	refuse int
}

func dialPolls(s *server, refuse int) (*pollConnection, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	return &pollConnection{conn, bufio.NewReaderSize(conn, 64<<10), s.key, refuse}, nil
}

func (c *pollConnection) exchange(method, path string, body []byte, status int) (tail []byte, err error) {
	if _, err := c.conn.Write(httpRequest(method, "/api/v1/streams/bench/consumer-groups/"+path, c.key, "application/json", body)); err != nil {
		return nil, err
	}
	return readTail(c.reader, status)
}

var afterEvents = regexp.MustCompile(`"next_offset":(\d+),"lease":(?:null|\{"id":"([^"]+)")`)

// round polls a page of a group and settles it; at the end of the stream it
// begins anew.
func (c *pollConnection) round(group string) (int, error) {
	tail, err := c.exchange("GET", group+"/events?limit=1000", nil, 200)
	if err != nil {
		return 0, err
	}
	found := afterEvents.FindSubmatch(tail)
	if found == nil {
		return 0, fmt.Errorf("no end of a poll's answer: %s", tail)
	}
	next, _ := strconv.Atoi(string(found[1]))
	if found[2] == nil {
		if next < deliverEvents {
			return 0, nil // the other connection has what there is, or it waits
		}
		_, err := c.exchange("POST", group+"/reset", []byte(`{"to":"start"}`), 200)
		return 0, err
	}
	lease, page := string(found[2]), min(next, batchEvents)
	if err := c.nack(group, lease, next); err != nil {
		return 0, err
	}
	_, err = c.exchange("POST", group+"/ack", fmt.Appendf(nil, `{"lease":%q}`, lease), 0)
	return page, err
}

// nack refuses a part of the page that ends before next.
func (c *pollConnection) nack(group, lease string, next int) error {
	var body bytes.Buffer
	separator := `{"lease":"` + lease + `","events":[`
	for offset := max(next-batchEvents, 0); offset < next; offset++ {
		if c.refuse > 0 && offset%c.refuse == 1 || c.refuse < 0 && offset == 50_001 {
			fmt.Fprintf(&body, `%s{"offset":%d,"reason":"no"}`, separator, offset)
			separator = ","
		}
	}
	if body.Len() == 0 {
		return nil
	}
	body.WriteString("]}")
	_, err := c.exchange("POST", group+"/nack", body.Bytes(), 0)
	return err
}

// latencies measures how long an event takes to a waiting poll and to a tail.
func (b *bench) latencies(ctx context.Context, s *server) error {
	if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: "quiet"}); err != nil {
		return err
	}
	if _, err := s.client.CreateGroup(ctx, "quiet", core.GroupSpec{Name: "waiting"}); err != nil {
		return err
	}
	arrived := make(chan time.Time)
	pollCtx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for pollCtx.Err() == nil {
			delivery, err := s.client.Poll(pollCtx, "quiet", "waiting", rest.PollOptions{Wait: 30 * time.Second})
			if err != nil || delivery.Lease == nil {
				continue
			}
			at := time.Now()
			_ = s.client.Ack(pollCtx, "quiet", "waiting", delivery.Lease.ID) // the next poll shows it
			arrived <- at
		}
	}()
	p99, err := publishing(ctx, s, arrived)
	if err != nil {
		return err
	}
	report(figure{Name: "publish_to_poll_p99_ms", Value: p99, Goal: 10, AtMost: true})
	stop()
	tailCtx, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan time.Time)
	go func() {
		last := core.Offset(latencyEvents - 1)
		for _, err := range s.client.Tail(tailCtx, "quiet", rest.TailOptions{After: &last}) {
			if err == nil {
				seen <- time.Now()
			}
		}
	}()
	if p99, err = publishing(ctx, s, seen); err != nil {
		return err
	}
	report(figure{Name: "publish_to_tail_p99_ms", Value: p99, Goal: 10, AtMost: true})
	return nil
}

const latencyEvents = 1000

// publishing publishes one event after the other and returns the p99 of how
// long they took to arrive, in milliseconds.
func publishing(ctx context.Context, s *server, arrived <-chan time.Time) (float64, error) {
	took := make([]time.Duration, latencyEvents)
	for i := range took {
		sent := time.Now()
		if _, err := s.client.Publish(ctx, "quiet", rest.NewEvent{Type: "order.paid", Payload: []byte(payload)}); err != nil {
			return 0, err
		}
		select {
		case at := <-arrived:
			took[i] = at.Sub(sent)
		case <-time.After(20 * time.Second):
			return 0, fmt.Errorf("event %d did not arrive", i)
		}
	}
	slices.Sort(took)
	note("publish to arrival             p50 %8s  p99 %8s", took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
	return round(float64(took[len(took)*99/100].Microseconds()) / 1000), nil
}

// waiters is how many polls wait at once when their memory is measured.
const waiters = 1000

// waits measures the memory of polls that wait.
func (b *bench) waits(ctx context.Context) error {
	s, err := startServer(ctx, b.sqliteStore("waits"))
	if err != nil {
		return err
	}
	if err := makeGroup(ctx, s, "idle"); err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // after what a start leaves to the collector
	before, err := s.rssMiB()
	if err != nil {
		return err
	}
	request := httpRequest("GET", "/api/v1/streams/bench/consumer-groups/idle/events?timeout=30", s.key, "", nil)
	conns := make([]net.Conn, waiters)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", s.addr); err != nil {
			return err
		}
		if _, err := conns[i].Write(request); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second) // all wait, and some of their rechecks are over
	after, err := s.rssMiB()
	if err != nil {
		return err
	}
	for _, conn := range conns {
		_ = conn.Close() // it was only there to wait
	}
	report(figure{Name: "waiter_kib", Value: round((after - before) * 1024 / waiters), Goal: 16, AtMost: true})
	return stopAll(s)
}
