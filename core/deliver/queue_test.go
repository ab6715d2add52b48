package deliver

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
)

// Runs read as they were written, and nothing else reads as runs.
func TestRunsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var written, read runs
		end := core.Offset(-1)
		for range rapid.IntRange(1, 20).Draw(t, "runs") {
			from := end + 1 + core.Offset(rapid.Int64Range(0, 1<<40).Draw(t, "gap"))
			end = from + core.Offset(rapid.Int64Range(1, 1<<30).Draw(t, "length"))
			written = append(written, run{from, end})
		}
		text, err := json.Marshal(written)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, written, read)
	})
	for _, text := range []string{"", "!", "gA", "AYA", strings.Repeat("_", 4), "////////////Aw"} {
		require.Error(t, new(runs).UnmarshalText([]byte(text)), text)
	}
}

// A key that fails for long has a long queue, which stays small. When it is too long the
// group looks no further: the progress of a group is written with every step.
func TestAQueueIsBounded(t *testing.T) {
	t.Parallel()
	group := &core.Group{Mode: core.Shared, OrderingKey: core.OrderingSubject, MaxAttempts: 5}
	bad, s := hashOf("bad"), &groupState{}
	known := keys{hashes: make([]uint64, 3*maxQueued)}
	for i := range known.hashes {
		if known.hashes[i] = hashOf("good"); i%2 == 0 {
			known.hashes[i] = bad
		}
	}
	head, at := known.end(), leaseStart
	s.hold(core.ID{1}, at.Add(time.Hour), s.take(at, group, head, 1, known))
	handed := 0
	for spans := s.take(at, group, head, 100, known); len(spans) > 0; spans = s.take(at, group, head, 100, known) {
		require.Equal(t, hashOf("good"), spans[0].Key)
		handed++
		s.hold(core.ID{2}, at.Add(time.Hour), spans)
		_, err := s.ack(at, core.ID{2}, nil)
		require.NoError(t, err)
	}
	require.InDelta(t, maxQueued, handed, 2)
	require.InDelta(t, maxQueued, s.queued(), 1)
	require.Less(t, len(s.encode()), 64<<10)
	require.Less(t, s.Next, head)
	require.False(t, s.blind(group, head, known), "there is nothing that it would have to read")

	_, err := s.ack(at, core.ID{1}, nil)
	require.NoError(t, err)
	spans := s.take(at, group, head, 100, known)
	require.Equal(t, []span{{From: 2, To: 3, Attempts: 1, Key: bad}}, spans[:1], "the key goes on")
	require.Len(t, spans, 2, "and so does the look")
}

// A hash of zero would mean no key, and two versions that hash differently would let one
// key go out twice.
func TestHashesStay(t *testing.T) {
	t.Parallel()
	require.Zero(t, hashOf(""))
	require.Equal(t, uint64(0xaf63dc4c8601ec8c), hashOf("a"))
	require.Equal(t, uint64(0x85944171f73967e8), hashOf("foobar"))
}

// Events that a consumer lost together come back together, as those of other groups do,
// and in ever smaller lots: otherwise a crash with a thousand events would make a thousand
// polls.
func TestLostKeysComeTogether(t *testing.T) {
	t.Parallel()
	group := &core.Group{Mode: core.Shared, OrderingKey: core.OrderingSubject, MaxAttempts: 5}
	known := keys{hashes: make([]uint64, 500)}
	for i := range known.hashes {
		known.hashes[i] = uint64(i + 1)
	}
	s, at := &groupState{}, leaseStart
	for _, size := range []int{500, lostRun, lostRun / 10, 1, 1} {
		spans := s.take(at, group, known.end(), 1000, known)
		require.Len(t, spans, size)
		s.hold(core.ID{1}, at.Add(time.Second), spans)
		at = at.Add(time.Minute)
		s.expire(at, group, func() float64 { return 0 })
	}
}
