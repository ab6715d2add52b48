package server

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// postBatch takes many events and answers with one result for each.
func (s *Server) postBatch(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	drafts, err := c.drafts(eventjson.StreamField(stream == ""))
	if err != nil {
		return err
	}
	if c.requestHeader(rest.HeaderIdempotencyKey) != "" {
		return core.Invalid(rest.HeaderIdempotencyKey, "identifies one event; in a batch, each event has its own idempotency_key")
	}
	items, err := s.Ingest.Batch(c.context(), c.who, stream, drafts)
	if err != nil {
		return err
	}
	return c.answerBatch(items)
}

func (c *call) drafts(field eventjson.StreamField) ([]eventjson.Draft, error) {
	kind, err := c.contentKind()
	switch {
	case err != nil:
	case kind == kindCloudEvent:
		err = unsupported(fasthttp.HeaderContentType, "must be application/cloudevents-batch+json for a batch of CloudEvents")
	case c.isBinary():
		err = core.Invalid("specversion", "must not be a header of a batch: all of a batch's events are in its body")
	}
	if err != nil {
		c.abandon()
		return nil, err
	}
	body, err := c.readBody()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindNDJSON:
		// Files of lines are written by tools that put a byte order mark at the start.
		// It is no part of the first line. RFC 8259 lets a reader pass over it; JSON
		// bodies, which programs make, must do without.
		return eventjson.DecodeLines(bytes.TrimPrefix(body, []byte(byteOrderMark)), field)
	case kindCloudEvents:
		return cloudevents.DecodeBatch(body, field)
	}
	return eventjson.DecodeArray(body, field)
}

// answerBatch answers 202 when all events were accepted, 207 when some were or are kept
// in quarantine, and 400 when none was. If one obstacle kept all of them out, the answer is
// that error instead of 400.
func (c *call) answerBatch(items []eventlog.Item) error {
	accepted, apart, said := 0, 0, ""
	for i := range items {
		switch {
		case items[i].Err != nil:
		case items[i].Receipt.Status == core.InQuarantine:
			apart++
			continue
		default:
			accepted++
			continue
		}
		seen, named := explained(items[i].Err)
		items[i].Err = named
		// A database that is away fails thousands of items alike. A line for each would fill
		// the disk.
		if seen.cause != nil && seen.cause.Error() != said {
			said = seen.cause.Error()
			c.logUnseen(seen)
		}
	}
	status := fasthttp.StatusMultiStatus
	switch accepted {
	case len(items):
		status = fasthttp.StatusAccepted
	case 0:
		if apart > 0 {
			break
		}
		if err := obstacle(items); err != nil {
			return c.failBatch(err, items)
		}
		status = fasthttp.StatusBadRequest
	}
	c.answer(status, contentJSON, append(appendBatch([]byte{'{'}, items, accepted, apart), '}'))
	return nil
}

// obstacle returns the error that answers for a whole batch, of which nothing
// was accepted. It is nil where the events themselves are the reason. A failure
// of the server for any of the events is an obstacle, because repeating the
// request may help; so is a refusal that is the same for all of them.
func obstacle(items []eventlog.Item) error {
	code := core.CodeOf(items[0].Err)
	shared := true
	for i := range items {
		if rest.Status(core.CodeOf(items[i].Err)) >= fasthttp.StatusInternalServerError {
			return items[i].Err
		}
		shared = shared && core.CodeOf(items[i].Err) == code
	}
	switch code {
	case core.CodeForbidden, core.CodeNotFound, core.CodeRateLimited:
		if shared {
			return items[0].Err
		}
	}
	return nil
}

// failBatch answers with the error of one of the items, and adds the results to the
// members of its body.
func (c *call) failBatch(err error, items []eventlog.Item) error {
	c.answerError(err)
	problem := c.ctx.Response.Body()
	body := append([]byte(nil), problem[:len(problem)-1]...)
	body = append(appendBatch(append(body, ','), items, 0, 0), '}')
	c.ctx.Response.SetBodyRaw(body)
	return nil
}

// appendBatch appends the members of a batch's answer: the counts and the
// results.
func appendBatch(b []byte, items []eventlog.Item, accepted, apart int) []byte {
	const itemSize = 160
	b = append(make([]byte, 0, len(b)+64+itemSize*len(items)), b...)
	b = append(b, `"accepted":`...)
	b = strconv.AppendInt(b, int64(accepted), 10)
	b = append(b, `,"rejected":`...)
	b = strconv.AppendInt(b, int64(len(items)-accepted-apart), 10)
	if apart > 0 {
		b = strconv.AppendInt(append(b, `,"quarantined":`...), int64(apart), 10)
	}
	b = append(b, `,"results":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, ',')
		if items[i].Err == nil {
			b = appendReceipt(b, items[i].Receipt)
		} else {
			b = appendRejection(b, items[i].Err)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendRejection(b []byte, err error) []byte {
	public := rest.Public(err)
	encoded, _ := json.Marshal(rest.ItemError{ // never fails: it is made of texts
		Code: public.Code, Message: public.Message, Details: append([]core.Detail{}, public.Details...),
	})
	b = append(b, `"status":"`+rest.Rejected+`","error":`...)
	return append(b, encoded...)
}
