package rest

import (
	"iter"
	"net/url"
	"strconv"
)

// List is a page of a list.
type List[T any] struct {
	Items      []T        `json:"items"`
	Pagination Pagination `json:"pagination"`
}

// Pagination leads to the next page.
type Pagination struct {
	// NextCursor continues the list; it is empty at its end.
	NextCursor string `json:"next_cursor"`
	HasMore    bool   `json:"has_more"`
}

// pages goes through the pages of a list, item by item.
func pages[T any](page func(cursor string) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := ""; ; {
			list, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range list.Items {
				if !yield(item, nil) {
					return
				}
			}
			if cursor = list.Pagination.NextCursor; !list.Pagination.HasMore {
				return
			}
		}
	}
}

// pageQuery returns the parameters of the page at a cursor. A limit of 0 is the
// server's default.
func pageQuery(cursor string, limit int) url.Values {
	query := url.Values{}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

// withQuery adds parameters to a path.
func withQuery(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
