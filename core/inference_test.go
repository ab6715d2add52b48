package core_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestASchemaIsInferred(t *testing.T) {
	t.Parallel()
	const draft = `"$schema":"https://json-schema.org/draft/2020-12/schema"`
	for _, c := range []struct{ samples, schema string }{
		{
			`[{"id":"A","n":1.5,"ok":true,"none":null,"items":[{"sku":"x"}],"empty":[]}]`,
			`"type":"object","required":["empty","id","items","n","none","ok"],
			"properties":{"id":{"type":"string"},"n":{"type":"number"},"ok":{"type":"boolean"},"none":{},"empty":{"type":"array"},
			"items":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}}`,
		},
		{
			`[{"a":1,"b":1},{"a":2.5},{"a":null}]`,
			`"type":"object","required":["a"],"properties":{"a":{"type":["null","number"]},"b":{"type":"integer"}}`,
		},
		{`["x",1]`, `"type":["integer","string"]`},
		{`[[1,"x"],[]]`, `"type":"array","items":{"type":["integer","string"]}`},
	} {
		var samples []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(c.samples), &samples))
		schema, err := core.InferSchema(samples...)
		require.NoError(t, err)
		require.JSONEq(t, "{"+draft+","+c.schema+"}", string(schema))
	}
	_, err := core.InferSchema(json.RawMessage(`{`))
	require.Equal(t, core.CodeValidation, core.CodeOf(err))
}
