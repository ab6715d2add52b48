package server

import (
	"context"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// group returns the stream and the group that the path names.
func (c *call) group() (stream, group string, err error) {
	if stream, err = c.stream(); err != nil {
		return "", "", err
	}
	group, err = c.param("group")
	return stream, group, err
}

// errNoHead refuses to answer without the body that the answer is about.
var errNoHead = core.Errorf(core.CodeMethodNotAllowed, "only GET is allowed at this address: every answer hands out events")

// getGroupEvents hands events to a consumer, waiting for them if it is asked
// to.
func (s *Server) getGroupEvents(c *call) error {
	if c.ctx.IsHead() {
		return errNoHead
	}
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	poll, err := c.poll()
	if err != nil {
		return err
	}
	s.polls.Add(1)
	defer s.polls.Add(-1)
	// It has a deadline of its own; what it asks of the store, too.
	delivery, err := s.Consumers.Poll(core.ContextWithOrganization(context.Background(), c.who.Org), c.who, stream, group, poll)
	if err != nil {
		return err
	}
	if c.prefers(cloudevents.TypeBatch) {
		c.answerDeliveredCloudEvents(delivery)
	} else {
		c.answerDelivery(delivery)
	}
	return nil
}

// poll reads the parameters of a poll.
func (c *call) poll() (poll core.Poll, err error) {
	values, err := c.query("limit", "timeout")
	if err != nil {
		return poll, err
	}
	if poll.Limit, err = parseLimit(values); err != nil {
		return poll, err
	}
	if values.Has("timeout") {
		seconds, err := strconv.ParseFloat(values.Get("timeout"), 64)
		if err != nil || !(seconds >= 0 && seconds <= core.MaxPollWait.Seconds()) {
			return poll, core.Invalid("timeout", "must be 0 to %d seconds", int(core.MaxPollWait.Seconds()))
		}
		poll.Wait = time.Duration(seconds * float64(time.Second))
	}
	conn := c.ctx.Conn()
	poll.Gone = func() bool { return hungUp(conn) }
	return poll, nil
}

func (c *call) answerDelivery(d core.Delivery) {
	body := pages.Get().(*pageBody)
	b := body.bytes[:0]
	b = append(b, `{"events":[`...)
	for i := range d.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEvent(b, &d.Events[i])
		b = append(b[:len(b)-1], `,"attempt":`...)
		b = strconv.AppendInt(b, int64(d.Attempts[i]), 10)
		b = append(b, '}')
	}
	b = append(b, `],"next_offset":`...)
	b = strconv.AppendInt(b, int64(d.NextOffset), 10)
	if d.Lease.IsZero() {
		b = append(b, `,"lease":null}`...)
	} else {
		b = append(b, `,"lease":{"id":"`...)
		b = d.Lease.AppendText(b)
		b = append(b, `","expires_at":"`...)
		b = d.ExpiresAt.AppendFormat(b, time.RFC3339Nano)
		b = append(b, `"}}`...)
	}
	c.answerPooled(body, b, contentJSON)
}

// answerDeliveredCloudEvents answers with a batch of CloudEvents. What belongs
// to none of them is in headers.
func (c *call) answerDeliveredCloudEvents(d core.Delivery) {
	header := &c.ctx.Response.Header
	header.Set(rest.HeaderNextOffset, strconv.FormatInt(int64(d.NextOffset), 10))
	if !d.Lease.IsZero() {
		header.Set(rest.HeaderLease, d.Lease.String())
		header.Set(rest.HeaderLeaseExpires, d.ExpiresAt.Format(time.RFC3339Nano))
	}
	body := pages.Get().(*pageBody)
	b := body.bytes[:0]
	b = append(b, '[')
	for i := range d.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = cloudevents.AppendDelivered(b, &d.Events[i], d.Attempts[i])
	}
	c.answerPooled(body, append(b, ']'), contentCloudEvents)
}

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

// about says which of several things an error is about.
func about(err error, field string) error {
	if core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return core.Invalid(field, "is not an event of this stream")
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
