package ui

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// narrowing is what the filter bar says.
type narrowing struct {
	query core.EventQuery
	// free are words that are looked for in what was read, in lower case.
	free []string
}

// parseFilter reads the filter bar: `name:value` pairs and free words. What it
// cannot read is an error that says what to write.
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

// filterError says what to write instead.
func filterError(format string, args ...any) error {
	return core.Errorf(core.CodeValidation, format, args...)
}

// add narrows by a `name:value`.
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

// read reads a page and leaves of it what holds the free words.
func (n narrowing) read(ctx context.Context, client *rest.Client, stream, cursor string) (found, error) {
	query := n.query
	query.Limit, query.Cursor = eventPage, cursor
	var page rest.AllEvents
	var err error
	if stream == "" {
		page, err = client.AllEventsPage(ctx, query)
	} else {
		page.List, err = client.EventsPage(ctx, stream, query)
	}
	looked := len(page.Items)
	page.Items = n.words(page.Items)
	return found{AllEvents: page, looked: looked}, err
}

// words leaves the events that hold every free word.
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

func (n narrowing) matches(event *core.Event) bool {
	text := strings.ToLower(event.Type + " " + event.Source + " " + event.Subject + " " + event.ID.String() + " " + string(event.Payload))
	for _, word := range n.free {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// payload reports whether an event's payload is what the bar asks for.
func (n narrowing) payload(event *core.Event) bool {
	for _, match := range n.query.Payload {
		if !eventjson.Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// said are the free words, for a sentence.
func (n narrowing) said() string {
	return "“" + strings.Join(n.free, "” and “") + "”"
}
