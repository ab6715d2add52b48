package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// typingPause is how long nobody types before what was typed is asked for.
const typingPause = 150 * time.Millisecond

// delay waits for the end of typing.
type delay struct{ turn int }

// run calls f after the pause, unless it is called again before.
func (d *delay) run(ctx app.Context, f func(app.Context)) {
	d.turn++
	turn := d.turn
	time.AfterFunc(typingPause, func() {
		ctx.Dispatch(func(ctx app.Context) {
			if d.turn == turn {
				f(ctx)
			}
		})
	})
}

// after notes what is typed into a field, and calls f when the typing ends.
func (d *delay) after(value *string, f func(app.Context)) app.EventHandler {
	return func(ctx app.Context, e app.Event) {
		setText(value)(ctx, e)
		d.run(ctx, f)
	}
}

// every calls f now and then while the component is there.
func every(ctx app.Context, d time.Duration, f func(app.Context)) {
	time.AfterFunc(d, func() {
		ctx.Dispatch(func(ctx app.Context) { // which does nothing for a component that is gone
			f(ctx)
			every(ctx, d, f)
		})
	})
}

// refreshEvery is how often lists that live are fetched again.
const refreshEvery = 5 * time.Second
