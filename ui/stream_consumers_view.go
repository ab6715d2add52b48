package ui

import (
	"context"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// streamConsumersView lists the consumer groups of a stream and makes new ones.
type streamConsumersView struct {
	app.Compo
	Page

	list   load[[]core.GroupOverview]
	trends trends
	asking bool
	name   string
	mode   core.Mode
	// ordering is the ordering key, for a shared group.
	ordering string
	start    startKind
	act      act
}

// OnMount implements [app.Mounter].
func (v *streamConsumersView) OnMount(ctx app.Context) {
	v.mode, v.start = core.Ordered, startOldest
	v.fetch(ctx)
	every(ctx, refreshEvery, v.fetch)
}

func (v *streamConsumersView) fetch(ctx app.Context) {
	if v.list.busy || hidden() {
		return
	}
	stream := v.stream()
	v.list.fetchKept(ctx, v.s, keptStreamGroups.of(stream), func(ctx context.Context, client *rest.Client) (all []core.GroupOverview, err error) {
		groups, err := client.Groups(ctx, stream)
		for _, group := range groups {
			status, failed := client.Lag(ctx, stream, group.ID.String())
			if failed != nil {
				return nil, failed
			}
			v.trends.note(group.ID, status.Lag)
			all = append(all, core.GroupOverview{Group: group, StreamName: stream, Status: status})
		}
		return all, err
	})
}

// Render implements [app.Composer].
func (v *streamConsumersView) Render() app.UI {
	parts := []app.UI{
		streamHead(v.Page, app.If(v.s.writable(core.ActionWriteGroups), func() app.UI {
			return mainButton("New group", "plus", func(app.Context, app.Event) { v.asking = true })
		})),
		v.list.show(func(groups []core.GroupOverview) app.UI {
			if len(groups) == 0 {
				return emptyWith("No consumer groups yet", "A consumer group receives every event at least once and keeps track of its position. Create one here or from a shell:",
					commandBox(v.s, postCommand(v.s.origin+rest.GroupsPath(v.stream()), `{"name":"billing"}`)))
			}
			return groupTable(groups, &v.trends, false)
		}),
	}
	if v.asking {
		parts = append(parts, v.ask())
	}
	return app.Div().Class("stack").Body(parts...)
}

func (v *streamConsumersView) ask() app.UI {
	wrong := fieldErrors{err: v.act.err}
	return &dialog{Title: "New consumer group", Close: func(app.Context) { v.asking = false }, Body: []app.UI{
		form(v.send,
			field("group", "Name", textInput("group", &v.name).Required(true).Placeholder("billing"), "", wrong.of("name")),
			field("mode", "Mode", selectInput("mode", &v.mode, []choice[core.Mode]{
				{core.Ordered, "Ordered: one batch at a time, in strict order"},
				{core.Shared, "Shared: several consumers in parallel"},
			}, nil), "Cannot be changed later.", ""),
			app.If(v.mode == core.Shared, func() app.UI {
				return field("ordering-key", "Ordering key", textInput("ordering-key", &v.ordering).Class("mono").Placeholder("payload.customer.id"),
					"Optional: subject, or a path as in payload.customer.id. Events of one key come in order, one at a time. Cannot be changed later.",
					wrong.of("ordering_key"))
			}),
			field("start", "Start from", selectInput("start", &v.start, []choice[startKind]{{startOldest, "Oldest event"}, {startEnd, "New events only"}}, nil), "", ""),
			wrong.rest(),
			submitButton("Create group", v.act.busy)),
	}}
}

func (v *streamConsumersView) send(ctx app.Context) {
	stream := v.stream()
	spec := core.GroupSpec{Name: v.name, Mode: v.mode, Start: core.Start{End: v.start == startEnd}}
	if v.mode == core.Shared { // what was written before the mode was changed does not count
		spec.OrderingKey = strings.TrimSpace(v.ordering)
	}
	v.act.run(ctx, v.s, func(ctx context.Context, client *rest.Client) error {
		_, err := client.CreateGroup(ctx, stream, spec)
		return err
	}, func(ctx app.Context) {
		v.s.say("Group " + spec.Name + " created.")
		v.asking, v.name, v.ordering = false, "", ""
		v.fetch(ctx)
	})
}
