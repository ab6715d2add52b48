package ui

import (
	"context"
	"fmt"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// furtherPages is the number of pages that are searched before the user is asked
// again.
const furtherPages = 20

// further searches page after page for an event that fits the filter.
type further struct {
	cancel context.CancelFunc // nil while no search runs
	err    error
}

func (f *further) stop() {
	if f.cancel != nil {
		f.cancel()
	}
	f.cancel, f.err = nil, nil
}

// start searches the pages behind the one that is shown.
func (f *further) start(ctx app.Context, v *eventsView) {
	f.stop()
	looking, cancel := context.WithCancel(ctx)
	f.cancel = cancel
	at, narrow := v.page.value, v.narrow
	ctx.Async(func() {
		err := f.walk(looking, v, narrow, at)
		v.s.dispatch(func(app.Context) {
			if looking.Err() == nil {
				v.s.heardOf(err)
				f.stop()
				f.err = err
			}
		})
	})
}

// walk shows one page after the other. It stops at an event that fits, at the end,
// and after furtherPages pages.
func (f *further) walk(looking context.Context, v *eventsView, narrow narrowing, at found) error {
	for i := range furtherPages {
		cursor, passed := at.Pagination.NextCursor, at.passed+at.looked
		limited, cancel := context.WithTimeout(looking, requestTimeout)
		err := v.s.do(limited, func(ctx context.Context, client *rest.Client) (err error) {
			at, err = narrow.read(ctx, client, v.stream(), cursor)
			return err
		})
		cancel()
		if err != nil {
			return err
		}
		at.passed = passed
		next := at
		v.s.dispatch(func(ctx app.Context) {
			if looking.Err() == nil {
				v.pages.next(cursor)
				v.page.value, v.page.at = next, time.Now()
				v.remember(ctx, i == 0) // one step back leads to where the search began
			}
		})
		if len(at.Items) > 0 || !at.Pagination.HasMore {
			return nil
		}
	}
	return nil
}

// view says how much was searched for the page that is shown. Where nothing was
// found, it offers to search more.
func (f *further) view(v *eventsView, page found) app.UI {
	if f.cancel != nil {
		return app.Div().Class("row").Body(
			app.Span().Class("quiet").Text("Searched "+plural(page.looked+page.passed, "event")+" so far…"),
			button("Stop", "close", func(app.Context, app.Event) { f.stop() }))
	}
	words := page.words()
	if words == "" {
		return app.P().Class("hidden").Role("status")
	}
	parts := []app.UI{app.P().Role("status").Text(words)}
	if len(page.Items) == 0 && page.Pagination.HasMore {
		parts = append(parts, button("Search more", "search", func(ctx app.Context, _ app.Event) { f.start(ctx, v) }).
			Title(fmt.Sprintf("Searches up to %d more pages", furtherPages)))
	}
	return app.Div().Class("row").Body(append(parts, actError(f.err))...)
}
