package ui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// The bounds of a tail.
const (
	// drawEvery is the shortest time between two drawings, however many events come.
	drawEvery = 200 * time.Millisecond
	// keptRows is the number of the newest events that are kept.
	keptRows = 1000
	// keptBytes bounds the payloads of the rows together. Those of keptRows of the
	// largest events would fill the browser's memory.
	keptBytes = 16 << 20
	// drawnRows is the number of rows in the page. The user can ask for the others.
	drawnRows = 100
	// followedBehind is how far the list may be behind the stream. People want to see what
	// happens now: beyond that, it goes on near the end.
	followedBehind = 10_000
	// sayEvery is the time between two announcements to people who cannot see the list.
	sayEvery = 5 * time.Second
)

// tail follows a stream and shows its newest events. A connection collects what
// arrives on a goroutine of its own, and what has arrived moves into the rows where the
// dashboard is drawn.
type tail struct {
	// s is nil while there is nothing to follow.
	s      *session
	stream string
	narrow narrowing
	cancel context.CancelFunc // nil while there is no connection
	// rows are the events that are shown, newest first.
	rows []core.Event
	// total is how many events came, and skipped how many of the stream's were left
	// out.
	total, skipped int64
	// paused holds back what arrives. The connection stays.
	paused bool
	// stopped says that the user has ended the connection. The rows stay.
	stopped bool
	// err is why the connection was lost.
	err error
	// said is what was announced last, at saidAt.
	said   string
	saidAt time.Time
	// all says that the user has asked for all rows.
	all bool

	// mu guards the fields below, which the connection's goroutine writes. A connection
	// is given up under mu, and add looks under mu whether it was. So nothing of a
	// connection is added after disconnect has returned, and the next connection brings
	// no event twice.
	mu      sync.Mutex
	after   *core.Offset // the last event that arrived; nil until the stream's end is known
	arrived []core.Event // events that are not among the rows yet, oldest first
	missed  int64        // left out, and not yet counted in skipped
	waits   int          // the size of the payloads in arrived
}

// start follows a stream from its end on.
func (t *tail) start(s *session, stream string, narrow narrowing) {
	t.stop()
	t.s, t.stream, t.narrow = s, stream, narrow
	t.rows, t.total, t.skipped, t.err, t.paused, t.stopped = nil, 0, 0, nil, false, false
	t.after, t.arrived, t.missed, t.waits = nil, nil, 0, 0
	t.connect()
}

// connect goes on behind the event that arrived last. A page in the background holds
// no connection: a browser has six to a server, for all of its pages together.
func (t *tail) connect() {
	if t.s == nil || t.stopped || t.err != nil || t.cancel != nil || hidden() {
		return
	}
	following, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	go t.follow(following)
	t.draw(following)
}

// disconnect gives the connection up. What has arrived stays.
func (t *tail) disconnect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil {
		t.cancel()
		t.cancel = nil
	}
}

// stop ends following.
func (t *tail) stop() {
	t.disconnect()
	t.s = nil
}

// see connects a page that came into sight, and disconnects one that went out of it.
func (t *tail) see(seen bool) {
	if !seen {
		t.disconnect()
		return
	}
	t.connect()
}

// follow collects what arrives. The client connects again by itself after a lost
// connection, and the session gets another access token when one expires.
func (t *tail) follow(following context.Context) {
	filter := t.narrow.query.Filter
	options := rest.TailOptions{Type: filter.Type, Source: filter.Source, Subject: filter.Subject, MaxBehind: followedBehind}
	s, stream, narrow := t.s, t.stream, t.narrow
	for following.Err() == nil {
		err := s.do(following, func(ctx context.Context, client *rest.Client) (err error) {
			if options.After, err = t.place(ctx, client, stream); err != nil {
				return err
			}
			s.dispatch(func(app.Context) {}) // the page shows that it is placed
			for item, err := range client.Tail(ctx, stream, options) {
				if err != nil {
					return err
				}
				t.add(following, item, narrow)
			}
			return nil
		})
		if err != nil && following.Err() == nil {
			s.dispatch(func(app.Context) { t.err = err; s.heardOf(err) })
			return
		}
	}
}

// place returns the offset to go on behind: the last event that arrived or, at first,
// the last event of the stream.
func (t *tail) place(ctx context.Context, client *rest.Client, stream string) (*core.Offset, error) {
	t.mu.Lock()
	after := t.after
	t.mu.Unlock()
	if after != nil {
		return after, nil
	}
	stats, err := client.StreamStats(ctx, stream)
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after = new(stats.NextOffset - 1)
	return t.after, nil
}

// placed reports whether every event from now on will arrive.
func (t *tail) placed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.after != nil
}

