package chaos_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/disk"
)

// poweredFleet is servers of JetStream, each of which has a disk that can lose its power.
type poweredFleet struct {
	*fleet
	disks []*disk.Disk
}

// strain has a fault of disks happen to three servers of JetStream as often as is asked for.
func strain(t *testing.T, fault func(*poweredFleet)) {
	t.Helper()
	times, ok := cuts(t)
	if !ok {
		return
	}
	p := &poweredFleet{}
	p.fleet = newFleet(t, t.TempDir(), natsReplicas, func(folder string) {
		seed := rand.Uint64()
		t.Logf("the seed of the disk %s is %d", folder, seed)
		one := disk.NewJournaled(seed)
		require.NoError(t, one.Mount(folder))
		t.Cleanup(func() { require.NoError(t, one.Unmount()) })
		p.disks = append(p.disks, one)
	})
	p.run()
	p.suffer(times, func() { fault(p) })
}

// cut takes the power from servers, all at one moment, and gives it back.
func (p *poweredFleet) cut(meanwhile func(), which ...int) {
	p.t.Helper()
	left := []disk.Left{disk.Nothing, disk.Some}[rand.IntN(2)]
	for _, i := range which {
		p.disks[i].Cut(left)
	}
	p.kill(which...)
	meanwhile()
	for _, i := range which {
		require.NoError(p.t, p.disks[i].Unmount())
		require.NoError(p.t, p.disks[i].Mount(p.nodes[i].Dir))
	}
	p.start(which...)
}

func TestThePowerOfAServerOfJetStreamIsCut(t *testing.T) {
	t.Parallel()
	strain(t, func(p *poweredFleet) {
		p.settle()
		p.cut(func() { p.load.progress(someEvents()) }, rand.IntN(natsReplicas)) // two of three go on
	})
}

func TestThePowerOfAllServersOfJetStreamIsCut(t *testing.T) {
	t.Parallel()
	strain(t, func(p *poweredFleet) { p.cut(func() {}, p.all()...) })
}

// The disk of one server is full for a while; whoever runs it makes room and starts it again.
func TestTheDiskOfAServerOfJetStreamIsFull(t *testing.T) {
	t.Parallel()
	strain(t, func(p *poweredFleet) {
		p.settle()
		which := rand.IntN(natsReplicas)
		p.disks[which].Fill(0)
		p.load.progress(2 * someEvents()) // two of three go on
		p.disks[which].Free()
		p.kill(which)
		p.start(which)
	})
}
