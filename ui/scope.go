package ui

import (
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// scope says where reading begins.
type scope struct {
	kind scopeKind
	// from is the offset or the time, as it was typed. The other kinds have none.
	from string
}

// scopeKind is one of the ways to say where reading begins.
type scopeKind string

// The kinds of scopes.
const (
	scopeNewest scopeKind = "newest"
	scopeOldest scopeKind = "oldest"
	scopeOffset scopeKind = "offset"
	scopeTime   scopeKind = "time"
	scopeLive   scopeKind = "live"
)

// placed reports whether the scope begins at a place that its user names.
func (k scopeKind) placed() bool { return k == scopeOffset || k == scopeTime }

// The parameters of an address that hold a scope, and the values of theirs that
// are neither an offset nor a time.
const (
	paramFrom  = "from"
	paramLive  = "live"
	fromOldest = "oldest"
	liveOn     = "1"
)

// readScope takes the scope from an address.
func readScope(values url.Values) scope {
	from := values.Get(paramFrom)
	_, offsetErr := strconv.ParseInt(from, 10, 64)
	switch {
	case values.Get(paramLive) == liveOn:
		return scope{kind: scopeLive}
	case from == fromOldest:
		return scope{kind: scopeOldest}
	case from != "" && offsetErr == nil:
		return scope{scopeOffset, from}
	case from != "":
		return scope{scopeTime, from}
	}
	return scope{kind: scopeNewest}
}

// write puts the scope into an address. A time is written so that it is the same
// one for whoever is sent the address.
func (s scope) write(values url.Values) {
	from := s.from
	switch s.kind {
	case scopeLive:
		values.Set(paramLive, liveOn)
		return
	case scopeOldest:
		from = fromOldest
	case scopeTime:
		if at, err := parseLocal(from); err == nil {
			from = at.UTC().Format(time.RFC3339Nano)
		}
	case scopeNewest:
		return
	}
	if from != "" {
		values.Set(paramFrom, from)
	}
}

// apply turns the scope into a query.
func (s scope) apply(query *core.EventQuery) error {
	query.Descending = s.kind == scopeNewest
	switch s.kind {
	case scopeOffset:
		offset, err := strconv.ParseInt(s.from, 10, 64)
		if err != nil || offset < 0 {
			return core.Invalid("offset", "must be a whole number")
		}
		if after := core.Offset(offset - 1); after >= 0 {
			query.After = &after
		}
	case scopeTime:
		at, err := parseLocal(s.from)
		if err != nil {
			return err
		}
		query.From = at
	}
	return nil
}