// add takes an event until the list is drawn the next time. Where more arrive than can
// be kept, the oldest are left out. It takes nothing from a connection that was given
// up: the next one brings it again.
func (t *tail) add(following context.Context, item rest.TailItem, narrow narrowing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if following.Err() != nil {
		return
	}
	if item.Skipped > 0 {
		t.missed += item.Skipped
		return
	}
	t.after = &item.Event.Offset
	if !narrow.matches(&item.Event) || !narrow.payload(&item.Event) {
		return
	}
	t.arrived = append(t.arrived, item.Event)
	t.waits += item.Event.Size()
	if len(t.arrived) > 2*keptRows || t.waits > 2*keptBytes {
		fresh := slices.Clone(t.arrived)
		slices.Reverse(fresh)
		fresh = newest(fresh)
		slices.Reverse(fresh)
		t.missed += int64(len(t.arrived) - len(fresh))
		t.arrived, t.waits = slices.Clone(fresh), sizeOf(fresh)
	}
}

// newest returns as many of the rows, which are newest first, as are kept. One always
// is.
func newest(rows []core.Event) []core.Event {
	room := keptBytes
	for i := range rows {
		if room -= rows[i].Size(); i == keptRows || room < 0 && i > 0 {
			return rows[:i]
		}
	}
	return rows
}

func sizeOf(events []core.Event) (total int) {
	for i := range events {
		total += events[i].Size()
	}
	return total
}

// draw moves what has arrived into the rows, again and again while the connection
// holds.
func (t *tail) draw(following context.Context) {
	s := t.s
	time.AfterFunc(drawEvery, func() {
		if following.Err() != nil {
			return
		}
		t.mu.Lock()
		waiting := len(t.arrived) > 0
		t.mu.Unlock()
		if waiting {
			s.dispatch(func(app.Context) { t.take() })
		}
		t.draw(following)
	})
}

// take moves what has arrived into the rows, unless the list is paused.
func (t *tail) take() {
	if t.paused {
		return
	}
	t.mu.Lock()
	arrived := t.arrived
	t.arrived, t.waits = nil, 0
	t.skipped += t.missed
	t.missed = 0
	t.mu.Unlock()
	t.total += int64(len(arrived))
	slices.Reverse(arrived)
	t.rows = slices.Clone(newest(append(arrived, t.rows...)))
	if time.Since(t.saidAt) > sayEvery {
		t.said, t.saidAt = plural(t.total, "event")+" so far", time.Now()
	}
}

// pause pauses the list or resumes it.
func (t *tail) pause(app.Context, app.Event) {
	t.paused = !t.paused
	t.take()
}

// end gives the connection up until the user connects again. The rows stay.
func (t *tail) end() {
	t.disconnect()
	t.stopped, t.paused = true, false
	t.take()
}

// waiting is how many events have arrived and are not shown.
func (t *tail) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.arrived)
}

// shown are the rows that are drawn.
func (t *tail) shown() []core.Event {
	if t.all {
		return t.rows
	}
	return t.rows[:min(len(t.rows), drawnRows)]
}

// state says whether events arrive, with the button that changes it.
func (t *tail) state(s *session) []app.UI {
	switch {
	case t.stopped:
		return []app.UI{badge("wait", "Stopped"), button("Reconnect", "play", func(app.Context, app.Event) { t.stopped = false; t.connect() })}
	case t.err != nil || s.offline:
		return []app.UI{badge("bad", "Disconnected")}
	case !t.placed():
		return []app.UI{badge("wait", "Connecting")}
	case t.paused:
		return []app.UI{badge("wait", "Paused"), button("Resume", "play", t.pause)}
	}
	return []app.UI{badge("ok", "Live"), button("Pause", "pause", t.pause)}
}

// view draws the list with its controls.
func (t *tail) view(v *eventsView) app.UI {
	head := t.state(v.s)
	if !t.stopped {
		head = append(head, button("Stop", "close", func(app.Context, app.Event) { t.end() }))
	}
	head = append(head, app.Span().Class("quiet").Text(plural(t.total, "event")))
	if n := t.waiting(); t.paused && n > 0 {
		head = append(head, app.Span().Class("quiet").Text(fmt.Sprintf("%s new", count(n))))
	}
	if t.skipped > 0 {
		head = append(head, badge("warn", count(t.skipped)+" skipped: too many to show"))
	}
	parts := []app.UI{
		app.Div().Class("row").Body(head...),
		app.P().Class("hidden").Role("status").Aria("live", "polite").Text(t.said),
	}
	switch {
	case t.err != nil:
		parts = append(parts, errorPanel(t.err, v.fetch))
	case len(t.rows) == 0 && t.stopped:
		parts = append(parts, app.P().Class("quiet").Text("No events"))
	case !t.placed():
		parts = append(parts, app.Div().Class("pending"))
	case len(t.rows) == 0:
		parts = append(parts, emptyWith("Waiting for events", "They appear here as they arrive. Send one:", &sendExample{Page: v.Page, Stream: v.stream()}))
	default:
		parts = append(parts, v.table(t.shown()))
	}
	if len(t.rows) > drawnRows && !t.all {
		parts = append(parts, button("Show all "+count(len(t.rows)), "", func(app.Context, app.Event) { t.all = true }))
	}
	return app.Div().Class("stack").Body(parts...)
}
