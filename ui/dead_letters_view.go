package ui

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// deadLettersView lists the events that groups could not process, and counts them by
// reason. It replays or discards the selected ones, and replays all that the filter
// matches.
type deadLettersView struct {
	app.Compo
	Page

	query  core.LetterQuery
	counts load[[]core.LetterCount]
	list   load[rest.List[core.DeadLetter]]
	names  load[rest.List[core.GroupOverview]]
	pages  pages

	asking bool
	total  load[int64]
	rate   string
	start  act
	replay load[core.Replay]
	// running are the replays that go on, whoever started them.
	running load[rest.List[core.Replay]]
	stop    act

	// chosen are the ids of the selected letters.
	chosen   map[core.ID]bool
	handBack act
	// discarding says that the user is asked whether to discard the selected letters.
	discarding bool
}

// OnMount implements [app.Mounter].
func (v *deadLettersView) OnMount(ctx app.Context) { v.read(ctx) }

// OnNav implements [app.Navigator].
func (v *deadLettersView) OnNav(ctx app.Context) {
	if v.here(ctx) && ctx.Page().URL().Query().Encode() != v.address().Encode() {
		v.read(ctx)
	}
}

func (v *deadLettersView) read(ctx app.Context) {
	values := ctx.Page().URL().Query()
	v.query = core.LetterQuery{Stream: values.Get("stream"), Group: values.Get("group"), Reason: values.Get("reason"), Type: values.Get("type")}
	v.pages.follow(values)
	v.fetch(ctx)
}

func (v *deadLettersView) address() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"stream": v.query.Stream, "group": v.query.Group, "reason": v.query.Reason, "type": v.query.Type} {
		if value != "" {
			values.Set(name, value)
		}
	}
	v.pages.write(values)
	return values
}

// begin lists the first page of the letters that the filter matches.
func (v *deadLettersView) begin(ctx app.Context) {
	v.pages = pages{}
	pushQuery(ctx, v.address().Encode())
	v.fetch(ctx)
}

func (v *deadLettersView) fetch(ctx app.Context) {
	query := v.query
	v.counts.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) ([]core.LetterCount, error) {
		return client.DeadLetterCounts(ctx, core.LetterQuery{Stream: query.Stream, Group: query.Group})
	})
	v.names.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.GroupOverview], error) {
		return client.AllGroups(ctx, "", 1000)
	})
	v.running.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.Replay], error) {
		return client.ReplaysPage(ctx, core.ReplayQuery{State: core.ReplayRunning})
	})
	query.Cursor, query.Limit = v.pages.cursor(), 50
	v.list.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (rest.List[core.DeadLetter], error) {
		return client.DeadLettersPage(ctx, query)
	})
	v.list.retryBy(v.fetch)
}

// name returns the names of a group and of its stream. An unknown group is named by
// its id.
func (v *deadLettersView) name(group core.ID) (stream, name string) {
	for _, one := range v.names.value.Items {
		if one.ID == group {
			return one.StreamName, one.Name
		}
	}
	return "", group.String()
}

// Render implements [app.Composer].
func (v *deadLettersView) Render() app.UI {
	head := []app.UI{app.H1().TabIndex(-1).Text("Dead letters")}
	if v.s.writable(core.ActionWriteLetters) && v.list.have() && len(v.list.value.Items) > 0 {
		head = append(head, mainButton("Replay all matching…", "refresh", v.ask))
	}
	parts := []app.UI{app.Div().Class("head").Body(head...), v.controls(), v.progress()}
	for _, replay := range v.running.value.Items {
		if replay.ID != v.replay.value.ID {
			parts = append(parts, v.goesOn(replay))
		}
	}
	if v.counts.have() && len(v.counts.value) > 0 {
		parts = append(parts, v.reasons())
	}
	parts = append(parts, v.list.show(v.table))
	switch {
	case v.asking:
		parts = append(parts, v.dialog())
	case v.discarding:
		parts = append(parts, v.askDiscard())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *deadLettersView) controls() app.UI {
	input := func(id, label string, value *string) app.UI {
		return app.Input().ID(id).Type("search").Aria("label", label).Placeholder(label).Value(inputValue(*value)).OnInput(setText(value)).Spellcheck(false)
	}
	return app.Form().Class("controls").Role("search").Aria("label", "Dead letters").Body(
		input("letter-stream", "Stream", &v.query.Stream), input("letter-group", "Group", &v.query.Group),
		input("letter-type", "Event type", &v.query.Type), input("letter-reason", "Reason", &v.query.Reason),
		app.Button().Class("button").Type("submit").Body(icon("search"), app.Span().Text("Apply")),
	).OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.begin(ctx)
	})
}

