package jsonschema

import (
	"sort"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/eventflow-go/eventflow/core"
)

// report is why a payload does not fit, in the first places where it does not. A nil
// report takes nothing, and wants nothing.
type report struct {
	details []core.Detail
	// path is the way to the value that is looked at.
	path []string
	// key is what to say first: a key that is wrong has no place of its own.
	key     string
	printer *message.Printer
}

func newReport() *report { return &report{printer: message.NewPrinter(language.English)} }

// wants reports whether there is room for a reason.
func (r *report) wants() bool { return r != nil && len(r.details) < maxDetails }

func (r *report) count() int {
	if r == nil {
		return 0
	}
	return len(r.details)
}

// add adds a reason at the place where the report is.
func (r *report) add(why jsonschema.ErrorKind) {
	if r.wants() {
		r.say(reasonOf(why, r.printer))
	}
}

func (r *report) say(reason string) {
	if r.wants() {
		r.details = append(r.details, core.Detail{Field: payloadPath(r.path), Reason: cut(r.key+reason, 2*maxReason)})
	}
}

// enter goes to a member, by its name, or to an element, by its index.
func (r *report) enter(step any) {
	if r == nil {
		return
	}
	name, is := step.(string)
	if index, number := step.(int); !is && number {
		name = strconv.Itoa(index)
	}
	r.path = append(r.path, name)
}

func (r *report) exit() {
	if r != nil {
		r.path = r.path[:len(r.path)-1]
	}
}

// about says whose fault the next ones are, until leave is called.
func (r *report) about(why jsonschema.ErrorKind) (leave func()) {
	if r == nil {
		return func() {}
	}
	before := r.key
	r.key = cut(reasonOf(why, r.printer), maxReason) + ": "
	return func() { r.key = before }
}

// mismatch is the refusal for the client.
func (r *report) mismatch() error {
	if len(r.details) == 0 {
		r.details = []core.Detail{{Field: payloadPath(nil), Reason: "does not match the schema"}}
	}
	sortDetails(r.details)
	return mismatch(r.details)
}

func sortDetails(details []core.Detail) {
	sort.Slice(details, func(i, j int) bool {
		return details[i].Field < details[j].Field || details[i].Field == details[j].Field && details[i].Reason < details[j].Reason
	})
}
