package ui

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// sourcesView lists the sources and makes them, and shows what they refused.
type sourcesView struct {
	app.Compo
	Page

	list  load[sourceList]
	pages pages

	asking bool
	form   sourceForm
	act    act
	made   rest.SourceWithToken
	// At most one of them is set: the source whose refusals are shown, that is to get
	// another address or secret, or that is to be deleted.
	refusing, changing, deleting core.Source
	refusals                     load[[]core.SourceRefusal]
	secret                       string
	change                       act
}

// sourceList is a page of sources, with the names of their streams.
type sourceList struct {
	rest.List[core.Source]
	Names map[core.ID]string
}

// OnMount implements [app.Mounter].
func (v *sourcesView) OnMount(ctx app.Context) {
	query := ctx.Page().URL().Query()
	v.form = newSourceForm(query.Get("stream"))
	v.pages.follow(query)
	v.fetch(ctx)
}

// OnNav implements [app.Navigator].
func (v *sourcesView) OnNav(ctx app.Context) {
	if v.here(ctx) && v.pages.follow(ctx.Page().URL().Query()) {
		v.fetch(ctx)
	}
}

func (v *sourcesView) fetch(ctx app.Context) {
	cursor := v.pages.cursor()
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (list sourceList, err error) {
		if list.List, err = client.SourcesPage(ctx, cursor, 0); err == nil {
			list.Names = streamNames(ctx, client, list.streams())
		}
		return list, err
	})
}

// streams are those of the sources that are to be named, each once.
func (l sourceList) streams() (ids []core.ID) {
	for i := range l.Items {
		ids = append(ids, l.Items[i].Stream)
	}
	slices.SortFunc(ids, func(a, b core.ID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	return ids[:min(len(ids), namedOfAll)]
}

// Render implements [app.Composer].
func (v *sourcesView) Render() app.UI {
	head := []app.UI{app.H1().TabIndex(-1).Text("Sources")}
	if v.s.writable(core.ActionWriteSources) {
		head = append(head, mainButton("New source", "plus", func(app.Context, app.Event) { v.asking, v.act = true, act{} }))
	}
	parts := []app.UI{app.Div().Class("head").Body(head...), v.list.show(v.table)}
	switch {
	case v.made.Token != "":
		parts = append(parts, v.once())
	case v.asking:
		parts = append(parts, v.ask())
	case !v.refusing.ID.IsZero():
		parts = append(parts, v.showRefusals())
	case !v.changing.ID.IsZero():
		parts = append(parts, v.askChange())
	case !v.deleting.ID.IsZero():
		parts = append(parts, v.askDelete())
	default:
		parts = append(parts, actError(v.change.err)) // of pausing and resuming
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *sourcesView) table(page sourceList) app.UI {
	if len(page.Items) == 0 {
		return emptyPanel("No sources yet", "A source is an address for webhooks: Stripe, GitHub, Shopify, Slack and others send to it, and what they send becomes events of a stream. Signatures are checked. Messages of Kafka topics become events, too.", "")
	}
	columns := []column{{name: "Source"}, {name: "Sender"}, {name: "Stream", told: true}, {name: "Address", minor: true}, {name: "Status"}, {name: "Actions", number: true, unsaid: true}}
	rows := make([]app.UI, len(page.Items))
	for i := range page.Items {
		source := page.Items[i]
		state, reason := badge("ok", "running"), ""
		var place app.UI = code(source.Masked)
		if feed := source.Feed; feed != nil {
			place = app.Text("lag " + count(feed.Lag))
			if feed.Error != "" {
				state, reason = badge("bad", "failing"), feed.Error
			}
		}
		if source.State == core.SourcePaused {
			state, reason = badge("wait", "paused"), ""
		}
		rows[i] = card(columns, app.Span().Class("name").Body(named(source.Name)), app.Text(senderOf(source.Preset)), v.streamLink(page, source),
			place, app.Div().Body(state, app.P().Class("reason").Text(reason)), v.actions(source))
	}
	return app.Div().Class("stack").Body(cards("Sources", columns, rows...), pager(&v.pages, page.Pagination, v.fetch))
}

func (v *sourcesView) streamLink(page sourceList, source core.Source) app.UI {
	name := cmp.Or(page.Names[source.Stream], source.Stream.String())
	return app.A().Href(address("/streams/{stream}/events", name)).Body(named(name))
}

func (v *sourcesView) actions(source core.Source) app.UI {
	all := []app.UI{button("Refusals", "dead", nil).Aria("label", "Refusals of "+source.Name).
		OnClick(func(ctx app.Context, _ app.Event) { v.startRefusals(ctx, source) }, app.EventScope("refusals", source.ID))}
	if v.s.writable(core.ActionWriteSources) {
		label, name, next := "Pause", "pause", core.SourcePaused
		if source.State == core.SourcePaused {
			label, name, next = "Resume", "play", core.SourceRunning
		}
		all = append(all,
			button(label, name, nil).Aria("label", label+" "+source.Name).
				OnClick(func(ctx app.Context, _ app.Event) { v.setState(ctx, source, next) }, app.EventScope(label, source.ID, source.Revision)),
			button("Change", "settings", nil).Aria("label", "Change "+source.Name).
				OnClick(func(app.Context, app.Event) {
					v.changing, v.change, v.secret = source, act{}, ""
				}, app.EventScope("change", source.ID, source.Revision)))
	}
	return app.Div().Class("row").Body(all...)
}

func (v *sourcesView) setState(ctx app.Context, source core.Source, state core.SourceState) {
	v.change.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ChangeSource(ctx, source.ID.String(), core.SourceChange{State: &state}, source.Revision)
		return err
	}, func(ctx app.Context) {
		v.s.say(source.Name + " " + string(state) + ".")
		v.fetch(ctx)
	})
}

func (v *sourcesView) ask() app.UI {
	return &dialog{Title: "New source", Close: func(app.Context) { v.asking = false }, Body: []app.UI{form(v.send, v.form.fields(&v.act)...)}}
}

func (v *sourcesView) send(ctx app.Context) {
	spec := v.form.spec()
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.made, err = client.CreateSource(ctx, spec)
		return err
	}, func(ctx app.Context) {
		v.asking, v.form = false, newSourceForm(spec.Stream)
		v.fetch(ctx)
	})
}