// reasons lists how many letters there are of each reason and group.
func (v *deadLettersView) reasons() app.UI {
	columns := []column{{name: "Reason"}, {name: "Group"}, {name: "Stream", minor: true}, {name: "Count", number: true, told: true}}
	var rows []app.UI
	for i, one := range v.counts.value {
		stream, group := v.name(one.Group)
		reason := one.Reason
		if reason == "" {
			reason = "(no reason)"
		}
		rows = append(rows, card(columns,
			app.Button().Class("bare", "offset", "reason").Type("button").Body(named(reason)).OnClick(func(ctx app.Context, _ app.Event) {
				v.query.Reason, v.query.Stream, v.query.Group = one.Reason, stream, group
				v.begin(ctx)
			}, app.EventScope(i, one.Reason, one.Group)),
			named(group), named(stream), app.Text(count(one.Count))))
	}
	return app.Section().Class("panel").Aria("label", "By reason").Body(app.H2().Text("By reason"), cards("Dead letters by reason", columns, rows...))
}

func (v *deadLettersView) table(page rest.List[core.DeadLetter]) app.UI {
	if len(page.Items) == 0 {
		if v.query != (core.LetterQuery{}) {
			return emptyPanel("Nothing matches", "No dead letters match this filter.", "", button("Clear", "close", func(ctx app.Context, _ app.Event) {
				v.query = core.LetterQuery{}
				v.begin(ctx)
			}))
		}
		return emptyPanel("No dead letters", "Events that a group could not process after all attempts end up here. There are none.", "")
	}
	columns := []column{{name: "Select", unsaid: true}, {name: "Event"}, {name: "Group", minor: true}, {name: "Reason"}, {name: "Attempts", number: true, minor: true}, {name: "Parked", minor: true}, {name: "State"}}
	rows := make([]app.UI, len(page.Items))
	for i := range page.Items {
		letter := &page.Items[i]
		_, group := v.name(letter.Group)
		state := badge("wait", "parked")
		if letter.State == core.Replaying {
			state = badge("info", "replaying")
		}
		rows[i] = card(columns, v.chooser(letter),
			app.A().Class("name").Href(address("/dead-letters/{id}", letter.ID.String())).Body(named(letter.Event.Type), app.Text(" #"+count(int64(letter.Event.Offset)))),
			named(group), named(letter.Reason), app.Text(count(len(letter.Attempts))), timeText(letter.ParkedAt), state)
	}
	return app.Div().Class("stack").Body(v.chosenBar(), cards("Dead letters", columns, rows...),
		pager(&v.pages, page.Pagination, v.fetch))
}

// chooser is the box that selects a letter.
func (v *deadLettersView) chooser(letter *core.DeadLetter) app.UI {
	if !v.s.writable(core.ActionWriteLetters) || letter.State == core.Replaying {
		return app.Span()
	}
	id := letter.ID
	return app.Input().Type("checkbox").Checked(v.chosen[id]).Aria("label", "Select "+letter.Event.Type+" "+count(int64(letter.Event.Offset))).
		OnChange(func(ctx app.Context, _ app.Event) {
			if v.chosen == nil {
				v.chosen = map[core.ID]bool{}
			}
			if v.chosen[id] = ctx.JSSrc().Get("checked").Bool(); !v.chosen[id] {
				delete(v.chosen, id)
			}
		}, app.EventScope(id))
}

// chosenBar has the actions on the selected letters.
func (v *deadLettersView) chosenBar() app.UI {
	if len(v.chosen) == 0 {
		return actError(v.handBack.err)
	}
	return app.Div().Class("row").Body(
		app.Strong().Text(count(len(v.chosen))+" selected"),
		button("Replay selected", "refresh", func(ctx app.Context, _ app.Event) {
			v.each(ctx, "Replay requested for", func(ctx context.Context, client *rest.Client, id string) error {
				_, err := client.ReplayDeadLetter(ctx, id, nil)
				return err
			})
		}).Disabled(v.handBack.busy),
		dangerButton("Discard selected…", "dead", func(app.Context, app.Event) { v.discarding, v.handBack = true, act{} }).Disabled(v.handBack.busy),
		actError(v.handBack.err))
}

func (v *deadLettersView) askDiscard() app.UI {
	return question("Discard "+plural(len(v.chosen), "dead letter")+"?", app.P().Text("Their groups will never process these events. The events stay in their streams."), "Discard "+count(len(v.chosen)),
		&v.handBack, func(ctx app.Context) {
			v.each(ctx, "Discarded", func(ctx context.Context, client *rest.Client, id string) error {
				return client.DiscardDeadLetter(ctx, id)
			})
		}, func(app.Context) { v.discarding = false })
}

// each does something with every selected letter, and says what was done.
func (v *deadLettersView) each(ctx app.Context, done string, do func(context.Context, *rest.Client, string) error) {
	ids := slices.Collect(maps.Keys(v.chosen))
	v.handBack.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		for _, id := range ids {
			if err := do(ctx, client, id.String()); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx app.Context) {
		v.s.say(done + " " + plural(len(ids), "dead letter") + ".")
		v.chosen, v.discarding = nil, false
		v.fetch(ctx)
	})
}

