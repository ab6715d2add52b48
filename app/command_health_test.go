package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHealthAsksTheServerOfTheSettings holds that `health` asks the server that
// the same settings start, with its secret missing, and tells three outcomes
// apart by the exit code.
func TestHealthAsksTheServerOfTheSettings(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	addr := "EVENTFLOW_ADDR=" + strings.TrimPrefix(server.url, "http://")
	asked := h.run([]string{addr}, "health")
	require.Zero(t, asked.code, asked.stderr)
	require.Regexp(t, `(?s)^server +ok\n.*store +ok\n`, asked.stdout)

	require.Zero(t, server.stop())
	asked = h.run([]string{addr}, "health")
	require.Equal(t, 7, asked.code)
	require.Contains(t, asked.stderr, "no server answers")

	asked = h.run([]string{anyone}, "health")
	require.Equal(t, 2, asked.code, "nobody knows which port 0 became")
	require.Contains(t, asked.stderr, "setting addr has port 0")
}

// TestHealthAsksPastTheNameOfTheCertificate holds that a certificate made for the
// name that clients use does not make a healthy server look ill.
func TestHealthAsksPastTheNameOfTheCertificate(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cert, key, _ := certificate(t)
	files := []string{secret, "EVENTFLOW_TLS_CERT=" + h.write("cert.pem", cert), "EVENTFLOW_TLS_KEY=" + h.write("key.pem", key)}
	server := h.start(append(files, anyone), "serve")
	addr := server.await(server.stderr, `"addr":"([^"]+)"`)
	asked := h.run(append(files, "EVENTFLOW_ADDR="+addr, "HTTPS_PROXY=http://127.0.0.1:1"), "health")
	require.Zero(t, asked.code, asked.stderr)
	require.Zero(t, server.stop())
}

// TestHealthTellsWhyAServerCannotServe holds that the command fails where the
// server says that it should get no requests, and where something else answers.
func TestHealthTellsWhyAServerCannotServe(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for body, want := range map[string]struct {
		code int
		said string
	}{
		`{"status":"unavailable","checks":{"store":{"status":"unavailable","message":"unreachable"},"clock":{"status":"ok"}}}`: {1, "cannot serve: store: unreachable"},
		`{"status":"degraded","checks":{"store":{"status":"degraded","message":"the disk is full"}}}`:                          {0, ""},
		`<html>Welcome</html>`: {7, "is not answered by EventFlow"},
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				w.WriteHeader(404)
			}
			_, _ = w.Write([]byte(body)) // to the program under test, which says what it got
		}))
		t.Cleanup(other.Close)
		asked := h.run([]string{"EVENTFLOW_ADDR=" + other.Listener.Addr().String()}, "health")
		require.Equal(t, want.code, asked.code, asked.stderr)
		require.Contains(t, asked.stderr, want.said)
	}
}
