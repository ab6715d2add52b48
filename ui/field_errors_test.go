package ui

import (
	"errors"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Whatever a form has no field for is shown beside its button.
func TestNoReasonIsLost(t *testing.T) {
	t.Parallel()
	err := core.Invalid("name", "is required")
	err.Details = append(err.Details, core.Detail{Field: "name", Reason: "is too long"}, core.Detail{Field: "schema/properties/a", Reason: "is no type"})
	wrong := fieldErrors{err: err}
	require.Equal(t, "is required; is too long", wrong.of("name"))
	require.Empty(t, wrong.of("schema"))
	rest := app.HTMLString(wrong.rest())
	require.Contains(t, rest, "schema/properties/a")
	require.Contains(t, rest, "is no type")
	require.NotContains(t, rest, "is required", "its field says so")

	wrong = fieldErrors{err: core.Invalid("name", "is required")}
	require.Equal(t, "is required", wrong.of("name"))
	require.NotContains(t, app.HTMLString(wrong.rest()), "role=")
	wrong = fieldErrors{err: core.Errorf(core.CodeConflict, "a stream of this name exists")}
	require.Empty(t, wrong.of("name"))
	require.Contains(t, app.HTMLString(wrong.rest()), "A stream of this name exists.")
	wrong = fieldErrors{}
	require.NotContains(t, app.HTMLString(wrong.rest()), "role=")
}

// Only an error without a reason means that there is no server: what the dashboard
// itself finds wrong is the user's to put right.
func TestWhatIsWrongHereIsNotTheNetwork(t *testing.T) {
	t.Parallel()
	local := core.Invalid("offset", "must be a whole number")
	require.False(t, noAnswer(local))
	require.False(t, noAnswer(nil))
	title, advice := explain(local)
	require.Equal(t, "Invalid input", title)
	require.Equal(t, "Offset: must be a whole number.", advice)
	refused := errors.New("connection refused")
	require.True(t, noAnswer(refused))
	title, _ = explain(refused)
	require.Equal(t, "Server unreachable", title)
	s := newSession("")
	s.heardOf(local)
	require.False(t, s.offline)
	s.heardOf(refused)
	require.True(t, s.offline)
}