// request is a replay of all that the filter matches.
func (v *deadLettersView) request() rest.ReplayRequest {
	return rest.ReplayRequest{Stream: v.query.Stream, Group: v.query.Group, Reason: v.query.Reason, Type: v.query.Type}
}

// ask opens the dialog and counts the letters of a replay.
func (v *deadLettersView) ask(ctx app.Context, _ app.Event) {
	v.asking, v.start = true, act{}
	request := v.request()
	v.total.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (int64, error) { return client.CountReplay(ctx, request) })
}

func (v *deadLettersView) dialog() app.UI {
	return &dialog{Title: "Replay dead letters", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		v.total.show(func(total int64) app.UI {
			wrong := fieldErrors{err: v.start.err}
			return app.Div().Class("stack").Body(
				app.P().Text("The filter matches "+plural(total, "dead letter")+" on all pages. Each goes back to its group and is processed again."),
				form(v.send,
					field("rate", "Rate limit (events/s)", textInput("rate", &v.rate).Attr("inputmode", "decimal").Placeholder("unlimited"), "", wrong.of("rate")),
					wrong.rest(),
					submitButton("Replay "+count(total), v.start.busy).Disabled(total == 0 || v.start.busy)))
		}),
	}}
}

func (v *deadLettersView) send(ctx app.Context) {
	request := v.request()
	if v.rate != "" { // without a rate, the server replays as fast as it can
		perSecond, err := strconv.ParseFloat(strings.ReplaceAll(v.rate, ",", ""), 64)
		if err != nil || math.IsNaN(perSecond) || math.IsInf(perSecond, 0) {
			v.start.err = core.Invalid("rate", "must be a number")
			return
		}
		request.Rate = perSecond
	}
	var replay core.Replay
	v.start.run(ctx, v.s, func(ctx context.Context, client *rest.Client) (err error) {
		replay, err = client.ReplayDeadLetters(ctx, request)
		return err
	}, func(ctx app.Context) {
		v.asking = false
		v.watch(ctx, replay.ID.String())
	})
}

// watch follows a replay until it has ended.
func (v *deadLettersView) watch(ctx app.Context, id string) {
	v.replay.fetch(ctx, v.s, func(ctx context.Context, client *rest.Client) (core.Replay, error) { return client.Replay(ctx, id) })
	time.AfterFunc(time.Second, func() {
		ctx.Dispatch(func(ctx app.Context) {
			if v.replay.have() && v.replay.value.State != core.ReplayRunning {
				v.fetch(ctx)
				return
			}
			v.watch(ctx, id)
		})
	})
}

// progress is the outcome of the replay that was started here, or how far it is.
func (v *deadLettersView) progress() app.UI {
	if !v.replay.have() {
		return app.Span()
	}
	replay := v.replay.value
	words := replayWords(replay)
	switch replay.State {
	case core.ReplayDone:
		return note("ok", "Replay finished: "+words+".")
	case core.ReplayStopped:
		if replay.Error != "" {
			return note("bad", "Replay stopped: "+replay.Error+" ("+words+"). The other dead letters stay.")
		}
		return note("info", "Replay stopped: "+words+". The other dead letters stay.")
	case core.ReplayFailed:
		return note("bad", "Replay failed: "+replay.Error+" ("+words+")")
	}
	return v.goesOn(replay)
}

func replayWords(replay core.Replay) string {
	words := fmt.Sprintf("%s of %s replayed", count(replay.Done), count(replay.Total))
	if replay.Gone > 0 {
		words += ", " + count(replay.Gone) + " skipped (gone or already replaying)"
	}
	return words
}

// goesOn shows how far a replay is, and stops it.
func (v *deadLettersView) goesOn(replay core.Replay) app.UI {
	parts := []app.UI{icon("wait"), app.Div().Class("grow").Body(
		app.Div().Text("Replaying: "+replayWords(replay)),
		app.Progress().Max(float64(max(replay.Total, 1))).Value(float64(replay.Done+replay.Gone)).Aria("label", "Replay"))}
	if v.s.writable(core.ActionWriteLetters) {
		parts = append(parts, button("Stop replay", "", func(ctx app.Context, _ app.Event) { v.stopReplay(ctx, replay.ID.String()) }).Disabled(v.stop.busy))
	}
	return app.Div().Class("note", "info").Role("status").Body(parts...)
}

func (v *deadLettersView) stopReplay(ctx app.Context, id string) {
	v.stop.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.StopReplay(ctx, id)
		return err
	}, func(ctx app.Context) {
		v.s.say("Replay stopped. The other dead letters stay.")
		v.fetch(ctx)
	})
}
