package ui

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever goes through pages, by the buttons of the list or the browser's, finds the
// way that was come, and an address leads to its page from anywhere.
func TestThePageOfAListIsInItsAddress(t *testing.T) {
	t.Parallel()
	at := func(p pages) url.Values {
		values := url.Values{"q": {"a"}, paramPage: {"9"}}
		p.write(values)
		return values
	}
	var p pages
	require.Equal(t, "q=a", at(p).Encode())
	require.False(t, p.follow(url.Values{}))
	p.next("b")
	p.next("b") // a second click
	second := at(p)
	require.Equal(t, "cursor=b&page=2&q=a", second.Encode())
	p.next("c")
	third := at(p)
	require.False(t, p.follow(third))
	require.True(t, p.follow(second), "Back")
	require.Equal(t, 2, p.number())
	require.True(t, p.follow(third), "Forward")
	require.Equal(t, pages{cursors: []string{"b", "c"}}, p)
	require.True(t, p.follow(url.Values{}))
	require.Equal(t, pages{}, p)

	require.True(t, p.follow(third), "a link from elsewhere")
	require.Equal(t, "c", p.cursor())
	require.Equal(t, 3, p.number())
	require.True(t, p.skips(), "nobody knows where page 2 begins")
	p.next("d")
	require.Equal(t, 4, p.number())
	require.False(t, p.skips())
	p.prev()
	p.prev()
	require.Equal(t, pages{}, p)

	require.True(t, p.follow(second))
	require.False(t, p.skips(), "before page 2 is page 1")
	for _, number := range []string{"", "0", "-5", "many", "1"} {
		var p pages
		require.True(t, p.follow(url.Values{paramCursor: {"x"}, paramPage: {number}}), number)
		require.Equal(t, 2, p.number(), number)
	}
}
