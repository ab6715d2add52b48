package ui

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// settingKind is how a setting of a destination is written and read.
type settingKind byte

// The kinds of settings.
const (
	textSetting settingKind = iota
	numberSetting
	// listSetting has texts with commas between them.
	listSetting
	// pairsSetting has a line "name: value" for each.
	pairsSetting
	yesNoSetting
)

// setting is a field of the form of a destination.
type setting struct {
	name, label, hint string
	kind              settingKind
	// choices are the values to choose from, if there are few.
	choices []string
}

// kafkaSettings are settings about brokers, and others.
func kafkaSettings(others ...setting) []setting {
	return append(append([]setting{
		{name: "brokers", label: "Brokers", kind: listSetting, hint: "broker-1.example.com:9092, broker-2.example.com:9092"},
	}, others...), []setting{
		{name: "tls", label: "TLS", kind: yesNoSetting, choices: []string{"true", "false"}},
		{name: "sasl", label: "SASL", choices: []string{"", "plain", "scram-sha-256", "scram-sha-512"}},
		{name: "username", label: "Username"},
		{name: "password", label: "Password"},
	}...)
}

// fetched is the kind of what a source fetches.
const fetched = "fetched"

var fetchedSettings = kafkaSettings(
	setting{name: "topics", label: "Topics", kind: listSetting},
	setting{name: "group", label: "Consumer group", hint: "One of its own if empty."},
	setting{name: "start", label: "Start", choices: []string{"earliest", "latest"}},
	setting{name: "not_json", label: "What is not JSON", choices: []string{"refuse", "wrap"}},
)

// destinationTypes have a form. The settings that it does not have, and those of any
// other type, are written as JSON.
var destinationTypes = []struct {
	name, label string
	settings    []setting
}{
	{"webhook", "Webhook: a signed HTTP request for each event or batch", []setting{
		{name: "url", label: "URL", hint: "https://example.com/hooks/orders"},
		{name: "format", label: "Body", choices: []string{"plain", "payload", "cloudevents-structured", "cloudevents-binary", "cloudevents-batched"}},
		{name: "batch", label: "Events per request", kind: numberSetting, hint: "Up to 1,000 for plain and cloudevents-batched, 1 for the others."},
		{name: "headers", label: "Headers", kind: pairsSetting, hint: "One per line: X-Team: billing"},
		{name: "secret_headers", label: "Secret headers", kind: pairsSetting, hint: "As above, such as Authorization. Masked after saving."},
		{name: "secret", label: "Signing secret", hint: "Leave empty to generate one."},
		{name: "timeout", label: "Timeout (seconds)", kind: numberSetting, hint: "1 to 30, 15 if empty."},
		{name: "parallel", label: "Requests at once", kind: numberSetting, hint: "1 to 256, 16 if empty."},
	}},
	{"stream", "Stream: another stream of this server", []setting{{name: "stream", label: "Stream"}}},
	{"kafka", "Kafka: a topic", kafkaSettings(
		setting{name: "topic", label: "Topic"},
		setting{name: "format", label: "Message value", choices: []string{"payload", "event"}},
	)},
	{"objectstore", "Object storage: files in an S3 bucket", []setting{
		{name: "endpoint", label: "Endpoint", hint: "https://s3.eu-central-1.amazonaws.com"},
		{name: "region", label: "Region"},
		{name: "bucket", label: "Bucket"},
		{name: "prefix", label: "Prefix", hint: "The folder to write to, such as events/orders."},
		{name: "access_key", label: "Access key"},
		{name: "secret_key", label: "Secret key"},
		{name: "format", label: "File format", choices: []string{"ndjson.gz", "parquet"}},
		{name: "batch_events", label: "Events per file", kind: numberSetting, hint: "10,000 if empty."},
		{name: "linger", label: "Write after (seconds)", kind: numberSetting, hint: "60 if empty, even if the file is not full."},
	}},
	{"eventflow", "EventFlow: a stream of another server", []setting{
		{name: "url", label: "URL", hint: "https://eventflow.example.com"},
		{name: "stream", label: "Stream"},
		{name: "api_key", label: "API key"},
	}},
	{"log", "Log: this server's log, to try things out", nil},
}

// destinationForm is what was written of a destination.
type destinationForm struct {
	kind string
	// texts are the settings that the form of the kind has, and more is the JSON of the
	// others.
	texts map[string]*string
	more  string
}

