package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"plain":                  `{}`,
		"plain batches":          `{"batch":50}`,
		"payload":                `{"format":"payload"}`,
		"structured CloudEvents": `{"format":"cloudevents-structured"}`,
		"binary CloudEvents":     `{"format":"cloudevents-binary"}`,
		"batched CloudEvents":    `{"format":"cloudevents-batched"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Target{
				Type: webhook.Type, Connector: webhook.New(webhook.Options{AllowPrivate: true}),
				Secrets: []string{"secret", "secret_headers"}, URLs: []string{"url"}, Refused: refused,
				Start: func(t *testing.T) sinktest.Receiver { return target(t, settings) },
			})
		})
	}
}

// target starts a receiver behind a gate.
func target(t *testing.T, settings string) sinktest.Receiver {
	r := newReceiver(t)
	gate := sinktest.NewGate(t, r.server.Listener.Addr().String())
	var given map[string]any
	require.NoError(t, json.Unmarshal([]byte(settings), &given))
	given["url"] = "http://" + gate.Addr() + "/hooks?a=b"
	given["secret"] = secret
	given["headers"] = map[string]string{"X-Tenant": "acme"}
	given["secret_headers"] = map[string]string{"Authorization": "Bearer k-4711/+x==", "X-Password": `a "quoted" one`}
	text, err := json.Marshal(given)
	require.NoError(t, err)
	return sinktest.Receiver{Settings: text, Arrived: r.arrived, Away: gate.Away, Stall: gate.Stall, Refuse: r.refuse}
}

var refused = []sinktest.Refusal{
	{Name: "no URL", Given: `{"url":null}`, Field: "url"},
	{Name: "another format", Given: `{"format":"xml"}`, Field: "format"},
	{Name: "a batch of nothing", Given: `{"batch":0}`, Field: "batch"},
	{Name: "a large batch", Given: `{"format":"plain","batch":1001}`, Field: "batch"},
	{Name: "payloads without ids", Given: `{"format":"payload","batch":2}`, Field: "batch"},
	{Name: "many of what is one", Given: `{"format":"cloudevents-binary","batch":2}`, Field: "batch"},
	{Name: "no time", Given: `{"timeout":0}`, Field: "timeout"},
	{Name: "a long time", Given: `{"timeout":30.5}`, Field: "timeout"},
	{Name: "none at once", Given: `{"parallel":0}`, Field: "parallel"},
	{Name: "many at once", Given: `{"parallel":257}`, Field: "parallel"},
	{Name: "a method", Given: `{"method":"GET"}`, Field: "method"},
	{Name: "a header of the server's", Given: `{"headers":{"Webhook-Id":"1"}}`, Field: "headers.Webhook-Id"},
	{Name: "a header of HTTP's", Given: `{"secret_headers":{"transfer-encoding":"chunked!"}}`, Field: "secret_headers.transfer-encoding"},
	{Name: "another host", Given: `{"headers":{"host":"a.example"}}`, Field: "headers.host"},
	{Name: "an attribute", Given: `{"headers":{"ce-id":"1"}}`, Field: "headers.ce-id"},
	{Name: "a header of two lines", Given: `{"headers":{"X-A":"a\r\nX-B: b"}}`, Field: "headers.X-A"},
	{Name: "a name of two lines", Given: `{"headers":{"X-A\r\nX-B":"b"}}`, Field: "headers"},
	{Name: "no name", Given: `{"headers":{"":"b"}}`, Field: "headers"},
	{Name: "no value", Given: `{"headers":{"X-A":""}}`, Field: "headers.X-A"},
	{Name: "a value of spaces", Given: `{"headers":{"X-A":" a"}}`, Field: "headers.X-A"},
	{Name: "a value that is a mask", Given: `{"headers":{"X-A":"••••"}}`, Field: "headers.X-A"},
	{Name: "a header twice", Given: `{"headers":{"x-a":"a","X-A":"b"}}`, Field: "headers.x-a"},
	{Name: "a credential for all to read", Given: `{"headers":{"X-Auth":"a"},"secret_headers":{}}`, Field: "headers.X-Auth"},
	{Name: "a token for all to read", Given: `{"headers":{"X-A":"Bearer abc"}}`, Field: "headers.X-A"},
	{Name: "a short secret", Given: `{"secret_headers":{"X-A":"1234567"}}`, Field: "secret_headers.X-A"},
	{Name: "a mask of nothing", Given: `{"secret_headers":{"X-A":"••••abcd"}}`, Field: "secret_headers.X-A"},
	{Name: "no prefix", Given: `{"secret":"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, Field: "secret"},
	{Name: "few bytes", Given: `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa"}`, Field: "secret"},
	{Name: "many bytes", Given: `{"secret":"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, Field: "secret"},
	{Name: "no base64", Given: `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"}`, Field: "secret"},
	{Name: "the mask of another secret", Given: `{"secret":"whsec_••••0000"}`, Field: "secret"},
	{Name: "a time that the server sets", Given: `{"former_secret_until":"2030-01-01T00:00:00Z"}`, Field: "former_secret_until"},
}
