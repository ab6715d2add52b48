package ui

import (
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// scope says where reading begins in the event browser.
type scope struct {
	kind scopeKind
	// from is the offset or the time, as it was typed. It is empty for the other kinds.
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

// placed reports whether the scope begins at an offset or a time that the user names.
func (k scopeKind) placed() bool { return k == scopeOffset || k == scopeTime }

// The parameters of an address that hold a scope, with their values for oldest and
// live. Other values of from are an offset or a time.
const (
	paramFrom  = "from"
	paramLive  = "live"
	fromOldest = "oldest"
	liveOn     = "1"
)

// readScope takes the scope from an address.
func readScope(values url.Values) scope {
	from := values.Get(paramFrom)
	_, isOffset := parseCount(from)
	switch {
	case values.Get(paramLive) == liveOn:
		return scope{kind: scopeLive}
	case from == fromOldest:
		return scope{kind: scopeOldest}
	case from != "" && isOffset:
		return scope{scopeOffset, from}
	case from != "":
		return scope{scopeTime, from}
	}
	return scope{kind: scopeNewest}
}

// write puts the scope into an address. A time is written in UTC, so that the address
// means the same in every zone.
func (s scope) write(values url.Values) {
	from := s.from
	switch s.kind {
	case scopeLive:
		values.Set(paramLive, liveOn)
		return
	case scopeOldest:
		from = fromOldest
	case scopeOffset:
		if offset, ok := parseCount(from); ok {
			from = strconv.FormatInt(offset, 10)
		}
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
		offset, ok := parseCount(s.from)
		if !ok {
			return core.Invalid("offset", "must be a whole number, such as 10,000")
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