// once shows the address of a new source, which nothing shows a second time.
func (v *sourcesView) once() app.UI {
	origin := app.Window().Get("location").Get("origin").String()
	return &dialog{Title: "Copy the address now", Close: v.forget, Body: []app.UI{
		app.P().Text("Enter it at the sender as the address of the webhook. This is the only time it is shown: whoever knows it can send."),
		&copyBox{Text: origin + v.made.Path},
		app.Div().Class("row").Body(mainButton("I have copied it", "ok", func(ctx app.Context, _ app.Event) { v.forget(ctx) })),
	}}
}

func (v *sourcesView) forget(app.Context) { v.made = rest.SourceWithToken{} }

func (v *sourcesView) startRefusals(ctx app.Context, source core.Source) {
	v.refusing = source
	v.refusals = load[[]core.SourceRefusal]{}
	v.refusals.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) ([]core.SourceRefusal, error) {
		return client.SourceRefusals(ctx, source.ID.String())
	})
}

func (v *sourcesView) showRefusals() app.UI {
	return &dialog{Title: "Refused by " + v.refusing.Name, Close: func(app.Context) { v.refusing = core.Source{} }, Body: []app.UI{
		app.If(v.refusing.Feed != nil && v.refusing.Feed.Error != "", func() app.UI { return note("bad", v.refusing.Feed.Error) }),
		v.refusals.show(func(all []core.SourceRefusal) app.UI {
			if len(all) == 0 {
				return note("ok", "Nothing was refused.")
			}
			items := make([]app.UI, len(all))
			for i, refusal := range all {
				from := strings.Join(slices.DeleteFunc([]string{refusal.Address, refusal.UserAgent}, func(text string) bool { return text == "" }), " · ")
				items[i] = app.Div().Body(
					app.P().Body(timeText(refusal.At), app.Text(": "+refusal.Reason)),
					app.P().Class("quiet").Text(from),
					app.If(refusal.Excerpt != "", func() app.UI {
						return app.Details().Class("fold").Body(app.Summary().Text("Body of "+byteText(int64(refusal.Size))), &copyBox{Text: refusal.Excerpt})
					}))
			}
			return app.Div().Class("stack").Body(app.Div().Class("stack").Body(items...),
				app.P().Class("quiet").Text("The newest of what stayed out of the stream, 100 at most."))
		}),
	}}
}

// askChange offers another secret and another address, and to delete the source.
func (v *sourcesView) askChange() app.UI {
	source := v.changing
	parts := []app.UI{}
	if source.Preset.Signs() {
		parts = append(parts, form(func(ctx app.Context) { v.sendSecret(ctx, source) },
			field("secret", "New signing secret", secretInput("secret", &v.secret, "off"), "The one before stays valid for a day.", ""),
			submitButton("Change the secret", v.change.busy)))
	}
	var buttons []app.UI
	if !source.Preset.Fetches() {
		parts = append(parts, app.P().Text("If the address has leaked, give the source another one. The one before stops working at once."))
		buttons = append(buttons, dangerButton("New address", "refresh", func(ctx app.Context, _ app.Event) {
			v.sendRotate(ctx, source)
		}).Disabled(v.change.busy))
	}
	buttons = append(buttons, dangerButton("Delete the source", "close", func(app.Context, app.Event) {
		v.changing, v.deleting, v.change = core.Source{}, source, act{}
	}))
	parts = append(parts, app.Div().Class("row").Body(buttons...), actError(v.change.err))
	return &dialog{Title: "Change " + source.Name, Close: func(app.Context) { v.changing = core.Source{} }, Body: parts}
}

func (v *sourcesView) sendSecret(ctx app.Context, source core.Source) {
	secret := v.secret
	v.change.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.ChangeSource(ctx, source.ID.String(), core.SourceChange{Secret: &secret}, source.Revision)
		return err
	}, func(ctx app.Context) {
		v.changing, v.secret = core.Source{}, ""
		v.s.say("Secret of " + source.Name + " changed.")
		v.fetch(ctx)
	})
}

func (v *sourcesView) sendRotate(ctx app.Context, source core.Source) {
	v.change.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		v.made, err = client.RotateSource(ctx, source.ID.String())
		return err
	}, func(ctx app.Context) {
		v.changing = core.Source{}
		v.fetch(ctx)
	})
}

func (v *sourcesView) askDelete() app.UI {
	source := v.deleting
	leave := func(app.Context) { v.deleting = core.Source{} }
	return question("Delete "+source.Name+"?", app.P().Text("It takes nothing in any more, and its refusals are gone. The events that it took in stay."), "Delete", &v.change, func(ctx app.Context) {
		v.change.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
			return client.DeleteSource(ctx, source.ID.String(), source.Revision)
		}, func(ctx app.Context) {
			leave(ctx)
			v.s.say(source.Name + " deleted.")
			v.fetch(ctx)
		})
	}, leave)
}
