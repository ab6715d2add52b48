package inbound_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

func githubSigned(secret, body string) headers {
	return headers{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + hex.EncodeToString(signature(sha256.New, secret, body))}
}

func TestASourceIsChecked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sign := &core.SourceSignature{Header: "X-Sign", Algorithm: core.SHA256, Encoding: core.InHex}
	for field, spec := range map[string]core.SourceSpec{
		"name":                {Preset: core.PresetNone, Stream: "hooks"},
		"stream":              {Name: "a", Preset: core.PresetNone, Stream: "nothing"},
		"preset":              {Name: "a", Preset: "paypal", Stream: "hooks"},
		"secret":              {Name: "a", Preset: core.PresetStripe, Stream: "hooks"},
		"signature":           {Name: "a", Preset: core.PresetHMAC, Stream: "hooks", Secret: "s"},
		"signature.algorithm": {Name: "a", Preset: core.PresetHMAC, Stream: "hooks", Secret: "s", Signature: &core.SourceSignature{Header: "X", Algorithm: "md5", Encoding: "hex"}},
		"signature.encoding":  {Name: "a", Preset: core.PresetHMAC, Stream: "hooks", Secret: "s", Signature: &core.SourceSignature{Header: "X", Algorithm: "sha1", Encoding: "octal"}},
		"signature.header":    {Name: "a", Preset: core.PresetHMAC, Stream: "hooks", Secret: "s", Signature: &core.SourceSignature{Header: "X:", Algorithm: "sha1", Encoding: "hex"}},
		"headers":             {Name: "a", Preset: core.PresetNone, Stream: "hooks", Headers: []string{"Authorization"}},
		"map.id":              {Name: "a", Preset: core.PresetNone, Stream: "hooks", Map: &core.SourceMap{ID: "id"}},
		"map.time":            {Name: "a", Preset: core.PresetNone, Stream: "hooks", Map: &core.SourceMap{Time: "payload."}},
		"map.type":            {Name: "a", Preset: core.PresetNone, Stream: "hooks", Map: &core.SourceMap{Type: `payload."a`}},
		"map.subject":         {Name: "a", Preset: core.PresetNone, Stream: "hooks", Map: &core.SourceMap{Subject: "header.Cookie"}},
	} {
		_, _, err := d.Create(t.Context(), d.rig.Who, spec)
		coretest.RequireRefusal(t, err, core.CodeValidation, field)
	}
	for _, spec := range []core.SourceSpec{
		{Name: "a", Preset: core.PresetNone, Stream: "hooks", Secret: "s"},
		{Name: "a", Preset: core.PresetStandard, Stream: "hooks", Secret: "whsec_$$"},
		{Name: "a", Preset: core.PresetStandard, Stream: "hooks", Secret: "whpk_AAAA"},
		{Name: "a", Preset: core.PresetGitHub, Stream: "hooks", Secret: "s "},
	} {
		_, _, err := d.Create(t.Context(), d.rig.Who, spec)
		coretest.RequireRefusal(t, err, core.CodeValidation, "secret")
	}
	_, _, err := d.Create(t.Context(), d.rig.Who, core.SourceSpec{Name: "a", Preset: core.PresetGitHub, Stream: "hooks", Secret: "s", Signature: sign})
	coretest.RequireRefusal(t, err, core.CodeValidation, "signature")
	page, err := d.List(t.Context(), d.rig.Who, "", 0)
	require.NoError(t, err)
	require.Empty(t, page.Items)
}

// No secret of a source can be read from what is stored, or from what is answered.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetGitHub, Secret: "the signing secret"})
	stored, err := d.rig.Catalog.Source(t.Context(), d.rig.Who.Org, source.ID)
	require.NoError(t, err)
	answered, err := json.Marshal(stored)
	require.NoError(t, err)
	for _, text := range []string{string(stored.Sealed), string(stored.Hash[:]), string(answered)} {
		require.NotContains(t, text, token[3:])
		require.NotContains(t, text, "signing secret")
	}
	require.GreaterOrEqual(t, len(token), len("in_")+32, "at least 190 bits in base64")
	require.Equal(t, "in_…"+token[len(token)-4:], source.Masked)
}

