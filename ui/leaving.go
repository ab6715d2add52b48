package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// leaving is a change of a user that leaves keys behind, before it is made.
type leaving struct {
	user core.User
	// title asks, what says what happens, label is the text of the button, and done what
	// is said afterwards.
	title, what, label, done string
	// keys are what the user leaves, and fate is what becomes of them.
	keys []core.APIKey
	fate core.KeyFate
	// change makes the change.
	change func(context.Context, *rest.Client, core.KeyFate) error
}

// fates are what can become of keys.
var fates = []choice[core.KeyFate]{
	{core.KeepKeys, "go on working, under the user’s name"},
	{core.RevokeKeys, "are revoked, with all that they have made"},
	{core.HandOverKeys, "are handed over to you"},
}

// leave asks which keys a change leaves, and shows them before it is made. A role is the
// user's new one; "" leaves all keys. Where the change leaves none and asks nothing else,
// it is made at once.
func (v *usersView) leave(ctx app.Context, l leaving, role core.Role) {
	l.fate = core.KeepKeys
	v.change.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		l.keys, err = client.UserKeys(ctx, l.user.ID.String(), role)
		return err
	}, func(ctx app.Context) {
		if len(l.keys) == 0 && l.what == "" {
			v.doLeave(ctx, l)
			return
		}
		v.changing, v.leaving = core.User{}, l
	})
}

func (v *usersView) doLeave(ctx app.Context, l leaving) {
	v.do(ctx, l.done, func(ctx context.Context, client *rest.Client) error { return l.change(ctx, client, l.fate) })
}

// askLeave is the question before a change that leaves keys, or that cannot be undone.
func (v *usersView) askLeave() app.UI {
	parts := []app.UI{}
	if v.leaving.what != "" {
		parts = append(parts, app.P().Text(v.leaving.what))
	}
	if keys := v.leaving.keys; len(keys) > 0 {
		parts = append(parts, keyNames("This user has made keys or tokens that the change leaves:", keys),
			field("fate", "They", selectInput("fate", &v.leaving.fate, fates, nil), "", ""))
	}
	leave := func(app.Context) { v.leaving = leaving{} }
	return question(v.leaving.title, app.Div().Class("stack").Body(parts...), v.leaving.label, &v.change,
		func(ctx app.Context) { v.doLeave(ctx, v.leaving) }, leave)
}

// namedKeys is how many keys a question names. The rest are counted.
const namedKeys = 10

// keyNames lists keys of both kinds in a question about them.
func keyNames(head string, keys []core.APIKey) app.UI {
	rows := []app.UI{}
	for _, key := range keys[:min(len(keys), namedKeys)] {
		rows = append(rows, app.Li().Body(app.Bdi().Text(key.Label), app.Text(" "), app.Code().Text(key.Masked), app.Text(" "+string(key.Role))))
	}
	if more := len(keys) - len(rows); more > 0 {
		rows = append(rows, app.Li().Text("and "+count(int64(more))+" more"))
	}
	return app.Div().Body(app.P().Text(head), app.Ul().Body(rows...))
}
