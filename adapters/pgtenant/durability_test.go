package pgtenant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// What a session sees of the standbys says whether a commit is on two machines, waits for
// the second one, or does not care. Who may not look is not believed that all is well.
func TestStandbysAreJudged(t *testing.T) {
	t.Parallel()
	good := replication{Commit: "on", Names: "ANY 1 (*)", User: "eventflow", Standbys: 2, Seen: 2, Waited: 1}
	for name, one := range map[string]struct {
		change func(*replication)
		is     error
		says   string
	}{
		"a quorum":             {func(*replication) {}, nil, ""},
		"remote_apply":         {func(r *replication) { r.Commit = "remote_apply" }, nil, ""},
		"nobody is named":      {func(r *replication) { r.Names = " " }, core.ErrRelaxedDurability, "synchronous_standby_names is empty"},
		"local":                {func(r *replication) { r.Commit = "local" }, core.ErrRelaxedDurability, "synchronous_commit=local"},
		"remote_write":         {func(r *replication) { r.Commit = "remote_write" }, core.ErrRelaxedDurability, "synchronous_commit=remote_write"},
		"asynchronous ones":    {func(r *replication) { r.Waited = 0 }, core.ErrAlone, "no synchronous standby is connected; nothing is stored until it is back"},
		"nobody is there":      {func(r *replication) { r.Standbys, r.Seen, r.Waited = 0, 0, 0 }, core.ErrAlone, "no synchronous standby is connected"},
		"the user may not see": {func(r *replication) { r.Seen, r.Waited = 0, 0 }, core.ErrRelaxedDurability, `grant pg_monitor to "eventflow"`},
	} {
		now := good
		one.change(&now)
		err := now.judge()
		if one.is == nil {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, one.is, name)
		require.ErrorContains(t, err, one.says, name)
	}
}