func TestAnAddressIsRotated(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetNone})
	_, err := d.send(token, `{}`, nil)
	require.NoError(t, err)
	rotated, next, err := d.Rotate(t.Context(), d.rig.Who, source.ID.String())
	require.NoError(t, err)
	require.EqualValues(t, 2, rotated.Revision)
	_, err = d.send(next, `{}`, nil)
	require.NoError(t, err)
	for _, none := range []string{token, "", "in_", next + "x", next[:len(next)-1] + "-", strings.ToUpper(next)} {
		_, err = d.Find(t.Context(), none)
		coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	}
	require.NoError(t, d.Delete(t.Context(), d.rig.Who, source.ID.String(), 2))
	_, err = d.Find(t.Context(), next)
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}

// Another secret is good at once, and the one before for a day.
func TestASecretIsReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetGitHub, Secret: "one"})
	changed, err := d.Change(t.Context(), d.rig.Who, source.ID.String(), core.SourceChange{Secret: new("two")}, source.Revision)
	require.NoError(t, err)
	require.NotEqual(t, source.Sealed, changed.Sealed)
	for _, secret := range []string{"one", "two"} {
		_, err = d.send(token, `{}`, githubSigned(secret, `{}`))
		require.NoError(t, err)
	}
	d.rig.Clock.Pass(inbound.SecretGrace)
	_, err = d.send(token, `{}`, githubSigned("two", `{}`))
	require.NoError(t, err)
	d.unsigned(source, token, `{}`, githubSigned("one", `{}`), mismatch)
	_, err = d.Change(t.Context(), d.rig.Who, source.ID.String(), core.SourceChange{Secret: new("three")}, 1)
	coretest.RequireRefusal(t, err, core.CodePreconditionFailed, "")
	_, err = d.Change(t.Context(), d.rig.Who, source.ID.String(), core.SourceChange{Secret: new("")}, 0)
	coretest.RequireRefusal(t, err, core.CodeValidation, "secret")
}

// While the server's secret is replaced every address goes on, and afterwards, too.
func TestTheServersSecretIsReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Sources = d.node(secretBefore)
	_, token := d.source(core.SourceSpec{Preset: core.PresetGitHub, Secret: "one"})
	d.Sources = d.node(secretNow, secretBefore)
	_, err := d.send(token, `{}`, githubSigned("one", `{}`))
	require.NoError(t, err)
	n, err := d.Reseal(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = d.Reseal(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	d.Sources = d.node(secretNow)
	_, err = d.send(token, `{}`, githubSigned("one", `{}`))
	require.NoError(t, err)
}

func TestAPausedSourceTellsSendersToComeAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetNone})
	_, err := d.Change(t.Context(), d.rig.Who, source.ID.String(), core.SourceChange{State: new(core.SourcePaused)}, 0)
	require.NoError(t, err)
	_, err = d.send(token, `{}`, nil)
	known := coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
	require.Positive(t, known.RetryAfter)
	require.Empty(t, d.refused(source), "it will come again")
	_, err = d.Change(t.Context(), d.rig.Who, source.ID.String(), core.SourceChange{State: new(core.SourceRunning)}, 0)
	require.NoError(t, err)
	_, err = d.send(token, `{}`, nil)
	require.NoError(t, err)
	require.Len(t, d.events(), 1)
}

func TestBodiesOfManyKinds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetNone})
	for i, body := range []struct{ media, sent, kept string }{
		{"", `{"a":1}`, `{"a":1}`},
		{"text/plain", `[1,2]`, `[1,2]`},
		{"application/vnd.api+json; charset=utf-8", `"text"`, `"text"`},
		{"Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=1&b=x+y&a=%C3%A9", `{"a":["1","é"],"b":"x y"}`},
		{"application/x-www-form-urlencoded", "", `{}`},
		{"application/x-www-form-urlencoded", ` {"a":1}`, `{"a":1}`},
		{"application/x-www-form-urlencoded", `{a=1`, `{"{a":"1"}`},
	} {
		_, err := d.send(token, body.sent, headers{"Content-Type": body.media, "Traceparent": coretest.Traceparent})
		require.NoError(t, err)
		event := d.events()[i]
		require.JSONEq(t, body.kept, string(event.Payload))
		require.Equal(t, "webhook", event.Type)
		require.Equal(t, coretest.TraceID, contextOf(t, event)["trace_id"])
	}
	for code, body := range map[core.Code][2]string{
		core.CodeUnsupportedMedia: {"multipart/form-data; boundary=x", "--x--"},
		core.CodeValidation:       {"application/json", "{broken\x00\xff"},
	} {
		d.rig.Clock.Pass(time.Millisecond)
		_, err := d.send(token, body[1], headers{"Content-Type": body[0]})
		coretest.RequireRefusal(t, err, code, "")
		newest := d.refused(source)[0]
		require.Equal(t, code, newest.Code)
		require.Equal(t, core.SourceRefusal{
			ID: newest.ID, Source: source.ID, At: d.rig.Clock.Now(), Code: code, Reason: newest.Reason, Address: "192.0.2.7", UserAgent: "Sender/1.0",
			RequestID: "r-1", Size: len(body[1]), Excerpt: strings.NewReplacer("\x00", "�", "\xff", "�").Replace(body[1]),
		}, newest)
	}
	_, err := d.send(token, "a=%zz", headers{"Content-Type": "application/x-www-form-urlencoded"})
	coretest.RequireRefusal(t, err, core.CodeValidation, "body")
}

