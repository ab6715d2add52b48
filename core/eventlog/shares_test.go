package eventlog_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// An organization has as many streams as it may, one more when it has removed one, and
// others do not notice. A bound of its own takes the place of the general one in a second.
func TestStreamsOfAnOrganizationAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		catalog := memory.NewCatalog()
		shares := eventlog.NewShares(eventlog.SharePorts{
			Organizations: catalog, Holdings: catalog, Authorizer: coretest.Everything{}, General: core.Shares{Streams: 2}, Now: time.Now,
		})
		streams := eventlog.NewStreams(eventlog.StreamPorts{
			Catalog: catalog, Log: coretest.OpenLog(t), Authorizer: coretest.Everything{}, Shares: shares, Now: time.Now,
		})
		org := core.Organization{ID: core.ID{1}, Name: "acme", CreatedAt: time.Now()}
		_, err := catalog.EnsureOrganization(t.Context(), org)
		require.NoError(t, err)
		who := core.Principal{Org: org.ID, Role: core.RoleAdmin}
		create := func(who core.Principal, name string) error {
			_, err := streams.Create(t.Context(), who, core.StreamSpec{Name: name})
			return err
		}
		require.NoError(t, create(who, "a"))
		require.NoError(t, create(who, "b"))
		var full *core.Error
		require.ErrorAs(t, create(who, "c"), &full)
		require.Equal(t, core.CodeConflict, full.Code)
		require.Equal(t, string(core.ShareStreams), full.Details[0].Field)
		require.Contains(t, full.Message, "2")
		require.NoError(t, create(core.Principal{Org: core.ID{2}, Role: core.RoleAdmin}, "c"))
		require.NoError(t, streams.Delete(t.Context(), who, "a", 0))
		require.NoError(t, create(who, "c"))

		require.NoError(t, org.ApplyLimits(core.OrganizationLimits{Shares: map[core.Share]int64{core.ShareStreams: 3, core.ShareUploads: 5}}))
		require.NoError(t, catalog.LimitOrganization(t.Context(), org))
		time.Sleep(time.Second)
		require.NoError(t, create(who, "d"))
		require.Equal(t, core.CodeConflict, core.CodeOf(create(who, "e")))
		usage, err := shares.Usage(t.Context(), who)
		require.NoError(t, err)
		require.Equal(t, core.Shares{Streams: 3}, usage.Used)
		want := core.DefaultShares
		want.Streams, want.Uploads = 3, 5
		require.Equal(t, want, usage.Allowed)
	})
}

// Bounds that bound nothing, and shares that there are none of, are refused by name.
func TestSharesAreChecked(t *testing.T) {
	t.Parallel()
	for share, most := range map[core.Share]int64{core.ShareKeys: -1, core.ShareUploads: core.MaxShare + 1, "odd": 1} {
		org := core.Organization{}
		err := org.ApplyLimits(core.OrganizationLimits{Shares: map[core.Share]int64{share: most}})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.ErrorContains(t, err, string(share))
	}
}
