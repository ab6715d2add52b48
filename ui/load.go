package ui

import (
	"context"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// slowAfter is how long a page waits before it shows a skeleton, which would only
// flicker before a quick answer.
const slowAfter = 150 * time.Millisecond

// requestTimeout bounds one request of a page.
const requestTimeout = 25 * time.Second

// load is a value that is fetched from the server. The value that came last stays
// while the next one is fetched, and after an error.
type load[T any] struct {
	value T
	// at is when value came from the server. It is zero while there is no value.
	at time.Time
	// kept says that value came from the browser's storage, and not yet from the
	// server.
	kept bool
	// err is how the last fetch failed, or nil.
	err error
	// busy says that the value is being fetched, and slow that this takes so long that
	// the page should say so.
	busy, slow bool
	// turn counts the fetches. An answer counts only if no other fetch has begun since
	// its own, so a late answer never overwrites a newer one.
	turn int
	// stranded says that the session fetches again once the server is back.
	stranded bool
	// again fetches once more, for the button that tries again.
	again func(app.Context)
}

// have reports whether there is a value to show.
func (l *load[T]) have() bool { return !l.at.IsZero() }

// fetch starts to fetch the value by get. The answer of an earlier fetch that still
// runs is dropped.
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
			if core.CodeOf(err) == core.CodeUnauthorized && s.state == expired {
				s.waiting = append(s.waiting, l.again)
			}
			if noAnswer(err) && !l.stranded {
				l.stranded = true
				s.stranded = append(s.stranded, func(ctx app.Context) {
					l.stranded = false
					l.again(ctx)
				})
			}
			if err == nil {
				l.value, l.at, l.kept = value, time.Now(), false
			}
		})
	})
}

// retryBy sets what the button that tries again does. A page that fetches several
// values fetches all of them.
func (l *load[T]) retryBy(fetch func(app.Context)) {
	l.again = func(ctx app.Context) {
		if !l.busy { // another click must not drop the answer that the first one waits for
			fetch(ctx)
		}
	}
}

// fetchKept is fetch for a value that is worth showing without a server. The browser
// keeps it until the user signs out, and it is shown until the server has answered.
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

// show draws the value by content, or an error, or a skeleton. For a moment it draws
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
