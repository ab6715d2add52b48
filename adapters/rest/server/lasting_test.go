package server_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// guest is somebody who watches and consumes a stream for as long as they may.
type guest struct {
	client *rest.Client
	header http.Header
	// out puts an end to it, after which requests get code.
	out  func(t *testing.T)
	code core.Code
}

// guests are one of each kind whose permission ends.
func guests(t *testing.T, v *vault) map[string]guest {
	t.Helper()
	ctx := context.Background()
	key := func(t *testing.T, streams ...string) (rest.KeyWithSecret, guest) {
		made, err := v.client.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: "mailer", Role: core.RoleAdmin, Streams: streams})
		require.NoError(t, err)
		return made, guest{client: v.with(made.Secret), header: http.Header{"X-Api-Key": {made.Secret}}}
	}
	person := func(email string) (rest.SignedIn, guest) {
		signedIn := v.person(email, core.RoleAdmin)
		return signedIn, guest{client: v.as(signedIn), header: http.Header{"Authorization": {"Bearer " + signedIn.AccessToken}}}
	}
	all := map[string]guest{}

	made, revoked := key(t)
	revoked.code = core.CodeUnauthorized
	revoked.out = func(t *testing.T) { require.NoError(t, v.client.RevokeKey(ctx, made.Kind, made.ID.String())) }
	all["a key is revoked"] = revoked

	ann, demoted := person("ann@example.com")
	_, boss := person("boss@example.com")
	demoted.code = core.CodeUnauthorized
	demoted.out = func(t *testing.T) {
		disabled := core.UserDisabled
		_, err := boss.client.ChangeUser(ctx, ann.User.ID.String(), core.UserChange{State: &disabled}, 0)
		require.NoError(t, err)
	}
	all["a person is disabled"] = demoted

	_, out := person("bob@example.com")
	out.code, out.out = core.CodeUnauthorized, func(t *testing.T) { require.NoError(t, out.client.Logout(ctx)) }
	all["a person signs out"] = out

	_, gone := key(t)
	gone.code = core.CodeNotFound
	gone.out = func(t *testing.T) { require.NoError(t, v.client.DeleteStream(ctx, "orders", 0)) }
	all["the stream is deleted"] = gone
	return all
}

// A tail ends with its permission, and says why.
func TestATailEndsWithItsPermission(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a key is revoked", "a person is disabled", "a person signs out", "the stream is deleted"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := openVault(t)
			v.stream("orders")
			g := guests(t, v)[name]
			request, err := http.NewRequest(http.MethodGet, "http://"+v.address+rest.StreamEventsPath("orders")+"/live", nil)
			require.NoError(t, err)
			request.Header = g.header
			response, err := http.DefaultTransport.RoundTrip(request)
			require.NoError(t, err)
			defer response.Body.Close()
			late := time.AfterFunc(patience, func() { response.Body.Close() })
			defer late.Stop()
			require.Equal(t, http.StatusOK, response.StatusCode)
			lines := bufio.NewScanner(response.Body)
			require.True(t, lines.Scan(), "the head")
			g.out(t)
			var said []string
			for lines.Scan() {
				said = append(said, lines.Text())
			}
			require.NoError(t, lines.Err(), "the server ends it")
			text := strings.Join(said, "\n")
			require.Contains(t, text, "event: ended\ndata: {")
			require.Contains(t, text, string(g.code))
		})
	}
}

// A poll that waits hands nothing out to who may have nothing any more.
func TestAPollEndsWithItsPermission(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a key is revoked", "the stream is deleted"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := openVault(t)
			v.stream("orders")
			ctx := context.Background()
			_, err := v.client.CreateGroup(ctx, "orders", core.GroupSpec{Name: "mail"})
			require.NoError(t, err)
			g := guests(t, v)[name]
			ended := make(chan error)
			go func() {
				_, err := g.client.Poll(ctx, "orders", "mail", rest.PollOptions{Wait: time.Minute})
				ended <- err
			}()
			require.Eventually(t, func() bool { return v.server.Polls() == 1 }, patience, time.Millisecond)
			g.out(t)
			require.Equal(t, g.code, core.CodeOf(<-ended))
		})
	}
}

// An export that goes on stops at the next page.
func TestAnExportEndsWithItsPermission(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	v.stream("orders")
	made, err := v.client.CreateKey(t.Context(), core.KindServiceToken, core.KeyRequest{Label: "mailer", Role: core.RoleAdmin})
	require.NoError(t, err)
	who, err := v.access.Authenticate(t.Context(), made.Secret)
	require.NoError(t, err)
	who.Credential = v.access.Credential(made.Secret)
	for range 3 {
		v.publish("orders", core.MaxPageSize)
	}
	events, err := v.server.Query.Export(t.Context(), who, "orders", core.EventQuery{})
	require.NoError(t, err)
	read := 0
	for _, err := range events {
		if err != nil {
			require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
			require.Equal(t, core.MaxPageSize, read)
			return
		}
		if read++; read == 1 {
			require.NoError(t, v.client.RevokeKey(t.Context(), made.Kind, made.ID.String()))
		}
	}
	require.Fail(t, "the export went on")
}
