package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDevKnowsItsAddressBeforeItListens holds that links in invitations lead to
// the server that made them, where its port is given.
func TestDevKnowsItsAddressBeforeItListens(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"127.0.0.1:9":    "http://127.0.0.1:9",
		"127.0.0.1:http": "http://127.0.0.1:80",
		":8080":          "http://127.0.0.1:8080",
		"0.0.0.0:8080":   "http://127.0.0.1:8080",
		"[::1]:8080":     "http://[::1]:8080",
		"[::]:8080":      "http://127.0.0.1:8080",
		"127.0.0.1:0":    "",
		":0":             "",
	} {
		require.Equal(t, want, devURL(addr), addr)
	}
}
