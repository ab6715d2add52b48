package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestTheTrailSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	admin := o.person("ann@example.com", core.RoleAdmin)
	viewer := o.person("bob@example.com", core.RoleViewer)
	_, err := o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: "Wrong-Horse-99"})
	require.Error(t, err)
	got := o.do("POST", rest.UsersPath, strings.NewReader(`{}`), "X-API-Key: "+viewer.AccessToken, "User-Agent: curious", "X-Request-Id: r-1")
	require.Equal(t, 403, got.StatusCode)
	page, err := o.as(admin).AuditPage(ctx, core.EventQuery{})
	require.NoError(t, err)
	var actions []string
	for _, event := range page.Items {
		actions = append(actions, event.Type)
		require.NotContains(t, string(event.Payload), "Horse", "no password is in the trail")
	}
	require.Equal(t, []string{"user.created", "login.succeeded", "user.created", "login.succeeded", "login.failed", "request.refused"}, actions)
	var entry core.AuditEntry
	require.NoError(t, json.Unmarshal(page.Items[5].Payload, &entry))
	require.Equal(t, []any{"bob@example.com", "route", "POST /api/v1/users", "127.0.0.1", "curious", "r-1"},
		[]any{entry.Actor.Label, entry.Target.Kind, entry.Target.ID, entry.Address, entry.UserAgent, entry.RequestID})
	_, err = o.as(viewer).AuditPage(ctx, core.EventQuery{})
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	failed, err := o.as(admin).AuditPage(ctx, core.EventQuery{Filter: core.Filter{Type: "login.failed"}})
	require.NoError(t, err)
	require.Len(t, failed.Items, 1)
}
