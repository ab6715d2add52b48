package ui

import (
	"fmt"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// found is a page of the events that fit the filter.
type found struct {
	rest.AllEvents
	// narrow is the filter that the page was read for. The user may have chosen another
	// since.
	narrow narrowing
	// looked is the number of events that were read for this page. passed is the
	// number that were read before it, on pages where none fitted.
	looked, passed int
}

// words say how many events were searched and how many fit. They are empty where
// every event that was read is shown.
func (p found) words() string {
	n := p.narrow
	looked := p.looked + p.passed
	switch {
	case len(p.Items) > 0 && len(n.free) == 0:
		return ""
	case len(p.Items) == 1:
		return fmt.Sprintf("1 of %s contains %s.", plural(p.looked, "event"), n.said())
	case len(p.Items) > 0:
		return fmt.Sprintf("%s of %s contain %s.", count(len(p.Items)), plural(p.looked, "event"), n.said())
	case looked == 0 && p.Pagination.HasMore:
		return "No matching events in the part searched so far."
	case looked == 0:
		return "No more matching events."
	case p.Pagination.HasMore:
		return fmt.Sprintf("None of %s contains %s.", plural(looked, "event"), n.said())
	}
	return fmt.Sprintf("None of %s contains %s, and there are no more.", plural(looked, "event"), n.said())
}
