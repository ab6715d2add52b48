package ui

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
		"payload:":            "payload: needs a place and a value",
		"payload:12":          "payload: needs a place and a value",
		"payload.:12":         "payload: needs a place and a value",
		"payload.x:":          `payload.x:"" finds the empty text`,
		"type:":               "type: needs a value",
		`source:""`:           "source: needs a value",
		"name:ann":            `"name:ann" in quotes`,
		"12:30":               `"12:30" in quotes`,
		":x":                  `":x" in quotes`,
		"type:a type:b":       "type: is there twice",
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

// Whatever is picked is read again as what it was, and takes the place of what
// was asked for under its name.
func TestWhatIsPickedIsReadAgain(t *testing.T) {
	t.Parallel()
	require.Equal(t, `refund source:shop type:order.paid`, withTerm("type:x refund source:shop", "type", "order.paid"))
	require.Equal(t, `"12:30" subject:"a \"b\": c"`, withTerm(`"12:30"`, "subject", `a "b": c`))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:."\ é`)), 0, 12, -1).Draw(t, "text")
		value := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:."\ é`)), 0, 8, -1).Draw(t, "value")
		key := rapid.StringOfN(rapid.RuneFrom([]rune(`ab:"\ é`)), 1, 4, -1).Draw(t, "key")
		terms := splitTerms(withTerm(text, "payload."+key, value))
		last := terms[len(terms)-1]
		require.Equal(t, term{name: "payload." + key, value: value, named: true}, term{name: last.name, value: last.value, named: last.named})
		require.Equal(t, pickable(value), func() bool {
			for _, r := range value {
				if unicode.IsControl(r) {
					return false
				}
			}
			return true
		}())
	})
	require.False(t, pickable("two\nlines"))
}

func TestAPageSaysWhatItWasReadFor(t *testing.T) {
	t.Parallel()
	n := narrowing{free: []string{"refund"}}
	page := found{looked: 100}
	page.Pagination.HasMore = true
	require.Equal(t, "None of these 100 events holds “refund”.", page.words(n))
	page.passed = 2000
	require.Equal(t, "None of these 2,100 events holds “refund”.", page.words(n))
	page.Pagination.HasMore = false
	require.Equal(t, "None of these 2,100 events holds “refund”, and there are no more.", page.words(n))
	page.Items = make([]core.Event, 3)
	require.Equal(t, "3 of these 100 events hold “refund”.", page.words(n))
	require.Empty(t, page.words(narrowing{}), "without words there is nothing to say")
	require.Contains(t, found{}.words(narrowing{}), "from here on")
}
