package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestTheServerSaysWhatItIs(t *testing.T) {
	t.Parallel()
	var asked core.Principal
	f := start(t, func(o *server.Options, _ *fixture) {
		o.System = func(who core.Principal) rest.System {
			asked = who
			return rest.System{Version: "v1"}
		}
	})
	system, err := f.client.System(t.Context())
	require.NoError(t, err)
	require.Equal(t, "v1", system.Version)
	require.Equal(t, f.org, asked.Org)
	require.Equal(t, 401, f.do("GET", rest.SystemPath, nil, "-").StatusCode)
	roles, err := f.client.Roles(t.Context())
	require.NoError(t, err)
	require.Len(t, roles.Items, len(core.Roles))
	require.Equal(t, core.RoleAdmin, roles.Items[0].Role)
	require.Equal(t, core.Actions, roles.Items[0].Permissions)
}
