package sinktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var failing = []guarantee{
	{"a destination that is away is an error of Send, and gets the events later", away},
	{"a destination that is away is opened all the same", openedAway},
	{"a destination that does not answer holds nobody longer than allowed", stalled},
	{"an ended context is an error", ended},
	{"whatever a context ends in the midst of, what is said to have arrived has", endedAnywhere},
	{"the event that is refused is the one that fails", refused},
}

func away(s *suite) {
	if s.receiver.Away == nil {
		return
	}
	sink := s.sink()
	before := s.events(1)
	s.deliver(sink, before)
	s.receiver.Away(true)
	events := s.events(room(sink, 3))
	s.fails(sink, events, 5*time.Second)
	s.receiver.Away(false)
	s.eventually(sink, events)
	s.has(before)
}

func openedAway(s *suite) {
	if s.receiver.Away == nil {
		return
	}
	s.receiver.Away(true)
	sink := s.sink()
	events := s.events(1)
	s.fails(sink, events, 5*time.Second)
	s.receiver.Away(false)
	s.eventually(sink, events)
}

func stalled(s *suite) {
	if s.receiver.Stall == nil {
		return
	}
	sink := s.sink()
	s.deliver(sink, s.events(1))
	s.receiver.Stall(true)
	events := s.events(room(sink, 3))
	s.fails(sink, events, 500*time.Millisecond)
	s.receiver.Stall(false)
	s.eventually(sink, events)
}

// fails sends events none of which can arrive at the moment.
func (s *suite) fails(sink core.Sink, events []core.Outgoing, within time.Duration) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), within)
	defer cancel()
	for i, sent := range s.send(ctx, sink, events) {
		if sent.Err == nil {
			s.Errorf("event %d of %d is said to have arrived where nothing can", i, len(events))
		} else if sent.Verdict != core.TryAgain && sent.Verdict != core.NotSent {
			s.Errorf("event %d of %d ends with the verdict %d: %v", i, len(events), sent.Verdict, sent.Err)
		}
	}
}

func ended(s *suite) {
	sink := s.sink()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	events := s.events(room(sink, 3))
	for i, sent := range s.send(ctx, sink, events) {
		switch {
		case sent.Err == nil:
			s.has(events[i : i+1])
		case sent.Verdict != core.TryAgain:
			s.Errorf("the end of a context is the verdict %d", sent.Verdict)
		}
	}
	s.deliver(sink, events)
}

func endedAnywhere(s *suite) {
	sink := s.sink()
	const senders = 32
	sets, results := make([][]core.Outgoing, senders), make([][]core.Sent, senders)
	for i := range sets {
		sets[i] = s.events(room(sink, 4))
		for j := range sets[i] {
			sets[i][j].Key = fmt.Sprint("customer-", i)
		}
	}
	var group sync.WaitGroup
	for i := range sets {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(s.Context(), rand.N(5*time.Millisecond))
			defer cancel()
			handed := deepCopy(sets[i])
			results[i] = sink.Send(ctx, handed)
			destroy(handed)
		})
	}
	group.Wait()
	for i := range sets {
		if len(results[i]) != len(sets[i]) {
			s.Fatalf("%d events have %d results", len(sets[i]), len(results[i]))
		}
		for j := range results[i] {
			s.sound(&results[i][j])
			if results[i][j].Err == nil {
				s.has(sets[i][j : j+1])
			}
		}
	}
	for i := range sets {
		s.eventually(sink, sets[i])
	}
}

func refused(s *suite) {
	if s.receiver.Refuse == nil {
		return
	}
	sink := s.sink()
	events := s.events(room(sink, 7))
	bad := len(events) / 2
	s.receiver.Refuse(events[bad].Event.ID)
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for i, sent := range s.send(ctx, sink, events) {
		switch {
		case sent.Err == nil && i == bad:
			s.Errorf("event %d of %d is said to have arrived, and was refused", i, len(events))
		case sent.Err == nil:
			s.has(events[i : i+1])
		}
	}
	s.receiver.Refuse()
	s.eventually(sink, events)
}
