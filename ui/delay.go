package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// typingPause is how long a user must not type before the typing has ended.
const typingPause = 150 * time.Millisecond

// delay waits until the user has stopped typing.
type delay struct{ turn int }

// run calls f after the pause. Another call before that puts f off again.
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

// after handles the input of a field: it writes what was typed to value, and calls f
// when the typing has ended.
func (d *delay) after(value *string, f func(app.Context)) app.EventHandler {
	return func(ctx app.Context, e app.Event) {
		setText(value)(ctx, e)
		d.run(ctx, f)
	}
}

// every calls f again and again while the component is mounted.
func every(ctx app.Context, d time.Duration, f func(app.Context)) {
	time.AfterFunc(d, func() {
		ctx.Dispatch(func(ctx app.Context) { // Dispatch does nothing for a component that is gone
			f(ctx)
			every(ctx, d, f)
		})
	})
}

// refreshEvery is the time between two looks at numbers that change.
const refreshEvery = 5 * time.Second
