package ui

import (
	"fmt"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// found is a page of what fits the filter.
type found struct {
	rest.AllEvents
	// looked is how many events were read for it; passed how many before, on
	// pages without one that fits.
	looked, passed int
}

// words say what was looked at and found, or nothing where that is what there
// is.
func (p found) words(n narrowing) string {
	looked := p.looked + p.passed
	switch {
	case len(p.Items) > 0 && len(n.free) == 0:
		return ""
	case len(p.Items) > 0 && looked == 1:
		return "This event holds " + n.said() + "."
	case len(p.Items) > 0:
		return fmt.Sprintf("%s of these %s hold %s.", count(len(p.Items)), plural(p.looked, "event"), n.said())
	case looked == 0 && p.Pagination.HasMore:
		return "No event fits the filter in the part that was looked at."
	case looked == 0:
		return "No event fits the filter from here on."
	case looked == 1:
		return "The one event that fits the rest does not hold " + n.said() + "."
	case p.Pagination.HasMore:
		return fmt.Sprintf("None of these %s holds %s.", plural(looked, "event"), n.said())
	}
	return fmt.Sprintf("None of these %s holds %s, and there are no more.", plural(looked, "event"), n.said())
}
