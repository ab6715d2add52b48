package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestAPasswordIsChanged(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	here := o.person("ann@example.com", core.RoleViewer)
	elsewhere := o.login("ann@example.com", password)
	const next = "Better-Horse-10"
	for present, chosen := range map[string]string{"Wrong-Horse-99": next, password: "weak", password + " ": next} {
		err := o.as(here).ChangePassword(ctx, rest.PasswordChange{Password: present, NewPassword: chosen})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
	}
	require.NoError(t, o.as(here).ChangePassword(ctx, rest.PasswordChange{Password: password, NewPassword: next}))
	require.Contains(t, o.mail(0), "ann@example.com\nThe password of this address was changed", "the user is told")
	_, err := o.as(here).Me(ctx)
	require.NoError(t, err, "the session at hand goes on")
	_, err = o.as(elsewhere).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "all others end")
	_, err = o.anonymous().Login(ctx, rest.LoginRequest{Email: "ann@example.com", Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	o.login("ann@example.com", next)
}

func TestAForgottenPasswordIsReset(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ctx := context.Background()
	before := o.person("ann@example.com", core.RoleViewer)
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ANN@example.com"))
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ann@example.com"))
	token := func(i int) string {
		_, after, _ := strings.Cut(o.mail(i), "#t=")
		return strings.TrimSpace(after)
	}
	const next = "Better-Horse-10"
	err := o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(0), Password: next})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "a newer link voids the older")
	require.NoError(t, o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(1), Password: next}))
	err = o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(1), Password: password})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "a link is good once")
	require.Contains(t, o.mail(2), "was changed", "the user is told")
	_, err = o.as(before).Me(ctx)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "all sessions end")
	o.login("ann@example.com", next)
	require.NoError(t, o.anonymous().ForgotPassword(ctx, "ann@example.com"))
	o.pass(core.ResetTicketLife)
	err = o.anonymous().ResetPassword(ctx, rest.ResetPasswordRequest{Token: token(3), Password: next})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "and for 15 minutes")
}
