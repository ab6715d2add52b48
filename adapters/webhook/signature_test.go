package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
)

// verifiers are other people's libraries that verify a request.
func verifiers(t *testing.T, secret string) map[string]func([]byte, http.Header) error {
	t.Helper()
	standard, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	svixs, err := svix.NewWebhook(secret)
	require.NoError(t, err)
	return map[string]func([]byte, http.Header) error{"Standard Webhooks": standard.Verify, "Svix": svixs.Verify}
}

// formats are settings for all formats.
var formats = map[string]string{
	"plain": `{}`, "plain batches": `{"batch":50}`, "payload": `{"format":"payload"}`, "structured": `{"format":"cloudevents-structured"}`,
	"binary": `{"format":"cloudevents-binary"}`, "batched": `{"format":"cloudevents-batched"}`,
}

func TestOthersLibrariesVerifyTheSignature(t *testing.T) {
	t.Parallel()
	for name, settings := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			c := webhook.New(webhook.Options{AllowPrivate: true})
			sink, to := connectBy(t, c, r.server.URL, settings)
			for _, payload := range []string{`{"größe":1.00}`, ` [ ] `, `"🚚"`} {
				require.NoError(t, send(t, sink, event(payload)).Err)
				got := r.last(t)
				for library, verify := range verifiers(t, secretOf(t, to)) {
					require.NoError(t, verify(got.body, got.header), library)
					refusesTampering(t, got, verify)
				}
			}
		})
	}
}

// refusesTampering holds a verifier, and so what is signed, to refusing what was changed.
func refusesTampering(t *testing.T, got request, verify func([]byte, http.Header) error) {
	t.Helper()
	changed := func(change func(http.Header)) http.Header {
		header := got.header.Clone()
		change(header)
		return header
	}
	at, err := strconv.ParseInt(got.header.Get("Webhook-Timestamp"), 10, 64)
	require.NoError(t, err)
	require.Error(t, verify(append(bytes.Clone(got.body), ' '), got.header), "another body")
	require.Error(t, verify(nil, got.header), "no body")
	for name, change := range map[string]func(http.Header){
		"another id":           func(h http.Header) { h.Set("Webhook-Id", core.RandomID(start).String()) },
		"a later time":         func(h http.Header) { h.Set("Webhook-Timestamp", strconv.FormatInt(at+1, 10)) },
		"no signature":         func(h http.Header) { h.Del("Webhook-Signature") },
		"a signature of zeros": func(h http.Header) { h.Set("Webhook-Signature", "v1,"+strings.Repeat("A", 43)+"=") },
		"an old one, renewed":  func(h http.Header) { h.Set("Webhook-Timestamp", strconv.FormatInt(at-600, 10)) },
	} {
		require.Error(t, verify(got.body, changed(change)), name)
	}
	for _, verifyOther := range verifiers(t, "whsec_"+strings.Repeat("B", 32)) {
		require.Error(t, verifyOther(got.body, got.header), "another secret")
	}
}

// A request that somebody keeps and sends again later is refused by its time, and within
// minutes told by its id, which is the event's.
func TestWhatIsReplayedIsTold(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL, `{"secret":"`+secret+`"}`)
	sent := event(`{}`)
	require.NoError(t, send(t, sink, sent).Err)
	got := r.last(t)
	require.Equal(t, sent.Event.ID.String(), got.header.Get("Webhook-Id"))
	synctest.Test(t, func(t *testing.T) { // in whose time it is the year 2000
		for library, verify := range verifiers(t, secret) {
			require.Error(t, verify(got.body, got.header), library)
		}
	})
}

// The specification's own example.
func TestTheSignatureIsTheSpecifications(t *testing.T) {
	t.Parallel()
	hook, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	signature, err := hook.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature)
}

