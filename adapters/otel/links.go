package otel

import (
	"encoding/json"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/core"
)

// Delivered links a poll to the requests by which its events were produced, as the
// events' own contexts tell, up to [maxLinks] of them. The events of one producer's
// request are one link.
func (r *Request) Delivered(d *core.Delivery) {
	if r.span == nil || len(d.Events) == 0 {
		return
	}
	links, seen := []trace.Link{{SpanContext: r.place}}, map[string]bool{}
	for i := range d.Events {
		parent, state := traceOf(&d.Events[i])
		if parent == "" || seen[parent] {
			continue
		}
		seen[parent] = true
		if producer := parse(parent, state); producer.IsValid() {
			links = append(links, trace.Link{SpanContext: producer})
		}
		if len(links) > maxLinks {
			break
		}
	}
	for _, link := range links[1:] {
		r.span.AddLink(link)
	}
	r.span.SetAttributes(keyEvents.Int(len(d.Events)))
	r.telemetry.leases.put(d.Lease, links)
}

// traceOf returns what an event keeps of the trace that it was produced in.
func traceOf(event *core.Event) (parent, state string) {
	if len(event.Context) == 0 {
		return "", ""
	}
	var kept struct {
		Traceparent string `json:"traceparent"`
		Tracestate  string `json:"tracestate"`
	}
	_ = json.Unmarshal(event.Context, &kept) // what is no string is no traceparent
	return kept.Traceparent, kept.Tracestate
}

// Settles links a request that settles events of a lease to the poll that handed them
// out, and to their producers. Only polls of this node that were followed are known.
func (r *Request) Settles(lease core.ID) {
	if r.span == nil {
		return
	}
	for _, link := range r.telemetry.leases.get(lease) {
		r.span.AddLink(link)
	}
}

// maxLeases bounds the leases whose links are remembered.
const maxLeases = 256

// leases remembers the links of the newest leases.
type leases struct {
	mu    sync.Mutex
	links map[core.ID][]trace.Link
	// order holds the leases in a circle, of which oldest is the place to write next.
	order  [maxLeases]core.ID
	oldest int
}

func (l *leases) put(lease core.ID, links []trace.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links == nil {
		l.links = map[core.ID][]trace.Link{}
	}
	delete(l.links, l.order[l.oldest])
	l.order[l.oldest], l.links[lease] = lease, links
	l.oldest = (l.oldest + 1) % maxLeases
}

func (l *leases) get(lease core.ID) []trace.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.links[lease]
}
