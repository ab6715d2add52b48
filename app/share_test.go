package app_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// What an organization may have is bounded on each store, by the settings and by the
// operator. It sees where it stands, and so does the operator.
func TestAnOrganizationHasShares(t *testing.T) {
	t.Parallel()
	withNeighbours(t, []string{"EVENTFLOW_SHARE_STREAMS=2", "EVENTFLOW_SHARE_GROUPS=1", "EVENTFLOW_SHARE_KEYS=3", "EVENTFLOW_SHARE_USERS=1"}, func(t *testing.T, n neighbours) {
		admin := n.server.client(n.keyOf("them", core.RoleAdmin)) // the second key
		full := func(share core.Share, err error) {
			t.Helper()
			require.Equal(t, core.CodeConflict, core.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, string(share))
		}
		ctx := t.Context()
		_, err := admin.CreateStream(ctx, core.StreamSpec{Name: "second"})
		require.NoError(t, err)
		_, err = admin.CreateStream(ctx, core.StreamSpec{Name: "third"})
		full(core.ShareStreams, err)
		_, err = admin.CreateGroup(ctx, "orders", core.GroupSpec{Name: "bill"})
		full(core.ShareGroups, err)
		request := core.KeyRequest{Label: "x", Environment: core.Live}
		_, err = admin.CreateKey(ctx, core.KindAPIKey, request)
		require.NoError(t, err)
		_, err = admin.CreateKey(ctx, core.KindAPIKey, request)
		full(core.ShareKeys, err)
		_, err = n.server.client(n.mine).CreateStream(ctx, core.StreamSpec{Name: "second"})
		require.NoError(t, err, "others have shares of their own")

		usage, err := admin.Usage(ctx)
		require.NoError(t, err)
		require.Equal(t, core.Shares{Streams: 2, Groups: 1, Keys: 3}, usage.Used)
		require.Equal(t, []int64{2, 1, 3, 1, 20}, []int64{usage.Allowed.Streams, usage.Allowed.Groups, usage.Allowed.Keys, usage.Allowed.Users, usage.Allowed.Replays})
		require.Equal(t, int64(runtime.GOMAXPROCS(0)*1000/4), usage.Allowed.Evaluations)
		require.Equal(t, []int64{16384 / 2, 128 << 20}, []int64{usage.Allowed.Lasting, usage.Allowed.Uploads})
		_, err = n.server.client(n.them).Usage(ctx)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))

		require.Zero(t, n.command("org", "limit", "them", "--share", "streams=3", "--share", "uploads=1048576", "--share", "evaluations=100").code)
		shown := n.command("org", "show", "them")
		require.Contains(t, strings.Join(strings.Fields(shown.stdout), " "), "streams 2 3 org limit", shown.stderr)
		require.Eventually(t, func() bool { usage, err = admin.Usage(ctx); return err == nil && usage.Allowed.Streams == 3 }, patience, 1e8)
		require.Equal(t, []int64{1 << 20, 100}, []int64{usage.Allowed.Uploads, usage.Allowed.Evaluations})
		_, err = admin.CreateStream(ctx, core.StreamSpec{Name: "third"})
		require.NoError(t, err)
		payload := []byte(`"` + strings.Repeat("x", 600_000) + `"`)
		_, err = admin.Publish(ctx, "orders", rest.NewEvent{Type: "large", Payload: payload})
		require.NoError(t, err)
		for flags, says := range map[string]string{"odd=1": "there is no such share", "keys=0": "must be 1 to", "keys": "must be 1 to"} {
			refused := n.command("org", "limit", "them", "--share", flags)
			require.Equal(t, 2, refused.code)
			require.Contains(t, refused.stderr, says)
		}
		metrics := get(t, n.server.url+"/metrics")
		require.Contains(t, metrics.body, `eventflow_share_limit{share="uploads"} 2.68435456e+08`)
		require.Contains(t, metrics.body, `eventflow_share_refused_total{share="lasting"} 0`)
		require.Contains(t, metrics.body, `eventflow_share_taken{share="evaluations"} 0`)
	})
}
