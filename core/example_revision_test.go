package core_test

import (
	"context"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// How is a resource changed when several people may do so at once? A client says
// which revision it has read. When another change came first, it is told to read
// again.
func ExampleRevision_Revise() {
	stored := core.Stream{Name: "orders", Revision: 1}
	rename := func(name string, expected int64) (core.Stream, error) {
		return core.Revision[core.Stream]{
			Noun:   "stream",
			Read:   func() (core.Stream, error) { return stored, nil },
			Number: func(s *core.Stream) *int64 { return &s.Revision },
			Change: func(s *core.Stream) error { s.Name = name; return core.CheckName(name) },
			Store:  func(s core.Stream) error { stored = s; return nil },
		}.Revise(context.Background(), expected)
	}

	changed, err := rename("sales", 1)
	fmt.Println(changed.Name, changed.Revision, err)
	_, err = rename("purchases", 1)
	fmt.Println(core.CodeOf(err), err)
	// Output:
	// sales 2 <nil>
	// PRECONDITION_FAILED PRECONDITION_FAILED: the stream has changed since it was read: it is at revision 2, not 1; read it again
}
