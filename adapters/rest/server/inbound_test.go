package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// source makes a source of the stream hooks.
func (f *fixture) source(spec core.SourceSpec) rest.SourceWithToken {
	f.t.Helper()
	spec.Stream = "hooks"
	made, err := f.client.CreateSource(context.Background(), spec)
	require.NoError(f.t, err)
	return made
}

// post sends a request without a credential.
func (f *fixture) post(method, path, body string, headers ...string) reply {
	f.t.Helper()
	return f.do(method, path, strings.NewReader(body), append(headers, "-")...)
}

func TestSourcesOverHTTP(t *testing.T) {
	t.Parallel()
	ctx, f := context.Background(), start(t)
	f.stream("hooks")
	made := f.source(core.SourceSpec{Name: "ci", Preset: core.PresetGitHub, Secret: "hush", Headers: []string{"X-Request-Id"}})
	require.Equal(t, rest.InboundPath(made.Token), made.Path)
	found, err := f.client.Source(ctx, made.ID.String())
	require.NoError(t, err)
	require.Equal(t, made.Masked, found.Masked)
	page, err := f.client.SourcesPage(ctx, "", 0)
	require.NoError(t, err)
	require.Len(t, page.Items, 1)

	changed, err := f.client.ChangeSource(ctx, made.ID.String(), core.SourceChange{Name: new("build"), State: new(core.SourcePaused)}, made.Revision)
	require.NoError(t, err)
	require.Equal(t, "build", changed.Name)
	_, err = f.client.ChangeSource(ctx, made.ID.String(), core.SourceChange{Name: new("late")}, made.Revision)
	require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err))
	paused := f.post("POST", made.Path, `{}`)
	require.Equal(t, 503, paused.StatusCode)
	require.Equal(t, "300", paused.Header.Get("Retry-After"))

	rotated, err := f.client.RotateSource(ctx, made.ID.String())
	require.NoError(t, err)
	require.NotEqual(t, made.Token, rotated.Token)
	require.Equal(t, 404, f.post("POST", made.Path, `{}`).StatusCode)
	for _, text := range []any{found, page, changed} {
		shown, err := json.Marshal(text)
		require.NoError(t, err)
		for _, secret := range []string{"hush", made.Token[3:], rotated.Token[3:]} {
			require.NotContains(t, string(shown), secret)
		}
	}
	require.NoError(t, f.client.DeleteSource(ctx, made.ID.String(), 0))
	require.Equal(t, 404, f.post("POST", rotated.Path, `{}`).StatusCode)
	_, err = f.client.SourceRefusals(ctx, made.ID.String())
	require.True(t, core.IsNotFound(err))
}

