package server

import (
	"context"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// getGroupEvents hands events to a consumer. If there are none, it waits as
// long as the consumer asks it to.
func (s *Server) getGroupEvents(c *call) error {
	stream, group, err := c.group()
	if err != nil {
		return err
	}
	poll, err := c.poll()
	if err != nil {
		return err
	}
	if poll.Wait > 0 {
		leave, err := s.stay(c)
		if err != nil {
			return err
		}
		defer leave()
	}
	s.polls.Add(1)
	defer s.polls.Add(-1)
	// A poll may wait for longer than requests usually take. The time on top is for the
	// last look, at the end of the wait.
	deadline := c.start.Add(max(s.Limits.HandlerTimeout, poll.Wait) + deadlineShare)
	ctx, cancel := context.WithDeadline(core.ContextWithOrganization(c.lines(), c.who.Org), deadline)
	defer cancel()
	delivery, err := s.Delivery.Consumers.Poll(ctx, c.lasting(), stream, group, poll)
	if err != nil {
		return err
	}
	if c.trace != nil {
		c.trace.Delivered(&delivery)
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
		b = eventjson.AppendEvent(b, &d.Events[i])
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

// answerDeliveredCloudEvents answers with a batch of CloudEvents. The lease and
// the next offset, which belong to none of them, are headers.
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
