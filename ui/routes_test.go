package ui

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesAreFound(t *testing.T) {
	t.Parallel()
	for _, r := range routes {
		here := address(r.pattern, "a b/c", "ü?%")
		found, params, ok := find(here)
		require.True(t, ok, here)
		require.Equal(t, r.pattern, found.pattern, here)
		for name, value := range params {
			require.Contains(t, []string{"a b/c", "ü?%"}, value, name)
		}
	}
	for _, nowhere := range []string{"/nowhere", "/streams/a/b/c/d", "/streams/%zz", "/settings", "/Streams"} {
		_, _, ok := find(nowhere)
		require.False(t, ok, nowhere)
	}
	r, params, _ := find("/streams/orders/events/12")
	require.Equal(t, "12", crumbTitle(r, params))
}
