package app

import "github.com/eventflow-go/eventflow/core"

// allPages reads a list to its end. next returns the page after an item, nil
// before the first one; a page of fewer than [core.MaxPageSize] is the last.
// An empty list is no nil, so that it is printed as the JSON it is.
func allPages[T any](next func(last *T) ([]T, error)) ([]T, error) {
	all := []T{}
	for {
		var last *T
		if len(all) > 0 {
			last = &all[len(all)-1]
		}
		page, err := next(last)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < core.MaxPageSize {
			return all, nil
		}
	}
}
