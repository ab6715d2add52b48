package server

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// query reads the parameters of the address. Every parameter that known does
// not list is refused, because a misspelt filter must not answer with
// everything. So is one that is repeated, is empty, or is not text. A name that
// ends with a dot stands for all names that begin with it.
func (c *call) query(known ...string) (url.Values, error) {
	values, err := url.ParseQuery(string(c.ctx.URI().QueryString()))
	if err != nil {
		return nil, core.Invalid("query", "is not valid percent-encoding")
	}
	for name, given := range values {
		if err := checkParameter(name, given, known); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func checkParameter(name string, given, known []string) error {
	if !isText(name) {
		return core.Invalid("query", "has a parameter whose name is not valid text")
	}
	isKnown := slices.ContainsFunc(known, func(k string) bool {
		if strings.HasSuffix(k, ".") {
			return len(name) > len(k) && strings.HasPrefix(name, k)
		}
		return k == name
	})
	switch {
	case !isKnown:
		return core.Invalid(name, "is not a parameter of this request")
	case len(given) > 1:
		return core.Invalid(name, "must be given only once")
	case given[0] == "" && !strings.HasPrefix(name, rest.PayloadParameter):
		return core.Invalid(name, "must not be empty")
	case !isText(given[0]):
		return core.Invalid(name, "must be valid UTF-8 without NUL")
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// parseLimit returns the size of a page, 0 if the request does not say.
func parseLimit(values url.Values) (int, error) {
	if !values.Has("limit") {
		return 0, nil
	}
	limit, err := strconv.ParseUint(values.Get("limit"), 10, 31)
	if err != nil || limit < 1 || limit > core.MaxPageSize {
		return 0, core.Invalid("limit", "must be a whole number from 1 to %d", core.MaxPageSize)
	}
	return int(limit), nil
}

// parseFlag reads a parameter that is true or false. Where it is missing it is false.
func parseFlag(values url.Values, name string) (bool, error) {
	switch values.Get(name) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, core.Invalid(name, "must be true or false")
}

func parseTime(values url.Values, name string) (time.Time, error) {
	if !values.Has(name) {
		return time.Time{}, nil
	}
	// A plus sign that was not percent-encoded arrives as a space.
	t, ok := core.ParseTime(strings.Replace(values.Get(name), " ", "+", 1))
	if !ok {
		return time.Time{}, core.Invalid(name, "must be an RFC 3339 time like 2006-01-02T15:04:05Z")
	}
	return t, nil
}

func parseAfter(values url.Values) (*core.Offset, error) {
	if !values.Has("after") {
		return nil, nil
	}
	return parseOffset("after", values.Get("after"))
}

// parseOffset reads the place behind which a reader begins: an offset, or -1, which
// is before all events.
func parseOffset(field, text string) (*core.Offset, error) {
	if text == "-1" {
		return new(core.Offset(-1)), nil
	}
	offset, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return nil, core.Invalid(field, "must be an offset, or -1, which is before all events")
	}
	return new(core.Offset(offset)), nil
}
