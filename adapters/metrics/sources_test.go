package metrics_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

func TestRefusalsOfSourcesAreCountedByReason(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Refused(core.ID{1}, core.CodeUnauthorized)
	m.Refused(core.ID{1}, core.CodeUnauthorized)
	m.Refused(core.ID{1}, core.CodeValidation)
	text := scrape(t, m)
	require.Contains(t, text, `eventflow_source_refusals_total{reason="unauthorized",source="`+core.ID{1}.String()+`"} 2`)
	require.Contains(t, text, `eventflow_source_refusals_total{reason="validation_error",source="`+core.ID{1}.String()+`"} 1`)
}

func TestAnyNumberOfSourcesHasABoundedNumberOfLabels(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for i := range 1000 {
		m.Refused(core.ID{byte(i), byte(i >> 8)}, core.CodeUnauthorized)
	}
	text := scrape(t, m)
	require.Equal(t, 501, strings.Count(text, "\neventflow_source_refusals_total{"))
	require.Contains(t, text, `{reason="unauthorized",source="other"} 500`)
}
