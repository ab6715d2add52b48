package core_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// People read the message and programs read the details: both name the same place.
func TestAPlaceStandsBeforeTheFieldInDetailsAndMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err            *core.Error
		field, message string
	}{
		{core.Invalid("url", "is required"), "destination.url", "destination.url: is required"},
		{core.Invalid("body", "must be a JSON object"), "destination", "destination: must be a JSON object"},
		{
			&core.Error{Code: core.CodeValidation, Message: "it does not fit", Details: []core.Detail{{Field: "url"}}},
			"destination.url", "it does not fit",
		},
	} {
		placed, ok := errors.AsType[*core.Error](core.Under(c.err, "destination."))
		require.True(t, ok)
		require.Equal(t, c.field, placed.Details[0].Field)
		require.Equal(t, c.message, placed.Message)
	}
}
