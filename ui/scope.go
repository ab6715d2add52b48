package ui

import (
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// scope says where reading begins.
type scope struct {
	// kind is newest, oldest, offset, time or live.
	kind string
	// from is the offset or the time.
	from string
}

// readScope takes the scope from an address.
func readScope(values url.Values) scope {
	from := values.Get("from")
	_, offsetErr := strconv.ParseInt(from, 10, 64)
	switch {
	case values.Get("live") == "1":
		return scope{kind: "live"}
	case from == "oldest":
		return scope{kind: "oldest"}
	case from != "" && offsetErr == nil:
		return scope{"offset", from}
	case from != "":
		return scope{"time", from}
	}
	return scope{kind: "newest"}
}

// write puts the scope into an address. A time is written so that it is the same
// one for whoever is sent the address.
func (s scope) write(values url.Values) {
	from := s.from
	switch s.kind {
	case "live":
		values.Set("live", "1")
		return
	case "oldest":
		from = "oldest"
	case "time":
		if at, err := parseLocal(from); err == nil {
			from = at.UTC().Format(time.RFC3339Nano)
		}
	case "newest":
		return
	}
	if from != "" {
		values.Set("from", from)
	}
}

// apply turns the scope into a query.
func (s scope) apply(query *core.EventQuery) error {
	query.Descending = s.kind == "newest"
	switch s.kind {
	case "offset":
		offset, err := strconv.ParseInt(s.from, 10, 64)
		if err != nil || offset < 0 {
			return core.Invalid("offset", "must be a whole number")
		}
		if after := core.Offset(offset - 1); after >= 0 {
			query.After = &after
		}
	case "time":
		at, err := parseLocal(s.from)
		if err != nil {
			return err
		}
		query.From = at
	}
	return nil
}
