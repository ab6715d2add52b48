package sinktest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

var living = []guarantee{
	{"a sink's traits make sense and stay", traits},
	{"a sink outlives the context it was opened in", outlives},
	{"a closed sink leaves what has arrived", closed},
}

func traits(s *suite) {
	sink := s.sink()
	t := sink.Traits()
	if t.Batch < 1 || t.BatchBytes < 0 || t.Batch > 1 && t.BatchBytes < 1 || t.Linger < 0 || t.Parallel < 1 {
		s.Errorf("nobody can keep to %+v", t)
	}
	s.deliver(sink, s.events(1))
	if after := sink.Traits(); after != t {
		s.Errorf("a sink's traits were %+v, and are %+v", t, after)
	}
}

func outlives(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	sink, err := s.target.Connector.Open(ctx, s.destination(), origin)
	cancel()
	if err != nil {
		s.Fatalf("Open: %v", err)
	}
	s.deliver(sink, s.events(1))
	if err := sink.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
}

func closed(s *suite) {
	var all []core.Outgoing
	for range 3 {
		sink, err := s.target.Connector.Open(s.Context(), s.destination(), origin)
		if err != nil {
			s.Fatalf("Open: %v", err)
		}
		events := s.events(room(sink, 3))
		all = append(all, events...)
		s.deliver(sink, events)
		if err := sink.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	}
	s.has(all)
	s.hasNothingElse(all)
}
