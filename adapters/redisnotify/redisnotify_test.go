package redisnotify

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/redistest"
	"github.com/eventflow-go/eventflow/core"
)

func open(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := Open(url, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

// listen collects what a notifier hears, of streams that begin with a byte of
// the test's own: all tests share one channel.
func listen(t *testing.T, n *Notifier, first byte) <-chan core.ID {
	t.Helper()
	heard := make(chan core.ID, 10_000)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Listen(ctx, func(stream core.ID) {
			if stream[0] == first {
				heard <- stream
			}
		})
	}()
	t.Cleanup(func() {
		stop()
		<-ended // Listen returns when its context ends
	})
	return heard
}

// until tells a stream again and again until it is heard: that a subscription
// has begun shows in nothing else.
func until(t *testing.T, from *Notifier, heard <-chan core.ID, stream core.ID) {
	t.Helper()
	require.Eventually(t, func() bool {
		_ = from.Notify(t.Context(), []core.ID{stream}) // it may still be away
		select {
		case got := <-heard:
			return got == stream
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}, time.Minute, time.Millisecond)
}

func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	url := redistest.URL(t)
	here, there := open(t, url), open(t, url)
	heard := listen(t, there, 0xa1)
	until(t, here, heard, core.ID{0xa1})
	many := make([]core.ID, 500)
	for i := range many {
		many[i] = core.ID{0: 0xa1, 1: 1, 2: byte(i >> 8), 3: byte(i)}
	}
	require.NoError(t, here.Notify(t.Context(), many))
	for i := 0; i < len(many); {
		got := <-heard
		if got == (core.ID{0xa1}) {
			continue // one more of the first
		}
		require.Equal(t, many[i], got, "in order, from one message")
		i++
	}
	require.NoError(t, here.Check(t.Context()))
}

func TestNonsenseIsNotHeard(t *testing.T) {
	t.Parallel()
	url := redistest.URL(t)
	n := open(t, url)
	heard := listen(t, n, 0xb2)
	until(t, n, heard, core.ID{0xb2})
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	for _, message := range []string{"", "x", "\xb2 fifteen bytes", strings.Repeat("\xb2", 17)} {
		require.NoError(t, client.Publish(t.Context(), channel, message).Err())
	}
	got := <-heard
	for got == (core.ID{0xb2}) {
		got = <-heard
	}
	require.Equal(t, core.ID([]byte(strings.Repeat("\xb2", 16))), got, "of 17 bytes 16 are a stream")
}

// Losing Redis costs news, no more: it comes back by itself.
func TestAListenerComesBack(t *testing.T) {
	t.Parallel()
	proxy := redistest.NewProxy(t, redistest.URL(t))
	n := open(t, proxy.URL())
	heard := listen(t, n, 0xc3)
	until(t, n, heard, core.ID{0xc3})
	proxy.Cut()
	require.Error(t, n.Notify(t.Context(), []core.ID{{0xc3, 1}}), "who tells nobody says so")
	require.Error(t, n.Check(t.Context()))
	proxy.Restore()
	until(t, n, heard, core.ID{0xc3, 2})
}

// A Redis that answers nothing holds nobody up for long.
func TestASilentRedisHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	n := open(t, "redis://"+silent.Addr().String())
	started := time.Now()
	require.Error(t, n.Notify(t.Context(), []core.ID{{1}}))
	require.Less(t, time.Since(started), 10*notifyTimeout)
}

func TestAWrongURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "http://:hunter2@host", "redis://:hunter2@host:x/0", "redis://:hunter2@host/x"} {
		_, err := Open(url, nil)
		require.ErrorContains(t, err, "redis://user:password@host")
		require.NotContains(t, err.Error(), "hunter2")
	}
}
