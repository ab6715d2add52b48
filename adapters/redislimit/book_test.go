package redislimit

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// TestBooksAreForgotten holds that a node remembers who is active, and not more
// than it may.
func TestBooksAreForgotten(t *testing.T) {
	t.Parallel()
	var known books
	known.init()
	now := time.Now()
	for i := range 3 * shards * shardMax {
		known.open(strconv.Itoa(i), now)
	}
	require.LessOrEqual(t, known.len(), shards*shardMax)
	require.Greater(t, known.len(), shards*shardMax*9/10)
	now = now.Add(time.Minute)
	for i := range 10 * shards {
		known.open("later"+strconv.Itoa(i), now)
	}
	require.LessOrEqual(t, known.len(), 10*shards)
	once := known.open("later1", now)
	require.Same(t, once, known.open("later1", now))
}

// TestAnOldReplyIsNoNews holds that replies which overtake each other leave the
// later of their times behind.
func TestAnOldReplyIsNoNews(t *testing.T) {
	t.Parallel()
	limit, at := core.Limit{PerMinute: 1, Burst: 10}, time.Now()
	b := &book{}
	for range 2 {
		_, _, known := b.answer(limit, 1, at)
		require.False(t, known)
	}
	b.enter(limit, question{want: 1}, reply{taken: 1, missing: 10 * time.Minute, now: 2}, at)
	b.enter(limit, question{want: 1, first: true}, reply{taken: 1, missing: 9 * time.Minute, now: 1}, at)
	state, _, known := b.answer(limit, 1, at)
	require.True(t, known)
	require.False(t, state.Allowed)
}

func (b *books) len() (n int) {
	for i := range b.shards {
		n += len(b.shards[i].books)
	}
	return n
}
