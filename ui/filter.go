package ui

import (
	"strings"
	"unicode"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
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
			return narrowing{}, core.Invalid(t.name, "is there twice, and no event can be both")
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

// add narrows by a `name:value`.
func (n *narrowing) add(t term) error {
	fields := map[string]*string{"type": &n.query.Filter.Type, "source": &n.query.Filter.Source, "subject": &n.query.Filter.Subject}
	path, payload := strings.CutPrefix(t.name, rest.PayloadParameter)
	field := fields[t.name]
	switch {
	case field != nil && t.value == "":
		return core.Invalid(t.name, "needs a value right behind the colon, such as %s:%s", t.name, "order.paid")
	case field != nil:
		*field = t.value
	case payload && path == "" || t.name+"." == rest.PayloadParameter:
		return core.Invalid("payload", "needs a place and a value, such as payload.amount:12.5")
	case payload && t.value == "" && !t.quoted:
		return core.Invalid(t.name, `needs a value right behind the colon; %s:"" finds the empty text`, t.name)
	case payload:
		n.query.Payload = append(n.query.Payload, core.PayloadMatch{Path: path, Value: t.value})
	default:
		return core.Invalid(t.name, `cannot be asked for: type, source, subject and payload.… can. To look for it as a text, write "%s:%s" in quotes`,
			t.name, t.value)
	}
	return nil
}

// term is a part of the filter bar: `name:value`, or a word.
type term struct {
	name, value string
	named       bool
	// quoted: the value, or a part of it, stood in quotes.
	quoted bool
}

// splitTerms splits at spaces and at each term's first colon, but not within
// quotes, where a backslash takes the meaning from what follows.
func splitTerms(text string) (terms []term) {
	var (
		next                   term
		word                   strings.Builder
		within, escaped, begun bool
	)
	end := func() {
		if next.value = word.String(); begun {
			terms = append(terms, next)
		}
		next, begun = term{}, false
		word.Reset()
	}
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case within && r == '\\':
			escaped = true
		case r == '"':
			within, begun, next.quoted = !within, true, true
		case unicode.IsSpace(r) && !within:
			end()
		case r == ':' && !within && !next.named:
			next, begun = term{name: word.String(), named: true}, true
			word.Reset()
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return terms
}

// String writes a term as splitTerms reads it.
func (t term) String() string {
	if t.named {
		return quoteTerm(t.name) + ":" + quoteTerm(t.value)
	}
	return quoteTerm(t.value)
}

func quoteTerm(text string) string {
	if text != "" && !strings.ContainsAny(text, `":\`) && strings.IndexFunc(text, unicode.IsSpace) < 0 {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// withTerm adds `name:value` to the text of a filter bar, in place of another
// value of that name.
func withTerm(text, name, value string) string {
	var all []string
	for _, t := range splitTerms(text) {
		if !t.named || t.name != name {
			all = append(all, t.String())
		}
	}
	return strings.Join(append(all, term{name: name, value: value, named: true}.String()), " ")
}

// longestPick bounds the values that a click filters by.
const longestPick = 256

// pickable reports whether a value fits into the filter bar, which is one line.
func pickable(value string) bool {
	return len(value) <= longestPick && strings.IndexFunc(value, unicode.IsControl) < 0
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
		if !core.Matches(match, event.Payload) {
			return false
		}
	}
	return true
}

// said are the free words, for a sentence.
func (n narrowing) said() string {
	return "“" + strings.Join(n.free, "” and “") + "”"
}

// filterExamples explain the bar.
var filterExamples = [][2]string{
	{"type:order.paid", "events of this type; source: and subject: are the same"},
	{`subject:"customer 42"`, "quotes keep together what has spaces or colons"},
	{"payload.amount:12.5", "the value at a place in the payload"},
	{"payload.items.0.sku:S-1", "a place is keys, and positions in lists from 0"},
	{"refund", "a word is looked for in what was read, page by page"},
}

// keyExamples are the keys of the event browser.
var keyExamples = [][2]string{
	{"/", "to the filter"},
	{"j k", "the next event, the one before"},
	{"Enter o", "the event on a page of its own"},
	{"c", "copy the payload"},
	{"Esc", "close the event"},
	{"?", "this help"},
}

// filterHelp explains the bar and the keys.
func filterHelp() app.UI {
	list := func(title string, all [][2]string, mark func(string) app.UI) app.UI {
		var parts []app.UI
		for _, one := range all {
			parts = append(parts, app.Dt().Body(mark(one[0])), app.Dd().Text(one[1]))
		}
		return app.Div().Class("stack", "tight").Body(app.H2().Text(title), app.Dl().Class("facts").Body(parts...))
	}
	return app.Section().Class("panel").Aria("label", "How to filter, and keys").Body(app.Div().Class("columns").Body(
		list("Filter: all of it must fit", filterExamples, func(text string) app.UI { return app.Code().Text(text) }),
		list("Keys", keyExamples, keys)))
}

func keys(text string) app.UI {
	var all []app.UI
	for key := range strings.FieldsSeq(text) {
		all = append(all, app.Kbd().Text(key))
	}
	return app.Span().Class("row").Body(all...)
}
