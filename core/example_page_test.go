package core_test

import (
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// How do I page through a list of my own? Look for one item more than the page
// holds, and let Cut seal the last item's place. The scope says which list it is, so
// that a cursor of another list is refused.
func ExampleCut() {
	scope := []byte("fruits")
	fruits := []string{"apple", "banana", "cherry", "date", "elderberry"}
	list := func(cursor string, limit int) (core.Page[string], error) {
		after := ""
		if cursor != "" {
			place, err := core.OpenCursor(scope, cursor)
			if err != nil {
				return core.Page[string]{}, err
			}
			after = string(place)
		}
		var found []string
		for _, fruit := range fruits {
			if fruit > after && len(found) <= limit {
				found = append(found, fruit)
			}
		}
		return core.Cut(found, limit, func(last *string) string { return core.SealCursor(scope, []byte(*last)) }), nil
	}

	page, _ := list("", 3)
	fmt.Println(page.Items, page.HasMore)
	page, _ = list(page.NextCursor, 3)
	fmt.Println(page.Items, page.HasMore)
	_, err := list(core.SealCursor([]byte("vegetables"), []byte("carrot")), 3)
	fmt.Println(err)
	// Output:
	// [apple banana cherry] true
	// [date elderberry] false
	// VALIDATION_ERROR: cursor: is not a cursor of this list with these filters; start again without it
}