// text is what was written of a setting.
func (f *destinationForm) text(name string) *string {
	if f.texts == nil {
		f.texts = map[string]*string{}
	}
	if f.texts[name] == nil {
		f.texts[name] = new(string)
	}
	return f.texts[name]
}

// settings are the settings that the form has.
func (f *destinationForm) settings() []setting {
	if f.kind == fetched {
		return fetchedSettings
	}
	for _, one := range destinationTypes {
		if one.name == f.kind {
			return one.settings
		}
	}
	return nil
}

// fill fills the form with a destination.
func (f *destinationForm) fill(d core.Destination) {
	*f = destinationForm{kind: d.Type}
	settings := settingsOf(d)
	for _, read := range []string{"former_secret_until", "stream_id"} { // the server alone says them
		if read != "stream_id" || d.Type == "stream" {
			delete(settings, read)
		}
	}
	for _, one := range f.settings() {
		*f.text(one.name) = settingText(settings[one.name])
		delete(settings, one.name)
	}
	if len(settings) > 0 {
		more, _ := json.MarshalIndent(settings, "", "  ") // it came from JSON
		f.more = string(more)
	}
}

// settingText writes a setting as the form shows it.
func settingText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case []any:
		texts := make([]string, len(value))
		for i, one := range value {
			texts[i] = settingText(one)
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		lines := make([]string, 0, len(value))
		for _, name := range slices.Sorted(maps.Keys(value)) {
			lines = append(lines, name+": "+settingText(value[name]))
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

// read returns the destination as the server takes it.
func (f *destinationForm) read() (json.RawMessage, error) {
	all := map[string]any{}
	if strings.TrimSpace(f.more) != "" && (json.Unmarshal([]byte(f.more), &all) != nil || all == nil) {
		return nil, core.Invalid("destination", "must be a JSON object")
	}
	for _, one := range f.settings() {
		text := strings.TrimSpace(*f.text(one.name))
		if text == "" {
			continue
		}
		value, err := one.read(text)
		if err != nil {
			return nil, err
		}
		all[one.name] = value
	}
	if f.kind != fetched {
		all["type"] = f.kind
	}
	return json.Marshal(all)
}

// read reads what was written of a setting.
func (s setting) read(text string) (any, error) {
	switch s.kind {
	case numberSetting:
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil || n != n || n > 1e15 || n < -1e15 {
			return nil, core.Invalid("destination."+s.name, "must be a number")
		}
		return n, nil
	case yesNoSetting:
		return text == "true", nil
	case listSetting:
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }), nil
	case pairsSetting:
		pairs := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
			if !ok {
				return nil, core.Invalid("destination."+s.name, "must have a name, a colon and a value in each line")
			}
			pairs[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		return pairs, nil
	}
	return text, nil
}

// fields are the fields of the form.
func (f *destinationForm) fields(wrong *fieldErrors) []app.UI {
	var types []choice[string]
	for _, one := range destinationTypes {
		types = append(types, choice[string]{one.name, one.label})
	}
	if !slices.ContainsFunc(types, func(one choice[string]) bool { return one.value == f.kind }) {
		types = append(types, choice[string]{f.kind, f.kind})
	}
	parts := []app.UI{field("to", "Type", selectInput("to", &f.kind, types, func(app.Context, app.Event) { f.texts, f.more = nil, "" }), "", wrong.of("destination.type"))}
	parts = append(parts, f.inputs("destination.", wrong)...)
	return append(parts, app.Details().Class("fold").Open(f.more != "").Body(app.Summary().Text("Other settings"),
		field("more", "Settings as JSON", textArea("more", &f.more, 3), "What has no field above, such as {\"allow_private\":true} of a webhook.", wrong.of("destination"))))
}

// inputs are the fields of the settings, whose names the server puts behind a place.
func (f *destinationForm) inputs(place string, wrong *fieldErrors) (parts []app.UI) {
	for _, one := range f.settings() {
		id := f.kind + "-" + one.name
		parts = append(parts, field(id, one.label, f.input(id, one), one.hint, wrong.of(place+one.name)))
	}
	return parts
}

// input is the input of a setting.
func (f *destinationForm) input(id string, s setting) app.UI {
	text := f.text(s.name)
	switch {
	case len(s.choices) > 0:
		if *text == "" {
			*text = s.choices[0]
		}
		choices := make([]choice[string], len(s.choices))
		for i, one := range s.choices {
			choices[i] = choice[string]{one, one}
		}
		return selectInput(id, text, choices, nil)
	case s.kind == pairsSetting:
		return textArea(id, text, 2)
	}
	return textInput(id, text)
}
