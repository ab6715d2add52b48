package ui

import (
	"context"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// slowAfter is how long a page waits with its skeleton: what comes sooner would
// only flicker.
const slowAfter = 150 * time.Millisecond

// requestTimeout bounds one request of a page.
const requestTimeout = 25 * time.Second

// load is something that is fetched: what a page shows of it depends on how far
// that is. What came before stays while it is fetched again.
type load[T any] struct {
	value T
	// at is when value came, zero when none did; kept says that it is from the
	// browser's storage.
	at   time.Time
	kept bool
	err  error
	// busy: it is being fetched; slow: for so long that the page should say so.
	busy, slow bool
	turn       int
	again      func(app.Context)
}

// have reports whether there is something to show.
func (l *load[T]) have() bool { return !l.at.IsZero() }

// fetch starts to fetch; an earlier one that still runs is forgotten.
func (l *load[T]) fetch(ctx app.Context, s *session, get func(context.Context, *rest.Client) (T, error)) {
	l.turn++
	turn := l.turn
	l.busy = true
	l.retryBy(func(ctx app.Context) { l.fetch(ctx, s, get) })
	time.AfterFunc(slowAfter, func() {
		s.dispatch(func(app.Context) { l.slow = l.busy && l.turn == turn })
	})
	ctx.Async(func() {
		var value T
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := s.do(limited, func(ctx context.Context, client *rest.Client) (err error) {
			value, err = get(ctx, client)
			return err
		})
		s.dispatch(func(app.Context) {
			s.heardOf(err)
			if l.turn != turn {
				return
			}
			l.busy, l.slow, l.err = false, false, err
			if err == nil {
				l.value, l.at, l.kept = value, time.Now(), false
			}
		})
	})
}

// retryBy says how a page tries again: with all that it fetches, where this is a
// part of it.
func (l *load[T]) retryBy(fetch func(app.Context)) {
	l.again = func(ctx app.Context) {
		if !l.busy { // or each click would forget what the one before asked for
			fetch(ctx)
		}
	}
}

// fetchKept is fetch for a list that is worth having without a server: it is
// kept in the browser until the user signs out.
func (l *load[T]) fetchKept(ctx app.Context, s *session, name keptName, get func(context.Context, *rest.Client) (T, error)) {
	key := keptPrefix + s.me.Organization.ID.String() + " " + string(name)
	if !l.have() {
		var old keptValue[T]
		if ctx.LocalStorage().Get(key, &old) == nil && !old.At.IsZero() {
			l.value, l.at, l.kept = old.Value, old.At, true
		}
	}
	l.fetch(ctx, s, func(ctx2 context.Context, client *rest.Client) (T, error) {
		value, err := get(ctx2, client)
		if err == nil && !s.over.Load() {
			keep(ctx, key, value)
		}
		return value, err
	})
}

// show draws what there is: content, an error, a skeleton, or for a moment
// nothing.
func (l *load[T]) show(content func(T) app.UI) app.UI {
	switch {
	case l.have() && l.err != nil && !noAnswer(l.err):
		return app.Div().Class("stack").Body(errorPanel(l.err, l.again), content(l.value))
	case l.have() && l.kept && l.err != nil:
		return app.Div().Class("stack").Body(note("info", "Last updated "+l.at.Local().Format("2006-01-02 15:04:05")+"."), content(l.value))
	case l.have():
		return content(l.value)
	case l.err != nil:
		return errorPanel(l.err, l.again)
	case l.slow:
		return skeleton()
	}
	return app.Div().Class("pending")
}
