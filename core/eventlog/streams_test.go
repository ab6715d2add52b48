package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// A new name is one that people can tell from others. One that an earlier version
// took goes on naming its stream.
func TestNamesAreSeen(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	const hidden = "or\u200bders"
	_, err := r.Streams.Create(t.Context(), r.Who, core.StreamSpec{Name: hidden})
	require.Contains(t, coretest.RequireRefusal(t, err, core.CodeValidation, "name").Message, "U+200B")

	now := r.Clock.Now()
	old := core.Stream{ID: core.ID{5}, Org: r.Who.Org, Name: hidden, RetentionDays: 1, Revision: 1, CreatedAt: now, UpdatedAt: now}
	require.NoError(t, r.Catalog.CreateStream(t.Context(), old))
	days, name := 2, hidden
	changed, err := r.Streams.Change(t.Context(), r.Who, hidden, core.StreamChange{RetentionDays: &days}, 0)
	require.NoError(t, err)
	require.Equal(t, days, changed.RetentionDays)
	_, err = r.Streams.Change(t.Context(), r.Who, hidden, core.StreamChange{Name: &name}, 0)
	coretest.RequireRefusal(t, err, core.CodeValidation, "name")
}
