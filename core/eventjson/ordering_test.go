package eventjson_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

func TestKeyOf(t *testing.T) {
	t.Parallel()
	payload := `{"customer":{"id":"c-1","n":7,"e":70e-1,"x":1200,"y":1.2e3,"f":0.050,"g":5e-2,"m":-7.50,"z":-0.0,"big":1e400,"tiny":1e-400,` +
		`"null":null,"empty":"","yes":true,"list":["a","b"],"a.b":"dotted","esc":"\u00e9","word":"null"}}`
	for ordering, key := range map[string]string{
		"": "", "subject": "s-1", "payload.customer.id": "c-1", "payload.customer.n": "7", "payload.customer.e": "7",
		"payload.customer.x": "1200", "payload.customer.y": "1200", "payload.customer.f": "0.05", "payload.customer.g": "0.05",
		"payload.customer.m": "-7.5", "payload.customer.z": "0", "payload.customer.big": "1e400", "payload.customer.tiny": "1e-400",
		"payload.customer.null": "", "payload.customer.empty": "", "payload.customer.yes": "true",
		"payload.customer.list": "", "payload.customer.list.1": "b", "payload.customer.list.2": "", `payload.customer."a.b"`: "dotted",
		"payload.customer.esc": "é", "payload.customer.word": "null", "payload.customer": "", "payload.nothing.here": "",
	} {
		require.NoError(t, eventjson.CheckOrdering(ordering), ordering)
		require.Equal(t, key, eventjson.KeyOf(ordering, &core.Event{Subject: "s-1", Payload: []byte(payload)}), ordering)
	}
	for _, payload := range []string{`7`, `"text"`, `null`, `[]`, `[1]`} {
		require.Empty(t, eventjson.KeyOf("payload.id", &core.Event{Payload: []byte(payload)}))
	}
}

func TestCheckOrderingRefuses(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{
		"type", "Subject", "payload", "payload.", "customer.id", `payload.user."first`, `payload."a"b`, "payload.a\nb",
		"payload." + strings.Repeat("a", core.MaxOrderingKeyLength),
	} {
		err := eventjson.CheckOrdering(ordering)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), ordering)
		require.ErrorContains(t, err, "ordering_key", ordering)
	}
}
