package inbound

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// feeding is this node's work on one source that fetches.
type feeding struct {
	*Open
	sources *Sources
	end     context.CancelFunc
	// ended is closed once nothing of it goes on.
	ended chan struct{}

	// mu guards feed, which only run sets, and news.
	mu   sync.Mutex
	feed core.Feed
	news core.FeedNews
	// told is what was noted last. Only tell uses it, which one goroutine calls.
	told core.FeedNote
}

// feedBackoff is how long a feed waits after a failure. It is short at most: other parts of
// the system may have news while one fails.
var feedBackoff = core.Backoff{Initial: core.Seconds(500 * time.Millisecond), Max: core.Seconds(5 * time.Second)}

// run fetches until ctx ends.
func (f *feeding) run(ctx context.Context) {
	defer close(f.ended)
	for failures := 0; ctx.Err() == nil; {
		feed, err := f.opened()
		n := 0
		if err == nil {
			n, err = f.fetch(ctx, feed)
		}
		f.went(ctx, n, err)
		if err == nil || n > 0 {
			failures = 0
			continue
		}
		failures++
		f.pause(ctx, failures)
	}
	if f.feed != nil {
		f.feed.Close()
	}
}

// opened returns the feed.
func (f *feeding) opened() (core.Feed, error) {
	if f.feed != nil {
		return f.feed, nil
	}
	connector := f.sources.Feeds[f.Preset]
	switch {
	case f.sealed != nil:
		return nil, core.Errorf(core.CodeConflict, "the secrets of this source cannot be read: %w", f.sealed)
	case connector == nil || f.From == nil:
		return nil, core.Errorf(core.CodeConflict, "this server cannot fetch from %s", f.Preset)
	}
	from := *f.From
	from.Secrets = f.kept.From
	feed, err := connector.Open(from, f.ID)
	if err == nil {
		f.mu.Lock()
		f.feed = feed
		f.mu.Unlock()
	}
	return feed, err
}

// fetch takes in what comes next, and returns how many messages that was. What was fetched
// is kept until it is durable or ctx ends, however long that takes: a feed does not come
// back to it while it is open.
func (f *feeding) fetch(ctx context.Context, feed core.Feed) (n int, err error) {
	messages, err := feed.Next(ctx)
	if len(messages) == 0 {
		return 0, err
	}
	for failures := 1; ; failures++ {
		failed := f.take(ctx, messages)
		if failed == nil {
			break
		}
		if f.went(ctx, 0, failed); !f.pause(ctx, failures) {
			return 0, failed
		}
	}
	if failed := feed.Done(ctx); failed != nil {
		err = failed
	}
	return len(messages), err
}

// take makes messages durable. Those that can never be events are kept as refusals; any
// other failure is one of all of them.
func (f *feeding) take(ctx context.Context, messages []core.FeedMessage) error {
	drafts := make([]eventjson.Draft, len(messages))
	for i := range messages {
		if err := ctx.Err(); err != nil {
			return err
		}
		drafts[i] = f.draft(&messages[i])
	}
	items, err := f.sources.Ingest.Batch(ctx, f.Principal(), f.Stream.String(), drafts)
	if err != nil {
		return err
	}
	for i := range items {
		if err := items[i].Err; err != nil && !lasting(err) {
			return err
		}
	}
	f.refuse(ctx, messages, items)
	return nil
}

// refuse keeps what was refused.
func (f *feeding) refuse(ctx context.Context, messages []core.FeedMessage, items []eventlog.Item) {
	for i := range items {
		if items[i].Err != nil {
			request := Request{Body: messages[i].Value, From: core.Visitor{Address: messages[i].Place}}
			f.sources.Refused(ctx, f.Open, request, items[i].Err)
		}
	}
}

// draft makes an event of a message. Its place is its idempotency key, unless the source
// names another, so that what comes again is stored once.
func (f *feeding) draft(fetched *core.FeedMessage) (draft eventjson.Draft) {
	m := message{Open: f.Open, preset: f.preset, payload: fetched.Value}
	m.Header = func(name string) string {
		for _, header := range fetched.Headers {
			if strings.EqualFold(header.Name, name) {
				return header.Value
			}
		}
		return ""
	}
	for _, header := range fetched.Headers {
		if !core.SecretHeader(header.Name) && core.CheckText("", header.Name, 1, maxHeaderName) == nil {
			m.all = append(m.all, header.Name)
		}
	}
	err := eventjson.ValidJSON(fetched.Value)
	if err == nil {
		m.place = fetched.Place
		draft, err = m.draft()
	}
	draft.Err = err
	return draft
}

// maxHeaderName bounds the names of headers that are kept.
const maxHeaderName = 100

// pause waits before the next attempt. It reports false where ctx has ended.
func (f *feeding) pause(ctx context.Context, failures int) bool {
	timer := time.NewTimer(feedBackoff.After(failures, rand.Float64())) //nolint:gosec // it spreads attempts
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// went notes how it went: how many messages were taken in, and what failed.
func (f *feeding) went(ctx context.Context, n int, err error) {
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > 0 {
		f.news.LastAt = new(f.sources.Now.Stamp())
	}
	if err == nil {
		f.news.Error, f.news.ErrorAt = "", nil
		return
	}
	if f.news.ErrorAt == nil {
		f.news.ErrorAt = new(f.sources.Now.Stamp())
		f.sources.Logger.Warn("a source cannot fetch; it will be tried again", "source_id", f.ID, "error", err)
	}
	f.news.Error = clipped(err.Error(), core.MaxReasonLength)
}

func (f *feeding) note(now time.Time) core.FeedNote {
	f.mu.Lock()
	defer f.mu.Unlock()
	note := core.FeedNote{Source: f.ID, Node: f.sources.node, At: now, FeedNews: f.news}
	if f.feed != nil {
		note.FeedLoad = f.feed.Load()
	}
	return note
}

// How often a note is stored: what has changed, and what has not.
const (
	tellChange = 5 * time.Second
	tellAlive  = core.FeedNoteFor / 3
)

// tell stores how this node gets on, now and then.
func (f *feeding) tell(ctx context.Context) {
	now := f.sources.Now.Stamp()
	note := f.note(now)
	unchanged := note
	unchanged.At = f.told.At
	age := now.Sub(f.told.At)
	if turned := (note.Error == "") != (f.told.Error == ""); !turned && age < tellChange || unchanged == f.told && age < tellAlive {
		return
	}
	if err := f.sources.Catalog.NoteFeed(core.ContextWithOrganization(ctx, f.Org), note); err != nil {
		f.sources.Logger.Warn("how a source gets on could not be noted; it will be tried again", "source_id", f.ID, "error", err)
		return
	}
	f.told = note
}
