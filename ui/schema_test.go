package ui

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASchemaIsInferred(t *testing.T) {
	t.Parallel()
	schema, err := inferSchema([]byte(`{"id":"A","n":1.5,"ok":true,"none":null,"items":[{"sku":"x"}],"empty":[]}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["empty","id","items","n","none","ok"],
		"properties":{"id":{"type":"string"},"n":{"type":"number"},"ok":{"type":"boolean"},"none":{},"empty":{"type":"array"},
		"items":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}}}`, schema)
	_, err = inferSchema([]byte(`{`))
	require.Error(t, err)
}
