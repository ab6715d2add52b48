package server

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// postOffsets settles the events of one lease up to an offset.
func (s *Server) postOffsets(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	var request rest.CommitRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	offset, err := c.offsetOf(eventName{stream, request.Offset, request.LastEventID, "offset", "last_event_id"})
	if err != nil {
		return err
	}
	var lease core.ID
	if request.Lease != nil {
		lease = *request.Lease
	}
	c.settles(lease)
	at, err := s.Delivery.Consumers.Commit(c.context(), c.who, stream, group, offset, lease)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.Committed{Status: rest.StatusCommitted, Offset: offset, CommittedAt: at})
}

var errNoLease = core.Invalid("lease", "is required: the lease id that the poll returned")

// postAck settles events of a lease.
func (s *Server) postAck(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	var request rest.AckRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if request.Lease == nil {
		return errNoLease
	}
	c.settles(*request.Lease)
	offsets, err := c.acked(stream, &request)
	if err != nil {
		return err
	}
	if err := s.Delivery.Consumers.Ack(c.context(), c.who, stream, group, *request.Lease, offsets); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// acked returns the offsets of the events that a request settles. No offsets
// mean all events of the lease.
func (c *call) acked(stream string, request *rest.AckRequest) ([]core.Offset, error) {
	if len(request.Offsets)+len(request.EventIDs) > core.MaxPageSize {
		return nil, core.Invalid("offsets", "must have at most %d members, as many as a lease holds", core.MaxPageSize)
	}
	offsets := request.Offsets
	for i, id := range request.EventIDs {
		offset, err := c.server.Delivery.Consumers.EventOffset(c.context(), c.who, stream, id)
		if err != nil {
			return nil, about(err, "event_ids["+strconv.Itoa(i)+"]")
		}
		offsets = append(offsets, offset)
	}
	if len(offsets) == 0 && (request.Offsets != nil || request.EventIDs != nil) {
		return nil, core.Invalid("offsets", "must not be empty; leave it out to settle the whole lease")
	}
	return offsets, nil
}

// postNack refuses events of a lease.
func (s *Server) postNack(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	var request rest.NackRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if request.Lease == nil {
		return errNoLease
	}
	c.settles(*request.Lease)
	nacks, err := c.nacked(stream, request.Events)
	if err != nil {
		return err
	}
	if err := s.Delivery.Consumers.Nack(c.context(), c.who, stream, group, *request.Lease, nacks); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// nacked returns the events that a request refuses, by offset.
func (c *call) nacked(stream string, events []rest.Nack) ([]core.Nack, error) {
	if len(events) == 0 || len(events) > core.MaxPageSize {
		return nil, core.Invalid("events", "must have 1 to %d members", core.MaxPageSize)
	}
	nacks := make([]core.Nack, len(events))
	for i, event := range events {
		place := "events[" + strconv.Itoa(i) + "]"
		offset, err := c.offsetOf(eventName{stream, event.Offset, event.EventID, place + ".offset", place + ".event_id"})
		if err != nil {
			return nil, about(err, place+".event_id")
		}
		nacks[i] = core.Nack{Offset: offset, Action: event.Action, Reason: event.Reason, Delay: event.Delay}
	}
	return nacks, nil
}

// settles tells the call's trace whose events it settles, if it names a lease.
func (c *call) settles(lease core.ID) {
	if c.trace != nil && !lease.IsZero() {
		c.trace.Settles(lease)
	}
}

// eventName is how a request names an event of a stream: by its offset or by its
// id, and in which fields.
type eventName struct {
	stream               string
	offset               *core.Offset
	id                   *core.ID
	offsetField, idField string
}

// offsetOf returns the offset of the event that a request names.
func (c *call) offsetOf(name eventName) (core.Offset, error) {
	switch {
	case (name.offset == nil) == (name.id == nil):
		return 0, core.Invalid(name.idField, "either this or offset is required, but not both")
	case name.offset != nil && *name.offset < 0:
		return 0, core.Invalid(name.offsetField, "must be 0 or more")
	case name.offset != nil:
		return *name.offset, nil
	}
	return c.server.Delivery.Consumers.EventOffset(c.context(), c.who, name.stream, *name.id)
}

// about turns "not found" about an event into an error about the field that
// names it: the client would otherwise look for the fault in the address.
func about(err error, field string) error {
	if core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return core.Invalid(field, "is not an event of this stream")
}

// postExtend gives a consumer more time for what it was handed.
func (s *Server) postExtend(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	var request rest.ExtendRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if request.Lease == nil {
		return errNoLease
	}
	until, err := s.Delivery.Consumers.Extend(c.context(), c.who, stream, group, *request.Lease, request.Visibility)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.Extended{ExpiresAt: until})
}
