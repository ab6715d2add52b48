package ui

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestAProcessorInAWord(t *testing.T) {
	t.Parallel()
	since := time.Now()
	for want, p := range map[string]core.Processor{
		"running":  {State: core.ProcessorRunning},
		"failing":  {State: core.ProcessorRunning, FailingSince: &since},
		"paused":   {State: core.ProcessorPaused, FailingSince: &since},
		"disabled": {State: core.ProcessorDisabled, FailingSince: &since},
	} {
		require.Contains(t, app.HTMLString(processorBadge(p)), want)
	}
}

func TestTheNumbersOfADay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "–", successText(core.DeliveryCount{Filtered: 3}))
	require.Equal(t, "100 %", successText(core.DeliveryCount{Delivered: 3}))
	require.Equal(t, "99.9 %", successText(core.DeliveryCount{Delivered: 1_000_000, Failed: 1}), "a failure is never hidden by rounding")
	require.Equal(t, "75 %", successText(core.DeliveryCount{Delivered: 3, Failed: 1}))
	require.Equal(t, "0 %", successText(core.DeliveryCount{Failed: 1}))
	require.Equal(t, "500 ms", meanText(core.DeliveryCount{Delivered: 3, Failed: 1, Latency: core.Seconds(2 * time.Second)}))
	require.Equal(t, "–", meanText(core.DeliveryCount{}))
}

func TestADestinationInShort(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]string{
		"webhook: example.com/hook": `{"url":"https://example.com/hook"}`,
		"webhook":                   ``,
		"webhook: orders":           `{"bucket":"orders"}`,
	} {
		require.Equal(t, want, destinationText(core.Destination{Type: "webhook", Settings: json.RawMessage(settings)}))
	}
}

// The group of a processor leads to the processor, because the API refuses to change it
// by itself.
func TestTheGroupOfAProcessorLeadsToIt(t *testing.T) {
	t.Parallel()
	group := core.GroupOverview{StreamName: "orders", Group: core.Group{Name: "a b", Processor: true, Mode: core.Ordered}}
	require.Equal(t, "/processors/orders/a%20b", groupPath(group))
	require.Equal(t, "processor", modeText(group.Group))
	group.Processor = false
	require.Equal(t, "/consumers/orders/a%20b", groupPath(group))
}

// What a form was filled with comes out of it as it was, with settings that it has no
// field for, and without those that only the server may say.
func TestADestinationSurvivesItsForm(t *testing.T) {
	t.Parallel()
	var form destinationForm
	for _, d := range []struct{ kind, in, want string }{
		{
			"webhook",
			`{"url":"https://a.example","format":"plain","batch":100,"headers":{"X-B":"2: 3","X-A":"1"},"secret":"whsec_••••","former_secret_until":"2026-01-01T00:00:00Z","allow_private":true}`,
			`{"type":"webhook","url":"https://a.example","format":"plain","batch":100,"headers":{"X-B":"2: 3","X-A":"1"},"secret":"whsec_••••","allow_private":true}`,
		},
		{"stream", `{"stream":"orders","stream_id":"0198c0de"}`, `{"type":"stream","stream":"orders"}`},
		{
			"kafka", `{"brokers":["a:9092","b:9092"],"topic":"t","format":"payload","tls":false,"max_message_bytes":1000}`,
			`{"type":"kafka","brokers":["a:9092","b:9092"],"topic":"t","format":"payload","tls":false,"max_message_bytes":1000}`,
		},
		{"foreign", `{"depth":{"a":[1,2]}}`, `{"type":"foreign","depth":{"a":[1,2]}}`},
		{"log", `{}`, `{"type":"log"}`},
	} {
		form.fill(core.Destination{Type: d.kind, Settings: json.RawMessage(d.in)})
		got, err := form.read()
		require.NoError(t, err)
		require.JSONEq(t, d.want, string(got))
	}
}

func TestADestinationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for field, write := range map[string]func(*destinationForm){
		"destination.batch":   func(f *destinationForm) { *f.text("batch") = "many" },
		"destination.headers": func(f *destinationForm) { *f.text("headers") = "X-Team" },
		"destination":         func(f *destinationForm) { f.more = "[1]" },
	} {
		form := destinationForm{kind: "webhook"}
		write(&form)
		_, err := form.read()
		wrong := fieldErrors{err: err}
		require.NotEmpty(t, wrong.of(field), field)
	}
}
