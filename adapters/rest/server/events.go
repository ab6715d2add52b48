package server

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// postEvent stores one event. It is the hot path: it uses no reflection, copies
// the body once, and writes the answer by hand.
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

// draft reads the one event of a request, and which stream the path names.
func (c *call) draft() (stream string, draft eventjson.Draft, err error) {
	if stream, err = c.stream(); err != nil {
		return "", eventjson.Draft{}, err
	}
	if draft, err = c.decode(eventjson.StreamField(stream == "")); err != nil {
		return "", eventjson.Draft{}, err
	}
	err = draft.Apply(eventjson.Hints{
		IdempotencyKey: c.requestHeader(rest.HeaderIdempotencyKey),
		Traceparent:    c.requestHeader(headerTraceparent),
	})
	return stream, draft, err
}

// decode reads the one event of a request, in the form that the headers
// announce.
func (c *call) decode(field eventjson.StreamField) (eventjson.Draft, error) {
	if c.isBinary() {
		return c.binaryEvent(field)
	}
	kind, err := c.contentKind()
	if err == nil && kind != kindJSON && kind != kindCloudEvent {
		err = unsupported(fasthttp.HeaderContentType, "must be application/json or application/cloudevents+json")
	}
	if err != nil {
		c.abandon()
		return eventjson.Draft{}, err
	}
	body, err := c.readBody()
	if err != nil {
		return eventjson.Draft{}, err
	}
	if kind == kindCloudEvent {
		return cloudevents.Decode(body, field)
	}
	return eventjson.DecodeEvent(body, field)
}

// appendReceipt appends the members of a receipt.
func appendReceipt(b []byte, receipt core.Receipt) []byte {
	b = append(b, `"status":"`...)
	b = append(b, receipt.Status...)
	if receipt.Status == core.InQuarantine {
		return appendQuarantined(b, receipt)
	}
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

// appendQuarantined goes on with the receipt of an event that is in no stream.
func appendQuarantined(b []byte, receipt core.Receipt) []byte {
	reasons, _ := json.Marshal(receipt.Reasons) // never fails: it is made of texts
	b = receipt.Quarantine.AppendText(append(b, `","quarantine_id":"`...))
	b = append(b, `","offset":-1,"received_at":"`...)
	b = receipt.ReceivedAt.AppendFormat(b, time.RFC3339Nano)
	b = append(append(b, `","reasons":`...), reasons...)
	if receipt.Duplicate {
		b = append(b, `,"duplicate":true`...)
	}
	return b
}

// postValidate answers what storing an event would, and stores nothing.
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

// getEvents answers a page of events, of one stream or of all.
func (s *Server) getEvents(c *call) error {
	stream, query, err := c.eventQuery()
	if err != nil {
		return err
	}
	batch := c.prefers(cloudevents.TypeBatch)
	if batch && query.Partial {
		return core.Invalid(rest.PartialParameter, "cannot be had as %s, which has no place for what is missing", cloudevents.TypeBatch)
	}
	page, err := s.Query.Events(c.context(), c.who, stream, query)
	if err != nil {
		return err
	}
	if page.HasMore {
		query.Cursor = page.NextCursor
		c.setNext(rest.StreamEventsPath(stream), rest.Query(query))
	}
	if batch {
		c.answerCloudEvents(page)
	} else {
		c.answerPage(page)
	}
	return nil
}

func (c *call) answerPage(page core.EventPage) {
	body := pages.Get().(*pageBody)
	b := body.bytes[:0]
	b = append(b, `{"items":[`...)
	for i := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = eventjson.AppendEvent(b, &page.Items[i])
	}
	b = append(b, `],"pagination":{"next_cursor":`...)
	b = eventjson.AppendText(b, page.NextCursor)
	b = append(b, `,"has_more":`...)
	b = strconv.AppendBool(b, page.HasMore)
	b = append(b, '}')
	if page.Names != nil {
		b = appendNames(append(b, `,"streams":`...), page.Names)
	}
	if page.Missing != nil {
		missing, _ := json.Marshal(page.Missing) // never fails: it is made of numbers and texts
		b = append(append(b, `,"missing":`...), missing...)
	}
	c.answerPooled(body, append(b, '}'), contentJSON)
}

// appendNames appends the names of streams by their ids.
func appendNames(b []byte, names map[core.ID]string) []byte {
	separator := byte('{')
	for id, name := range names {
		b = id.AppendText(append(b, separator, '"'))
		b = eventjson.AppendText(append(b, '"', ':'), name)
		separator = ','
	}
	if len(names) == 0 {
		b = append(b, '{')
	}
	return append(b, '}')
}

// getEvent answers one event.
func (s *Server) getEvent(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	id, err := c.param("event_id")
	if err != nil {
		return err
	}
	event, err := s.Query.Event(c.context(), c.who, stream, id)
	if err != nil {
		return err
	}
	if c.prefers(cloudevents.TypeEvent) {
		c.answer(fasthttp.StatusOK, contentCloudEvent, cloudevents.Append(nil, &event))
	} else {
		c.answer(fasthttp.StatusOK, contentJSON, eventjson.AppendEvent(nil, &event))
	}
	return nil
}

// eventQuery reads the stream of the path and the parameters of a query for
// events. extra names the parameters that this request has instead of a page's.
func (c *call) eventQuery(extra ...string) (stream string, query core.EventQuery, err error) {
	if stream, err = c.stream(); err != nil {
		return "", core.EventQuery{}, err
	}
	known := append([]string{"type", "source", "subject", "from", "to", "after", "order"}, extra...)
	if extra == nil {
		if known = append(known, "cursor", "limit"); stream == "" {
			known = append(known, rest.PartialParameter)
		}
	}
	values, err := c.query(append(known, rest.PayloadParameter)...)
	if err != nil {
		return "", core.EventQuery{}, err
	}
	query, err = parseEventQuery(values)
	return stream, query, err
}

func parseEventQuery(values url.Values) (query core.EventQuery, err error) {
	query.Filter = core.Filter{Type: values.Get("type"), Source: values.Get("source"), Subject: values.Get("subject")}
	query.Cursor = values.Get("cursor")
	if query.Limit, err = parseLimit(values); err != nil {
		return query, err
	}
	if query.From, err = parseTime(values, "from"); err != nil {
		return query, err
	}
	if query.To, err = parseTime(values, "to"); err != nil {
		return query, err
	}
	if query.After, err = parseAfter(values); err != nil {
		return query, err
	}
	if order := values.Get("order"); order != "" && order != "asc" && order != "desc" {
		return query, core.Invalid("order", "must be asc or desc")
	}
	query.Descending = values.Get("order") == "desc"
	if query.Partial, err = parseFlag(values, rest.PartialParameter); err != nil {
		return query, err
	}
	query.Payload, err = parsePayload(values)
	return query, err
}

// maxPayloadFilters bounds how many values one query may look for in each
// event's payload.
const maxPayloadFilters = 10

func parsePayload(values url.Values) ([]core.PayloadMatch, error) {
	var matches []core.PayloadMatch
	for name := range values {
		if path, ok := strings.CutPrefix(name, rest.PayloadParameter); ok {
			matches = append(matches, core.PayloadMatch{Path: path, Value: values.Get(name)})
		}
	}
	if len(matches) > maxPayloadFilters {
		return nil, core.Invalid("payload", "can be filtered by at most %d members at once", maxPayloadFilters)
	}
	// The order of a map is random, and a cursor is good for one query only: the
	// same parameters must make the same query.
	slices.SortFunc(matches, func(a, b core.PayloadMatch) int { return strings.Compare(a.Path, b.Path) })
	return matches, nil
}
