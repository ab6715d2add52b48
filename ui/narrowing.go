package ui

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// narrowing is a filter that was read.
type narrowing struct {
	// query is the part of the filter that the server applies.
	query core.EventQuery
	// free are words in lower case that the server does not search for. They are
	// searched for in the events that were read.
	free []string
}

// parseFilter reads the text of the filter bar: `name:value` pairs and free words. Its
// error says what to write instead.
func parseFilter(text string) (n narrowing, err error) {
	given := map[string]bool{}
	for _, t := range splitTerms(text) {
		switch {
		case t.named && given[t.name]:
			return narrowing{}, filterError("%q is given twice, but an event has only one", t.name)
		case t.named:
			given[t.name] = true
			if err := n.add(t); err != nil {
				return narrowing{}, err
			}
		case t.value != "":
			n.free = append(n.free, strings.ToLower(t.value))
		}
	}
	return n, nil
}

// filterError is an error about the text of the filter bar.
func filterError(format string, args ...any) error {
	return core.Errorf(core.CodeValidation, format, args...)
}

// add adds a `name:value` pair.
func (n *narrowing) add(t term) error {
	fields := map[string]*string{"type": &n.query.Filter.Type, "source": &n.query.Filter.Source, "subject": &n.query.Filter.Subject}
	path, payload := strings.CutPrefix(t.name, rest.PayloadParameter)
	field := fields[t.name]
	switch {
	case field != nil && t.value == "":
		return filterError("%q needs a value right after the colon, such as %s:order.paid", t.name, t.name)
	case field != nil:
		*field = t.value
	case payload && path == "" || t.name+"." == rest.PayloadParameter:
		return filterError("%q needs a path and a value, such as payload.amount:12.5", "payload")
	case payload && t.value == "" && !t.quoted:
		return filterError(`%q needs a value right after the colon. To match the empty text, write %s:""`, t.name, t.name)
	case payload:
		n.query.Payload = append(n.query.Payload, core.PayloadMatch{Path: path, Value: t.value})
	default:
		return filterError(`unknown field %q. You can filter by type, source, subject and payload.…. To search for text, put it in quotes: "%s:%s"`,
			t.name, t.name, t.value)
	}
	return nil
}

// read reads a page and leaves the events in it that hold the free words. An empty
// stream means all streams.
func (n narrowing) read(ctx context.Context, client *rest.Client, stream, cursor string) (found, error) {
	query := n.query
	query.Limit, query.Cursor = eventPage, cursor
	var page rest.AllEvents
	var err error
	if stream == "" {
		query.Partial = true
		page, err = client.AllEventsPage(ctx, query)
	} else {
		page.List, err = client.EventsPage(ctx, stream, query)
	}
	if details := detailsOf(err); len(details) == 1 && details[0].Field == "after" {
		err = core.Invalid("offset", details[0].Reason) // which is what the page calls it
	}
	looked := len(page.Items)
	page.Items = n.words(page.Items)
	return found{AllEvents: page, narrow: n, looked: looked}, err
}

// words returns the events that hold every free word.
func (n narrowing) words(events []core.Event) []core.Event {
	if len(n.free) == 0 {
		return events
	}
	var kept []core.Event
	for _, event := range events {
		if n.matches(&event) {
			kept = append(kept, event)
		}
	}
	return kept
}

// matches reports whether an event holds every free word.
func (n narrowing) matches(event *core.Event) bool {
	text := strings.ToLower(event.Type + " " + event.Source + " " + event.Subject + " " + event.ID.String() + " " + string(event.Payload))
	for _, word := range n.free {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// payload reports whether an event's payload has the values that the filter asks for.
func (n narrowing) payload(event *core.Event) bool {
	for _, match := range n.query.Payload {
		if !eventjson.Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// said returns the free words for a sentence.
func (n narrowing) said() string {
	return "“" + strings.Join(n.free, "” and “") + "”"
}
