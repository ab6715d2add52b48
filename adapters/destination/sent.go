package destination

import (
	"strings"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// All returns the same result for each of n events.
func All(n int, sent core.Sent) []core.Sent {
	results := make([]core.Sent, n)
	for i := range results {
		results[i] = sent
	}
	return results
}

// Excerpt returns the beginning of an answer as [core.Sent] takes it.
func Excerpt[T ~string | ~[]byte](answer T) string {
	return strings.ToValidUTF8(string(answer[:min(len(answer), core.MaxResponseExcerpt)]), "")
}

// Cut returns the beginning of a text in at most n bytes, which end with a character.
func Cut[T ~string | ~[]byte](text T, n int) T {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
