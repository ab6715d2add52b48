package ui

import (
	"fmt"
	"math"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// retry is the button that tries again. Where the server has asked to wait, it counts
// down first.
type retry struct {
	app.Compo
	Again func(app.Context)
	// Err is the error. Another error may begin another wait.
	Err error

	// until is when the wait for the error of ends.
	of    error
	until time.Time
}

// OnMount implements [app.Mounter].
func (r *retry) OnMount(ctx app.Context) { every(ctx, time.Second, func(app.Context) {}) }

// Render implements [app.Composer].
func (r *retry) Render() app.UI {
	if r.of != r.Err { //nolint:errorlint // another answer, not another kind
		r.of, r.until = r.Err, time.Now().Add(retryAfter(r.Err))
	}
	label, wait := "Try again", time.Until(r.until)
	if wait > 0 {
		label = fmt.Sprintf("Try again in %.0f s", math.Ceil(wait.Seconds()))
	}
	return button(label, "refresh", func(ctx app.Context, _ app.Event) { r.Again(ctx) }).Disabled(wait > 0)
}
