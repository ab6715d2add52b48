package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// watchers is how many tails and polls wait while a producer is measured.
const watchers = 10_000

// spareFiles are for what is neither a tail nor a poll.
const spareFiles = 2_000

// watched measures a producer beside those who wait for events of another stream.
// The server asks again and again whether they still may.
func (b *bench) watched(ctx context.Context) error {
	s, err := b.startOnPostgres(ctx, "watched")
	if err != nil {
		return err
	}
	if _, err := s.client.CreateStream(ctx, core.StreamSpec{Name: "quiet"}); err != nil {
		return err
	}
	if _, err := s.client.CreateGroup(ctx, "quiet", core.GroupSpec{Name: "waiting", Mode: core.Shared}); err != nil {
		return err
	}
	count := watchersAllowed()
	alone := b.posts("POST, nobody waits", "post_without_waiters", s, "bench")
	watched := b.posts(fmt.Sprintf("POST, %d wait", count), "post_with_waiters", s, "bench")
	watched.beside = func() (leave func(), err error) { return gather(s, count) }
	if err := b.waitersAlone(s, count); err != nil {
		return err
	}
	rates, err := b.rounded(alone, watched)
	if err != nil {
		return err
	}
	report(figure{Name: fmt.Sprintf("post_with_%d_waiters_over_without", count), Value: ratio(rates[1], rates[0]), Goal: 0.95})
	return stopAll(s)
}

// waitersAlone measures how much of one processor it takes to have them wait, while
// nothing else happens. Where /proc says nothing there is no figure.
func (b *bench) waitersAlone(s *server, count int) error {
	without, err := b.share(s)
	if err != nil {
		note("no CPU time of those who wait: %v", err)
		return nil
	}
	leave, err := gather(s, count)
	if err != nil {
		return err
	}
	defer leave()
	with, err := b.share(s)
	report(figure{Name: fmt.Sprintf("cpu_share_of_%d_waiters", count), Value: round(max(with-without, 0))})
	return err
}

// share is how much of one processor a server uses that is left alone.
func (b *bench) share(s *server) (float64, error) {
	before, err := b.cpu(s)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	time.Sleep(2 * b.slice)
	after, err := b.cpu(s)
	return (after - before).Seconds() / time.Since(started).Seconds(), err
}

// watchersAllowed is watchers, or as many as this process may have open. The
// server is its child, with the same limit.
func watchersAllowed() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= watchers+spareFiles {
		return watchers
	}
	allowed := max(int(limit.Cur)-spareFiles, 100)
	note("only %d files may be open, so %d wait: raise `ulimit -n` for %d", limit.Cur, allowed, watchers)
	return allowed
}

// crowd are connections that wait for events.
type crowd struct {
	conns []net.Conn
	all   sync.WaitGroup
}

// gather has tails and polls wait, half of each, and returns when all do.
func gather(s *server, count int) (leave func(), err error) {
	tail := httpRequest("GET", "/api/v1/streams/quiet/events/live", s.key, "", nil)
	poll := httpRequest("GET", "/api/v1/streams/quiet/consumer-groups/waiting/events?timeout=30", s.key, "", nil)
	c := &crowd{}
	for i := range count {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			c.leave()
			return nil, err
		}
		c.conns = append(c.conns, conn)
		request := poll
		if i%2 == 0 {
			request = tail
		}
		if _, err := conn.Write(request); err != nil {
			c.leave()
			return nil, err
		}
		c.all.Go(func() {
			if i%2 == 0 {
				_, _ = io.Copy(io.Discard, conn) // until it is closed
			} else {
				pollOn(conn, request)
			}
		})
	}
	time.Sleep(2 * time.Second) // the last ones wait, too
	return c.leave, nil
}

// pollOn polls again and again, until the connection is closed.
func pollOn(conn net.Conn, request []byte) {
	reader := bufio.NewReaderSize(conn, 1024)
	for {
		if readAnswer(reader, 200) != nil {
			return
		}
		if _, err := conn.Write(request); err != nil {
			return
		}
	}
}

// leave closes the connections.
func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close() // it was only there to wait
	}
	c.all.Wait()
}
