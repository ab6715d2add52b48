// Package storetest is the contract of a storage adapter in executable form. Every
// sentence of core's ports about the log is a test, named after the guarantee. An
// adapter in any module runs it:
//
//	func TestStorage(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) core.Storage {
//			storage, err := rocks.Open(t.Context(), …)
//			…
//			return storage
//		}, storetest.Features{Reopen: …})
//	}
//
// It needs nothing but the standard library, and sleeps nowhere: time is an
// argument of the ports.
package storetest

import (
	"testing"

	"github.com/eventflow-go/eventflow/core"
)

// Features are the guarantees that an adapter gives beyond those that every
// adapter must give:
//
//	field    guarantee                                       when it is not given
//	Reopen   what Append acknowledged survives Close         Check must wrap core.ErrRelaxedDurability
//	         and is there when the data is opened again;
//	         Check answers nil
//	Second   several processes may use the same data at      one process uses the data
//	         once, with all the guarantees of one
//	Copies   the log can be copied: it is a core.Copyable    it is none, or is not held to it
//	Moves    a stream can be moved away: it is a             it is none, or is not held to it
//	         core.Movable, and a core.Labelled
//	Shards   streams are in several places, as a             all streams are in one place, and
//	         core.Sharded has them                           one append may name any of them
//	Tiered   old events go into an archive: it is a          it is none, or is not held to it
//	         core.Tiered
//
// The tests of a guarantee that is not given are not run.
type Features struct {
	// Reopen closes storage and opens the same data again.
	Reopen func(t *testing.T, storage core.Storage) core.Storage
	// Second opens the data of storage once more while storage stays in use. The
	// two share no memory, as if another process had opened the second.
	Second func(t *testing.T, storage core.Storage) core.Storage
	// Copies says that the storages are [core.Copyable].
	Copies bool
	// Moves says that the storages are [core.Movable] and [core.Labelled].
	Moves bool
	// Shards returns the id of a new stream whose home is a shard. Any other id has a
	// home, too, the same one in all handles and after Reopen.
	Shards func(shard int) core.ID
	// Tiered says that the storages are [core.Tiered].
	Tiered bool
	// Seed repeats a random history. Zero takes a new seed, which is logged.
	Seed uint64
}

// Run tests an adapter. open returns a new, empty storage each time; the suite
// closes it. The guarantees are parallel subtests, so what they need must be
// released by t.Cleanup, not by defer.
func Run(t *testing.T, open func(t *testing.T) core.Storage, features Features) {
	t.Helper()
	for _, area := range areas(features) {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			for _, guarantee := range area.guarantees {
				t.Run(guarantee.name, func(t *testing.T) {
					t.Parallel()
					s := &suite{T: t, features: features, at: start}
					s.storage = s.closing(open(t))
					guarantee.test(s)
				})
			}
		})
	}
}

// guarantee is one sentence of the contract and its test.
type guarantee struct {
	name string
	test func(*suite)
}

// area is a part of the contract.
type area struct {
	name       string
	guarantees []guarantee
}

func areas(features Features) []area {
	all := []area{
		{"append", appending},
		{"keys", keys},
		{"read", reading},
		{"read all", readingAll},
		{"offset at", finding},
		{"trim", trimming},
		{"concurrent", concurrency},
		{"history", histories},
		{"check and close", ending},
	}
	if features.Copies {
		all = append(all, area{"copy", copying})
	}
	if features.Moves {
		all = append(all, area{"move", moving})
	}
	if features.Shards != nil {
		all = append(all, area{"shards", sharded})
	}
	if features.Tiered {
		all = append(all, area{"archive", archiving})
	}
	if features.Reopen != nil {
		all = append(all, area{"reopen", reopening})
	}
	if features.Second != nil {
		all = append(all, area{"second", sharing})
	}
	return all
}
