package chaos_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
)

func TestAServerOfJetStreamIsKilled(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.settle()
		which := rand.IntN(len(f.nodes))
		f.kill(which)
		f.load.progress(someEvents()) // two of three go on
		f.start(which)
	})
}

func TestAllServersOfJetStreamAreKilled(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.kill(f.all()...)
		f.start(f.all()...)
	})
}

func TestAServerOfJetStreamIsPaused(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.settle()
		one := f.running[rand.IntN(len(f.nodes))]
		require.NoError(t, one.Pause())
		f.load.progress(someEvents()) // two of three go on
		require.NoError(t, one.Continue())
	})
}

// Each server in turn hands over what it leads, ends, and comes back.
func TestServersOfJetStreamAreUpgraded(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		for i := range f.nodes {
			require.NoError(t, f.running[i].Retire())
			f.start(i)
			f.settle()
		}
	})
}

// The leader of a partition hears nothing of the other servers, and they hear nothing of
// it. The servers of EventFlow reach all.
func TestALeaderOfJetStreamIsCutOff(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.settle()
		f.isolate(f.leader(rand.IntN(natsPartitions)))
		f.load.progress(someEvents()) // two of three go on
		f.reunite()
	})
}

func TestAFollowerOfJetStreamIsCutOff(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.settle()
		f.isolate((f.leader(rand.IntN(natsPartitions)) + 1 + rand.IntN(natsReplicas-1)) % natsReplicas)
		f.load.progress(someEvents()) // two of three go on
		f.reunite()
	})
}

// A server holds a partition no more, and a fourth one takes its place. The next time it
// comes back.
func TestAPeerOfJetStreamIsReplaced(t *testing.T) {
	t.Parallel()
	times, ok := jetstreamFaults(t)
	if !ok {
		return
	}
	f := newFleet(t, t.TempDir(), natsReplicas+1)
	f.run()
	f.suffer(times, func() {
		f.settle() // peers are not removed while others are behind
		partition := rand.IntN(natsPartitions)
		at, err := f.placement(partition)
		require.NoError(t, err)
		gone := append(at.Followers, at.Leader)[rand.IntN(natsReplicas)]
		require.NoError(t, jetstreamtest.RemovePeer(t.Context(), f.nodes, partitionName(partition), gone))
		until(t, "another server has taken over", func() bool {
			now, err := f.placement(partition)
			return err == nil && now.Leader != gone && len(now.Followers) == natsReplicas-1 && len(now.Behind) == 0 && !slices.Contains(now.Followers, gone)
		})
		f.load.progress(someEvents())
	})
}

// A machine is lost for good, and one with another name and an empty disk takes its place.
func TestAServerOfJetStreamIsReplaced(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		f.settle() // a server is not removed while others are behind
		which := rand.IntN(len(f.nodes))
		f.kill(which)
		f.empty(which)
		f.load.progress(someEvents()) // two of three go on
		until(t, "the cluster forgets the server", func() bool {
			return jetstreamtest.RemoveServer(t.Context(), f.nodes, f.nodes[which].Name) == nil
		})
		f.load.progress(someEvents())
		f.nodes[which].Name += "x"
		f.start(which)
		f.settle()
	})
}

// Whenever a server is down, a bit of what it holds flips. Its disk is the only bad one: what
// it cannot read it does not give to others either that ask it for all.
func TestABitOfAServerOfJetStreamIsFlipped(t *testing.T) {
	t.Parallel()
	which := rand.IntN(natsReplicas)
	harm(t, func(f *fleet) {
		if rand.IntN(2) == 0 {
			require.NoError(t, f.running[which].Retire())
		} else {
			f.kill(which)
		}
		f.flip(which)
		f.start(which)
		f.settle()
	})
}

// flip flips one bit in a file of messages.
func (f *fleet) flip(which int) {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.nodes[which].Dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	require.NoError(f.t, err)
	rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f.t, err)
		if len(data) < 10_000 {
			continue // a partition that has no stream
		}
		at := rand.IntN(len(data))
		data[at] ^= 1 << rand.IntN(8)
		require.NoError(f.t, os.WriteFile(name, data, 0o600))
		f.t.Logf("a bit of %s at %d of %d is flipped", name, at, len(data))
		return
	}
	f.t.Fatal("no server holds anything")
}

// Servers are cut off one after the other, whether or not the one before has caught up. In
// between nobody has to go on: where one of two is behind, none of them may lead.
func TestServersOfJetStreamAreCutOffInTurns(t *testing.T) {
	t.Parallel()
	harm(t, func(f *fleet) {
		for range 3 {
			f.isolate(rand.IntN(natsReplicas))
			<-time.After(time.Duration(rand.IntN(10)) * time.Second) // an election takes as long
			f.reunite()
			<-time.After(time.Duration(rand.IntN(2000)) * time.Millisecond)
		}
	})
}
