package cloudevents

import (
	"net/url"
	"strings"
)

// uriReference escapes everything in a text that a URI reference cannot have. A
// URI reference stays as it is.
func uriReference(text string) string {
	const kept = "-._~:/?#[]@!$&'()*+,;="
	brackets := strings.Contains(text, "//[") // the host is an IPv6 address
	hash := strings.IndexByte(text, '#')
	var b []byte
	for i := range len(text) {
		c := text[i]
		keep := isAlphanumeric(c) || strings.IndexByte(kept, c) >= 0
		switch c {
		case '#':
			keep = i == hash
		case '[', ']':
			keep = brackets
		case '%':
			keep = i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2])
		}
		if keep {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	if _, err := url.Parse(string(b)); err != nil {
		return strings.ReplaceAll(url.PathEscape(text), ":", "%3A")
	}
	return string(b)
}

const upperHex = "0123456789ABCDEF"

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
