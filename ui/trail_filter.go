package ui

import (
	"github.com/eventflow-go/eventflow/core"
)

// trailFilter is the filter of the audit trail. The address holds all of it.
type trailFilter struct{ action, who, target, from, to string }

// parameters returns the fields by their names in the address.
func (f *trailFilter) parameters() map[string]*string {
	return map[string]*string{"action": &f.action, "who": &f.who, "target": &f.target, "from": &f.from, "to": &f.to}
}

// query returns the filter as the server takes it.
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

// actorPath is the path in a record to the name of who did it.
const actorPath = "actor.label"