func TestWhatSendersSend(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("hooks")
	made := f.source(core.SourceSpec{Name: "ci", Preset: core.PresetGitHub, Secret: "hush"})
	const body = `{"action":"opened"}`
	mac := hmac.New(sha256.New, []byte("hush"))
	mac.Write([]byte(body))
	signed := []string{"X-Hub-Signature-256: sha256=" + hex.EncodeToString(mac.Sum(nil)), "X-GitHub-Event: issues", "X-GitHub-Delivery: d-1"}

	taken := f.post("POST", made.Path+"?any=thing", body, signed...)
	require.Equal(t, 202, taken.StatusCode, "%s", taken.body)
	var answer rest.Taken
	require.NoError(t, json.Unmarshal(taken.body, &answer))
	require.Len(t, answer.Events, 1)
	again := f.post("POST", made.Path, compress(t, body).String(), append(signed, "Content-Encoding: gzip")...)
	require.Equal(t, 202, again.StatusCode, "%s", again.body)
	require.NoError(t, json.Unmarshal(again.body, &answer))
	require.True(t, answer.Events[0].Duplicate)
	require.EqualValues(t, 1, f.events("hooks"))

	require.Equal(t, 401, f.post("POST", made.Path, body+" ", signed...).StatusCode)
	require.Equal(t, 401, f.post("POST", made.Path, body).StatusCode)
	require.Equal(t, 413, f.post("POST", made.Path, strings.Repeat(" ", core.MaxEventBytes+1), signed...).StatusCode)
	refusals, err := f.client.SourceRefusals(context.Background(), made.ID.String())
	require.NoError(t, err)
	require.Len(t, refusals, 3)
	for _, refusal := range refusals {
		require.Equal(t, "127.0.0.1", refusal.Address)
		require.NotEmpty(t, refusal.RequestID)
	}

	odd := f.post("GET", made.Path, "")
	require.Equal(t, 405, odd.StatusCode)
	require.Equal(t, "POST, OPTIONS", odd.Header.Get("Allow"))
	slack := f.source(core.SourceSpec{Name: "none", Preset: core.PresetNone})
	multipart := f.post("POST", slack.Path, "x", "Content-Type: multipart/form-data; boundary=x")
	require.Equal(t, 415, multipart.StatusCode)
	require.Contains(t, multipart.Header.Get("Accept"), rest.TypeForm)

	grid := f.source(core.SourceSpec{Name: "grid", Preset: core.PresetEventGrid})
	validated := f.post("POST", grid.Path, `[{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d38b6"}}]`, "aeg-event-type: SubscriptionValidation")
	require.Equal(t, 200, validated.StatusCode)
	require.JSONEq(t, `{"validationResponse":"512d38b6"}`, string(validated.body))
	shaken := f.post("OPTIONS", grid.Path, "", "WebHook-Request-Origin: eventgrid.azure.net")
	require.Equal(t, 200, shaken.StatusCode)
	require.Equal(t, "eventgrid.azure.net", shaken.Header.Get("WebHook-Allowed-Origin"))
	require.Equal(t, "*", shaken.Header.Get("WebHook-Allowed-Rate"))
	require.Equal(t, 404, f.post("OPTIONS", rest.InboundPath("in_x"), "", "WebHook-Request-Origin: a").StatusCode)

	for _, path := range []string{made.Path + "/", strings.Replace(made.Path, "/in/", "/%69n/", 1), "/" + made.Path, strings.Replace(made.Path, "api", "API", 1) + "/x"} {
		f.post("POST", path, body)
	}
	logged := f.logged.String()
	require.Contains(t, logged, rest.InboundPath("")+"…")
	require.NotContains(t, logged, made.Token[3:], "an address is a secret")
	require.NotContains(t, logged, "hush")
	require.NotContains(t, logged, "panic")
}

// Whoever guesses addresses is bounded by where they come from, and each source by itself.
func TestRatesOfSources(t *testing.T) {
	t.Parallel()
	limiter := memlimit.New()
	f := start(t, func(o *server.Options, _ *fixture) {
		o.Limiter, o.Rates = limiter, server.Rates{Key: core.Limit{PerMinute: 10, Burst: 6}, Address: core.Limit{PerMinute: 1, Burst: 3}}
	})
	f.stream("hooks")
	made, other := f.source(core.SourceSpec{Name: "a", Preset: core.PresetNone}), f.source(core.SourceSpec{Name: "b", Preset: core.PresetNone})
	for range 3 {
		require.Equal(t, 404, f.post("POST", rest.InboundPath(strings.Repeat("x", 46)), `{}`).StatusCode)
	}
	require.Equal(t, 429, f.post("POST", rest.InboundPath("in_"+strings.Repeat("x", 43)), `{}`).StatusCode)
	for range 6 {
		require.Equal(t, 202, f.post("POST", made.Path, `{}`).StatusCode, "an address that is right does not count as a guess")
	}
	refused := f.post("POST", made.Path, `{}`)
	require.Equal(t, 429, refused.StatusCode)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Equal(t, 202, f.post("POST", other.Path, `{}`).StatusCode)
}