// Nobody who knows an address fills the disk by sending what is refused.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetNone})
	other, quiet := d.source(core.SourceSpec{Name: "quiet", Preset: core.PresetNone})
	refuse := func(token string) string {
		d.rig.Clock.Pass(time.Millisecond) // ids of one millisecond have no order
		_, err := d.send(token, "no", nil)
		require.Error(t, err)
		return d.refused(source)[0].ID.String()
	}
	var last string
	for range core.MaxRefusals {
		last = refuse(token)
	}
	require.Equal(t, last, refuse(token), "the bucket is empty")
	require.Equal(t, slices.Repeat([]core.Code{core.CodeValidation}, len(d.counted)), d.counted)
	require.Greater(t, len(d.counted), core.MaxRefusals, "those that are not kept are counted, too")
	refuse(quiet)
	require.Len(t, d.refused(other), 1, "every source has its own")
	d.rig.Clock.Pass(3 * time.Second)
	refuse(token)
	require.Len(t, d.refused(source), core.MaxRefusals)
}

func TestAStreamsSchemaHoldsForSources(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.rig.Streams.Change(t.Context(), d.rig.Who, "hooks", core.StreamChange{Schema: json.RawMessage(`{"required":["order"]}`)}, 0)
	require.NoError(t, err)
	source, token := d.source(core.SourceSpec{Preset: core.PresetNone, Map: &core.SourceMap{Type: "order.paid"}})
	_, err = d.send(token, `{}`, nil)
	coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, "")
	require.Equal(t, core.CodeSchemaMismatch, d.refused(source)[0].Code)
	_, err = d.send(token, `{"order":1}`, nil)
	require.NoError(t, err)
	require.Equal(t, "order.paid", d.events()[0].Type)
}

// Two senders may use the same ids.
func TestIdsBelongToTheirSource(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	places := &core.SourceMap{ID: "payload.id"}
	_, one := d.source(core.SourceSpec{Name: "one", Preset: core.PresetNone, Map: places})
	_, two := d.source(core.SourceSpec{Name: "two", Preset: core.PresetNone, Map: places})
	for _, token := range []string{one, two, one} {
		_, err := d.send(token, `{"id":7}`, nil)
		require.NoError(t, err)
	}
	long := `{"id":"` + strings.Repeat("x", 300) + `"}`
	for range 2 {
		_, err := d.send(one, long, nil)
		require.NoError(t, err)
	}
	require.Len(t, d.events(), 3)
}

// Whoever is narrowed to other streams sees no source.
func TestSourcesAreNarrowed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, _ := d.source(core.SourceSpec{Preset: core.PresetNone})
	d.source(core.SourceSpec{Name: "b", Preset: core.PresetNone})
	who := d.rig.Who
	who.Streams = []core.ID{d.rig.Create(core.StreamSpec{Name: "other"})}
	page, err := d.List(t.Context(), who, "", 1)
	require.NoError(t, err)
	require.Empty(t, page.Items)
	_, err = d.Get(t.Context(), who, source.ID.String())
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	coretest.RequireRefusal(t, d.Delete(t.Context(), who, source.ID.String(), 0), core.CodeNotFound, "")
	who.Streams = []core.ID{d.stream}
	page, err = d.List(t.Context(), who, "", 1)
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	page, err = d.List(t.Context(), who, page.NextCursor, 1)
	require.NoError(t, err)
	require.Equal(t, "b", page.Items[0].Name)
	require.False(t, page.HasMore)
}
