package ui

import (
	"cmp"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// senders are the presets as people know them.
var senders = []choice[core.Preset]{
	{core.PresetStripe, "Stripe"},
	{core.PresetGitHub, "GitHub"},
	{core.PresetShopify, "Shopify"},
	{core.PresetSlack, "Slack"},
	{core.PresetStandard, "Standard Webhooks, Svix"},
	{core.PresetEventGrid, "Azure Event Grid"},
	{core.PresetHMAC, "another one that signs (HMAC)"},
	{core.PresetNone, "another one, unsigned"},
	{core.PresetKafka, "Kafka topics"},
}

// senderOf names the sender of a preset.
func senderOf(preset core.Preset) string {
	for _, sender := range senders {
		if sender.value == preset {
			return sender.label
		}
	}
	return string(preset)
}

// sourceForm is what a user enters for a new source.
type sourceForm struct {
	name, stream, secret, headers string
	preset                        core.Preset
	places                        core.SourceMap
	signature                     core.SourceSignature
	from                          destinationForm
}

func newSourceForm(stream string) sourceForm {
	return sourceForm{
		stream: stream, preset: core.PresetStripe, from: destinationForm{kind: fetched},
		signature: core.SourceSignature{Header: "X-Signature", Algorithm: core.SHA256, Encoding: core.InHex},
	}
}

// spec is the source that the form describes.
func (f *sourceForm) spec() core.SourceSpec {
	spec := core.SourceSpec{
		Name: f.name, Stream: f.stream, Preset: f.preset, Map: &f.places,
		Headers: strings.FieldsFunc(f.headers, func(r rune) bool { return r == ',' || r == ' ' }),
	}
	if f.preset.Signs() {
		spec.Secret = f.secret
	}
	if f.preset == core.PresetHMAC {
		spec.Signature = new(f.signature)
	}
	if f.preset.Fetches() {
		spec.From, _ = f.from.read() // of texts and lists, which are as they are written
	}
	return spec
}

// fields are the form's fields, with what the server objected to.
func (f *sourceForm) fields(act *act) []app.UI {
	wrong := fieldErrors{err: act.err}
	parts := []app.UI{
		field("name", "Name", textInput("name", &f.name).Required(true).Placeholder("stripe"), "The “source” of the events.", wrong.of("name")),
		field("preset", "Sender", selectInput("preset", &f.preset, senders, nil), "", wrong.of("preset")),
		field("stream", "Stream", textInput("stream", &f.stream).Required(true).Placeholder("payments"), "", wrong.of("stream")),
	}
	if f.preset.Signs() {
		parts = append(parts, field("secret", "Signing secret", secretInput("secret", &f.secret, "off"), "As the sender shows it. It is kept encrypted.", wrong.of("secret")))
	}
	if f.preset == core.PresetHMAC {
		parts = append(parts, f.signed(&wrong)...)
	}
	if f.preset.Fetches() {
		parts = append(parts, f.from.inputs("from.", &wrong)...)
	}
	places := []app.UI{app.Summary().Text("Where the event's fields are")}
	for _, place := range []struct {
		id, label string
		value     *string
	}{{"type", "Type", &f.places.Type}, {"id", "Id", &f.places.ID}, {"time", "Time", &f.places.Time}, {"subject", "Subject", &f.places.Subject}} {
		places = append(places, field("map-"+place.id, place.label, textInput("map-"+place.id, place.value).Placeholder("as the sender documents it"), "", wrong.of("map."+place.id)))
	}
	places = append(places,
		field("headers", "Headers to keep", textInput("headers", &f.headers).Placeholder("X-Tenant, X-Region"), "", wrong.of("headers")),
		app.P().Class("hint").Text("A place is payload.order.id or header.X-Id; the type can be a fixed text, too."))
	return append(parts, app.Details().Class("fold").Body(places...), wrong.rest(), submitButton("Create source", act.busy))
}

// signed are the fields about the signature of a sender that has no preset.
func (f *sourceForm) signed(wrong *fieldErrors) []app.UI {
	algorithms := []choice[string]{{core.SHA256, "SHA-256"}, {core.SHA512, "SHA-512"}, {core.SHA1, "SHA-1"}}
	return []app.UI{
		field("signature-header", "Header with the signature", textInput("signature-header", &f.signature.Header).Required(true), "", wrong.of("signature.header")),
		field("algorithm", "Algorithm", selectInput("algorithm", &f.signature.Algorithm, algorithms, nil), "", wrong.of("signature.algorithm")),
		field("encoding", "Encoding", selectInput("encoding", &f.signature.Encoding, []choice[string]{{core.InHex, "hex"}, {core.InBase64, "base64"}}, nil), "", wrong.of("signature.encoding")),
		field("prefix", "Before the signature", textInput("prefix", &f.signature.Prefix).Placeholder("sha256="), "", cmp.Or(wrong.of("signature.prefix"), wrong.of("signature"))),
	}
}
