package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Who signs in again in the same browser leaves no session behind.
func TestASignInEndsTheOneItReplaces(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	elsewhere := o.person("ann@example.com", core.RoleViewer)
	signIn := func(cookie, password string) reply {
		body := `{"email":"ann@example.com","want_refresh_token":true,"password":"` + password + `"}`
		return o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "Cookie: "+cookie)
	}
	var first rest.SignedIn
	got := signIn("none=x", password)
	require.NoError(t, json.Unmarshal(got.body, &first))
	cookie, _, _ := strings.Cut(got.Header.Get("Set-Cookie"), ";")
	require.Equal(t, 401, signIn(cookie, "Wrong-Horse-99").StatusCode)
	_, err := o.as(first).Me(t.Context())
	require.NoError(t, err, "a wrong password ends nothing")
	require.Equal(t, 200, signIn(cookie, password).StatusCode)
	_, err = o.as(first).Me(t.Context())
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	_, err = o.as(elsewhere).Me(t.Context())
	require.NoError(t, err, "another browser's stays")
}