func TestASecretIsMadeAndShownOnce(t *testing.T) {
	t.Parallel()
	c := webhook.New(webhook.Options{AllowPrivate: true})
	r := newReceiver(t)
	_, to := connectBy(t, c, r.server.URL, `{}`)
	_, other := connectBy(t, c, r.server.URL, `{}`)
	made := secretOf(t, to)
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, made)
	require.NotEqual(t, made, secretOf(t, other))
	require.NotContains(t, string(to.Settings), made)
	require.Contains(t, string(to.Settings), `"whsec_••••`+made[len(made)-4:])
}

func secretOf(t *testing.T, to core.Destination) string {
	t.Helper()
	var secrets struct{ Secret string }
	require.NoError(t, json.Unmarshal(to.Secrets, &secrets))
	return secrets.Secret
}

func TestTwoSecretsSignWhileOneIsReplaced(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := webhook.New(webhook.Options{AllowPrivate: true})
	rotator := c.(core.SecretRotator)
	_, to := connectBy(t, c, r.server.URL, `{"secret":"`+secret+`"}`)
	now := time.Now()
	second, shown, err := rotator.Rotate(to, now, time.Hour)
	require.NoError(t, err)
	require.Equal(t, shown, secretOf(t, second))
	require.Contains(t, string(second.Settings), `"former_secret_until":"`+now.Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339))
	third, third3, err := rotator.Rotate(second, now, time.Hour)
	require.NoError(t, err)
	past, _, err := rotator.Rotate(to, now.Add(-2*time.Hour), time.Hour)
	require.NoError(t, err)
	atOnce, _, err := rotator.Rotate(to, now, 0)
	require.NoError(t, err)
	require.NotContains(t, string(atOnce.Settings), "former_secret_until")
	for _, test := range []struct {
		to             core.Destination
		signatures     int
		known, unknown []string
	}{
		{to, 1, []string{secret}, nil},
		{second, 2, []string{secret, shown}, nil},
		{third, 2, []string{shown, third3}, []string{secret}},
		{past, 1, []string{secretOf(t, past)}, []string{secret}},
		{atOnce, 1, []string{secretOf(t, atOnce)}, []string{secret}},
	} {
		sink, err := c.Open(t.Context(), test.to, core.Origin{})
		require.NoError(t, err)
		require.NoError(t, send(t, sink, event(`{}`)).Err)
		require.NoError(t, sink.Close())
		got := r.last(t)
		require.Len(t, strings.Fields(got.header.Get("Webhook-Signature")), test.signatures)
		for _, known := range test.known {
			for library, verify := range verifiers(t, known) {
				require.NoError(t, verify(got.body, got.header), library)
			}
		}
		for _, unknown := range test.unknown {
			for library, verify := range verifiers(t, unknown) {
				require.Error(t, verify(got.body, got.header), library)
			}
		}
	}
}

// What is kept of the secrets of a rotation survives a change of the settings, and a
// secret of one's own is used at once and alone.
func TestAChangeKeepsTheRotation(t *testing.T) {
	t.Parallel()
	c := webhook.New(webhook.Options{})
	to, err := c.Check(json.RawMessage(`{"url":"https://example.com","secret":"`+secret+`"}`), core.Destination{})
	require.NoError(t, err)
	rotated, _, err := c.(core.SecretRotator).Rotate(to, start, time.Hour)
	require.NoError(t, err)
	changed, err := c.Check(json.RawMessage(`{"url":"https://example.com/other","timeout":5}`), rotated)
	require.NoError(t, err)
	require.Equal(t, string(rotated.Secrets), string(changed.Secrets))
	require.Contains(t, string(changed.Settings), `"former_secret_until":"2026-03-29T02:02:03Z"`)
	own, err := c.Check(json.RawMessage(`{"url":"https://example.com/","secret":"whsec_`+strings.Repeat("C", 32)+`"}`), rotated)
	require.NoError(t, err)
	require.JSONEq(t, `{"secret":"whsec_`+strings.Repeat("C", 32)+`"}`, string(own.Secrets))
}
