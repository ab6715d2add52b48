package server

import (
	"context"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// postOffsets settles everything up to an offset.
func (s *Server) postOffsets(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	var request rest.CommitRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	ctx := c.context()
	offset, err := s.offset(ctx, c, stream, request.Offset, request.LastEventID, "last_event_id")
	if err != nil {
		return err
	}
	var lease core.ID
	if request.Lease != nil {
		lease = *request.Lease
	}
	at, err := s.Consumers.Commit(ctx, c.who, stream, group, offset, lease)
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
	if len(request.Offsets)+len(request.EventIDs) > core.MaxPageSize {
		return core.Invalid("offsets", "must have at most %d members, as many as a lease holds", core.MaxPageSize)
	}
	ctx := c.context()
	offsets := request.Offsets
	for i, id := range request.EventIDs {
		offset, err := s.Consumers.EventOffset(ctx, c.who, stream, id)
		if err != nil {
			return about(err, "event_ids["+strconv.Itoa(i)+"]")
		}
		offsets = append(offsets, offset)
	}
	if len(offsets) == 0 && (request.Offsets != nil || request.EventIDs != nil) {
		return core.Invalid("offsets", "must not be empty; leave it out to settle the whole lease")
	}
	if err := s.Consumers.Ack(ctx, c.who, stream, group, *request.Lease, offsets); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
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
	if len(request.Events) == 0 || len(request.Events) > core.MaxPageSize {
		return core.Invalid("events", "must be 1 to %d", core.MaxPageSize)
	}
	ctx := c.context()
	nacks := make([]core.Nack, len(request.Events))
	for i, event := range request.Events {
		place := "events[" + strconv.Itoa(i) + "]"
		offset, err := s.offset(ctx, c, stream, event.Offset, event.EventID, place+".event_id")
		if err != nil {
			return about(err, place)
		}
		nacks[i] = core.Nack{Offset: offset, Action: event.Action, Reason: event.Reason, Delay: event.Delay}
	}
	if err := s.Consumers.Nack(ctx, c.who, stream, group, *request.Lease, nacks); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// offset is the one that a request names, by itself or by the event's id.
func (s *Server) offset(ctx context.Context, c *call, stream string, offset *core.Offset, id *core.ID, field string) (core.Offset, error) {
	switch {
	case (offset == nil) == (id == nil):
		return 0, core.Invalid(field, "or offset is required, and only one of them")
	case offset != nil && *offset < 0:
		return 0, core.Invalid("offset", "must be 0 or more")
	case offset != nil:
		return *offset, nil
	}
	return s.Consumers.EventOffset(ctx, c.who, stream, *id)
}

// about says which of several things an error is about.
func about(err error, field string) error {
	if core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return core.Invalid(field, "is not an event of this stream")
}

// postExtend gives a consumer more time.
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
	until, err := s.Consumers.Extend(c.context(), c.who, stream, group, *request.Lease, request.Visibility)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.Extended{ExpiresAt: until})
}
