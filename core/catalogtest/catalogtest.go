// Package catalogtest is the contract of a catalog in executable form. Every sentence
// of core's ports about organizations, streams, credentials, people, processors and
// sources is a test, named after the guarantee. A catalog in any module runs it:
//
//	func TestCatalog(t *testing.T) {
//		catalogtest.Run(t, func(t *testing.T) core.Catalog {
//			catalog, err := hills.Open(t.Context(), …)
//			…
//			return catalog
//		})
//	}
//
// A catalog whose data outlives it runs [RunShared] too. Consumer groups are a part
// of a catalog with a suite of their own, core/grouptest.
//
// It needs nothing but the standard library, and sleeps nowhere: time is an
// argument of the ports.
package catalogtest

import (
	"testing"

	"github.com/eventflow-go/eventflow/core"
)

// Run tests a catalog. open returns a new, empty one each time; the suite
// closes it. The guarantees are parallel subtests, so what they need must be
// released by t.Cleanup, not by defer.
func Run(t *testing.T, open func(t *testing.T) core.Catalog) {
	t.Helper()
	run(t, func(*testing.T) func(*testing.T) core.Catalog { return open }, []area{
		{"organization", organizations},
		{"stream", streams},
		{"list of streams", lists},
		{"change of a stream", changes},
		{"extent of a store", extents},
		{"schema", schemas},
		{"quarantine", quarantines},
		{"archive", archives},
		{"credential", credentials},
		{"life of a key", keyLife},
		{"user", users},
		{"change of a user", userChanges},
		{"session", sessions},
		{"ticket", tickets},
		{"processor", processors},
		{"delivery of a processor", deliveries},
		{"source", sources},
		{"isolation", isolation},
		{"concurrent", concurrency},
		{"context and close", ending},
	})
}

// RunShared tests a catalog whose data outlives it and may be used by several
// processes at once. place makes room for a new, empty catalog and returns a function
// that opens it. Each call of that function opens the same data once more, as another
// process would, whether the others are open or closed. The suite closes what it
// opens.
func RunShared(t *testing.T, place func(t *testing.T) (open func(t *testing.T) core.Catalog)) {
	t.Helper()
	run(t, place, []area{
		{"reopen", reopening},
		{"second", sharing},
	})
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

func run(t *testing.T, place func(*testing.T) func(*testing.T) core.Catalog, areas []area) {
	t.Helper()
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			for _, guarantee := range area.guarantees {
				t.Run(guarantee.name, func(t *testing.T) {
					t.Parallel()
					s := &suite{T: t, place: place, open: place(t)}
					s.catalog = s.again()
					guarantee.test(s)
				})
			}
		})
	}
}
