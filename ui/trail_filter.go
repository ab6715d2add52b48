package ui

import (
	"github.com/eventflow-go/eventflow/core"
)

// trailFilter narrows the trail; all of it is in the address.
type trailFilter struct{ action, who, target, from, to string }

// parameters are the filter's fields by their names in the address.
func (f *trailFilter) parameters() map[string]*string {
	return map[string]*string{"action": &f.action, "who": &f.who, "target": &f.target, "from": &f.from, "to": &f.to}
}

// query is the filter as the server takes it.
func (f *trailFilter) query() (query core.EventQuery, err error) {
	query.Filter = core.Filter{Type: f.action, Subject: f.target}
	if f.who != "" {
		query.Payload = []core.PayloadMatch{{Path: actorPath, Value: f.who}}
	}
	if f.from != "" {
		if query.From, err = parseLocal(f.from); err != nil {
			return query, err
		}
	}
	if f.to != "" {
		query.To, err = parseLocal(f.to)
	}
	return query, err
}

// actorPath is where a record names who did it.
const actorPath = "actor.label"
