package pipeline_test

import (
	"os"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pipeline"
)

var example = regexp.MustCompile("(?s)```(cel|jq)\n(.*?)\n```")

// What people copy from the guide works, on an event that has what it names.
func TestTheExamplesOfTheGuideWork(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/processing.md")
	require.NoError(t, err)
	found := example.FindAllStringSubmatch(string(guide), -1)
	require.Greater(t, len(found), 10)
	for _, one := range found {
		filter, transform := one[2], ""
		if one[1] == "jq" {
			filter, transform = "", one[2]
		}
		compiled, err := pipeline.New().Compile(filter, transform)
		require.NoError(t, err, one[2])
		in := event(`{"order_id":"o-1","amount":150,"total":600,"coupon":"SPRING-2026","customer":{"id":17,"vip":true,"email":"zoe@example.org"},` +
			`"items":[{"sku":"KB-104","quantity":2,"price":99.95},{"sku":"MS-2","quantity":1,"price":15}]}`)
		in.Subject, in.Context = "", []byte(`{"tenant":"acme"}`)
		in.OccurredAt = in.OccurredAt.Truncate(24 * time.Hour)
		out, passed, err := compiled.Run(t.Context(), &in)
		require.NoError(t, err, one[2])
		require.True(t, passed, one[2])
		require.Equal(t, transform == "", reflect.DeepEqual(in, out), one[2])
	}
}
