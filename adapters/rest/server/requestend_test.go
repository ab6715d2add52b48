package server

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhereARequestEnds(t *testing.T) {
	t.Parallel()
	const get, post = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 5\r\n\r\n"
	for text, end := range map[string]int{
		"":                                  -1,
		"\r\n":                              -1,
		"G":                                 -1,
		get[:len(get)-1]:                    -1,
		get:                                 len(get),
		get + get:                           len(get),
		"\r\n" + get:                        len(get) + 2,
		post:                                -1,
		post + "1234":                       -1,
		post + "12345":                      len(post) + 5,
		post + "12345" + get[:3]:            len(post) + 5,
		"hello\r\n":                         7,
		"GET /\r\n":                         7,
		"GET / HTTP/1.1 \r\n":               17,
		"GET / HTTP/1.1\nHost: x\n\n":       24,
		head("Content-Length: x") + "ab":    -2,
		head("Content-Length: -1") + "ab":   -2,
		head("Content-Length: 9999999999"):  -2,
		head("Content-Length: 99999"):       -1,
		head("Transfer-Encoding: chunked"):  -2,
		head("EXPECT: 100-continue"):        -2,
		head("Transfer-Encoding: x") + "ab": -2,
		head("Content-Length: 99999") + strings.Repeat("x", smallBody): -2,
	} {
		got, whole := requestEnd([]byte(text))
		require.Equal(t, end != -1, whole, "%q", text)
		if end < 0 {
			end = len(text)
		}
		require.Equal(t, end, got, "%q", text)
	}
}

func head(line string) string { return "POST / HTTP/1.1\r\nHost: x\r\n" + line + "\r\n\r\n" }
