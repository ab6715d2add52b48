package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestTheFilterBarIsRead(t *testing.T) {
	t.Parallel()
	n, err := parseFilter(`type:order.paid source:shop subject:"a b" payload.customer.plan:pro Free "two words" payload.x:"" "odd:one" "payload.my key":1`)
	require.NoError(t, err)
	require.Equal(t, core.Filter{Type: "order.paid", Source: "shop", Subject: "a b"}, n.query.Filter)
	require.Equal(t, []core.PayloadMatch{{Path: "customer.plan", Value: "pro"}, {Path: "x"}, {Path: "my key", Value: "1"}}, n.query.Payload)
	require.Equal(t, []string{"free", "two words", "odd:one"}, n.free)
	event := core.Event{Type: "x", Payload: []byte(`{"text":"FREE two words odd:one","customer":{"plan":"pro"},"x":"","my key":1}`)}
	require.True(t, n.matches(&event))
	require.True(t, n.payload(&event))
	event.Payload = []byte(`{"text":"free"}`)
	require.False(t, n.matches(&event))
	require.False(t, n.payload(&event))
	require.Equal(t, "“free” and “two words” and “odd:one”", n.said())
	for text, want := range map[string]term{
		`"open quote`: {value: "open quote", quoted: true}, `a"b c"d`: {value: "ab cd", quoted: true}, `"a\"\\b"`: {value: `a"\b`, quoted: true},
		`back\slash`: {value: `back\slash`}, `a:b:c`: {name: "a", value: "b:c", named: true},
	} {
		require.Equal(t, []term{want}, splitTerms(text), text)
	}
	require.Empty(t, splitTerms("  \t "))
}

// What the bar cannot read is not looked for as a word: it says what is wrong.
func TestAWrongFilterSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"payload:":            `"payload" needs a path and a value`,
		"payload:12":          `"payload" needs a path and a value`,
		"payload.:12":         `"payload" needs a path and a value`,
		"payload.x:":          `write payload.x:""`,
		"type:":               `"type" needs a value right after the colon, such as type:order.paid`,
		`source:""`:           `"source" needs a value`,
		"name:ann":            `unknown field "name". You can filter by type, source, subject and payload.…. To search for text, put it in quotes: "name:ann"`,
		"12:30":               `in quotes: "12:30"`,
		":x":                  `in quotes: ":x"`,
		"type:a type:b":       `"type" is given twice`,
		"payload.x:1 payload": "",
	} {
		_, err := parseFilter(text)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, rest.Public(err), want, text)
	}
}
