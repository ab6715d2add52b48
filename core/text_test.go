package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestOnlyATextOfLinesHasLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"plain":                    {true, true},
		"panic: x\n\tat main.go:3": {false, true},
		"at Main()\r\nat Run()":    {false, true},
		"nul\x00":                  {false, false},
		"escape \x1b[31m":          {false, false},
		"\u0085":                   {false, false},
		"\xff":                     {false, false},
		strings.Repeat("ü", 50):    {true, true},
		strings.Repeat("u", 51):    {false, false},
		"":                         {false, false},
	} {
		require.Equal(t, want[0], core.CheckText("f", text, 1, 50) == nil, "%q", text)
		require.Equal(t, want[1], core.CheckLines("f", text, 1, 50) == nil, "%q", text)
	}
}
