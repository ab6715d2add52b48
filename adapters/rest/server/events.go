package server

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// postEvent takes one event. It is the hot path: no reflection, one copy of
// the body, and an answer written by hand.
func (s *Server) postEvent(c *call) error {
	stream, draft, err := c.draft()
	if err != nil {
		return err
	}
	receipt, err := s.Ingest.Event(c.context(), c.who, stream, draft)
	if err != nil {
		return err
	}
	response := &c.ctx.Response
	response.SetStatusCode(fasthttp.StatusAccepted)
	response.Header.SetContentTypeBytes(contentJSON)
	body := response.SwapBody(nil)[:0]
	body = append(body, '{')
	body = appendReceipt(body, receipt)
	response.SwapBody(append(body, '}'))
	return nil
}

// draft reads the one event of a request, and the stream of its path.
func (c *call) draft() (stream string, draft core.Draft, err error) {
	if stream, err = c.stream(); err != nil {
		return "", core.Draft{}, err
	}
	if draft, err = c.decode(core.StreamField(stream == "")); err != nil {
		return "", core.Draft{}, err
	}
	err = draft.Apply(core.Hints{
		IdempotencyKey: c.requestHeader(rest.HeaderIdempotencyKey),
		Traceparent:    c.requestHeader("Traceparent"),
	})
	return stream, draft, err
}

// decode reads the one event of a request in the form that its headers say.
func (c *call) decode(field core.StreamField) (core.Draft, error) {
	if c.isBinary() {
		return c.binaryEvent(field)
	}
	kind, err := c.contentKind()
	if err == nil && kind != kindJSON && kind != kindCloudEvent {
		err = unsupported(fasthttp.HeaderContentType, "must be application/json or application/cloudevents+json")
	}
	if err != nil {
		c.abandon()
		return core.Draft{}, err
	}
	body, err := c.readBody(core.MaxEventBytes)
	if err != nil {
		return core.Draft{}, err
	}
	if kind == kindCloudEvent {
		return cloudevents.Decode(body, field)
	}
	return core.DecodeEvent(body, field)
}

// postValidate is a dry run of postEvent.
func (s *Server) postValidate(c *call) error {
	stream, draft, err := c.draft()
	if err != nil {
		return err
	}
	if err := s.Streams.Validate(c.context(), c.who, stream, draft); err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.Validity{Valid: true})
}

// appendReceipt appends the members of a receipt.
func appendReceipt(b []byte, receipt core.Receipt) []byte {
	b = append(b, `"status":"`...)
	b = append(b, receipt.Status...)
	b = append(b, `","event_id":"`...)
	b = receipt.ID.AppendText(b)
	b = append(b, `","offset":`...)
	b = strconv.AppendInt(b, int64(receipt.Offset), 10)
	b = append(b, `,"received_at":"`...)
	b = receipt.ReceivedAt.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if receipt.Duplicate {
		b = append(b, `,"duplicate":true`...)
	}
	return b
}
