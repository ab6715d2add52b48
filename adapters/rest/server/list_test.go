package server

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

func TestAListIsSplitAtItsCommas(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"":                     nil,
		" , ,\t":               nil,
		"a":                    {"a"},
		" a ,b,, c;q=0.5 ":     {"a", "b", "c;q=0.5"},
		`a;x="1,2",b`:          {`a;x="1,2"`, "b"},
		`a;x="\",",b`:          {`a;x="\","`, "b"},
		`a;x="never ends, b`:   {`a;x="never ends, b`},
		`a;x="ends with it\`:   {`a;x="ends with it\`},
		"203.0.113.9, [::1]:1": {"203.0.113.9", "[::1]:1"},
	} {
		require.Equal(t, want, slices.Collect(elements(list)), list)
	}
}

// Two lines of one name are one list, whichever header it is.
func TestLinesOfOneNameAreOneHeader(t *testing.T) {
	t.Parallel()
	c := &call{ctx: &fasthttp.RequestCtx{}}
	for _, line := range [][2]string{{"Accept", "text/html"}, {"X-Empty", ""}, {"accept", "text/css"}, {"X-Empty", ""}, {"ACCEPT", "a/b"}} {
		c.ctx.Request.Header.Add(line[0], line[1])
	}
	require.Equal(t, "text/html, text/css, a/b", c.requestHeader("Accept"))
	require.Empty(t, c.requestHeader("X-None"))
	require.False(t, c.hasHeader("X-None"))
	require.True(t, c.hasHeader("X-Empty"))
}
