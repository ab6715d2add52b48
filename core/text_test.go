package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestWhatNobodySeesIsRefused(t *testing.T) {
	t.Parallel()
	for text, named := range map[string]string{
		"bob\u200b": "U+200B", "a\u202eb": "U+202E", "a\u2066b": "U+2066", "\ufefforders": "U+FEFF", "or\u00adders": "U+00AD", "a\u00a0b": "U+00A0",
		"a\u2003b": "U+2003", "a\u2028b": "U+2028", "a\u3164b": "U+3164", "a\u115fb": "U+115F", "a\u2800b": "U+2800", "a\u034fb": "U+034F",
		"a\U000e0041b": "U+E0041", "a\u180eb": "U+180E", "a\ue000b": "U+E000", "a\u200db": "U+200D",
	} {
		err := core.CheckSeen("name", text)
		require.ErrorContains(t, err, named, "%q", text)
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
	}
	for _, text := range []string{"", "orders", "Zürich büro", "заказы", "注文", "الطلبات", "आदेश", "orders ☃ 😀", "a_b-c.d:e", "e\u0301", "❤\ufe0f"} {
		require.NoError(t, core.CheckSeen("name", text), "%q", text)
	}
}

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
