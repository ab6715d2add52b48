//go:build javascript

package webhook_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/webhook"
)

// judged is a request for testdata/verify.cjs.
type judged struct {
	Name    string            `json:"name"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
	Valid   bool              `json:"valid"`
}

// TestJavaScriptVerifiesTheSignature needs Node.js and the package standardwebhooks, which
// `make verify-hooks` installs.
func TestJavaScriptVerifiesTheSignature(t *testing.T) {
	t.Parallel()
	var all []judged
	for name, settings := range formats {
		r := newReceiver(t)
		sink, to := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true}), r.server.URL, settings)
		require.NoError(t, send(t, sink, event(`{"größe":"🚚"}`)).Err)
		got := r.last(t)
		headers := map[string]string{}
		for key := range got.header {
			headers[strings.ToLower(key)] = got.header.Get(key)
		}
		with := func(key, value string) map[string]string {
			changed := maps.Clone(headers)
			changed[key] = value
			return changed
		}
		old := strconv.FormatInt(time.Now().Add(-10*time.Minute).Unix(), 10)
		key := secretOf(t, to)
		all = append(all,
			judged{name, key, headers, got.body, true},
			judged{name + ", another body", key, headers, append(bytes.Clone(got.body), ' '), false},
			judged{name + ", another id", key, with("webhook-id", "other"), got.body, false},
			judged{name + ", another time", key, with("webhook-timestamp", old), got.body, false},
			judged{name + ", another secret", secret, headers, got.body, false})
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	modules, err := filepath.Abs(os.Getenv("EVENTFLOW_TEST_NODE_MODULES"))
	require.NoError(t, err)
	node := exec.CommandContext(t.Context(), "node", "testdata/verify.cjs")
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	node.Stdin = bytes.NewReader(text)
	output, err := node.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), strconv.Itoa(len(all))+" requests were judged")
}
