package server

import (
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// getEvents answers a page of events, of one stream or of all.
func (s *Server) getEvents(c *call) error {
	stream, query, err := c.eventQuery()
	if err != nil {
		return err
	}
	page, err := s.Query.Events(c.context(), c.who, stream, query)
	if err != nil {
		return err
	}
	if page.HasMore {
		query.Cursor = page.NextCursor
		c.setNext(rest.StreamEventsPath(stream), rest.Query(query))
	}
	if c.prefers(cloudevents.TypeBatch) {
		c.answerCloudEvents(page)
	} else {
		c.answerPage(page)
	}
	return nil
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
		c.answer(fasthttp.StatusOK, contentJSON, appendEvent(nil, &event))
	}
	return nil
}

// getHistogram counts a stream's events by time.
func (s *Server) getHistogram(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	values, err := c.query("from", "to", "buckets")
	if err != nil {
		return err
	}
	from, err := parseTime(values, "from")
	if err != nil {
		return err
	}
	to, err := parseTime(values, "to")
	if err != nil {
		return err
	}
	buckets, err := strconv.Atoi(values.Get("buckets"))
	if err != nil {
		return core.Invalid("buckets", "must be a whole number")
	}
	histogram, err := s.Query.Histogram(c.context(), c.who, stream, from, to, buckets)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, histogram)
}

// setNext says where a list goes on.
func (c *call) setNext(path string, query url.Values) {
	c.ctx.Response.Header.Set(fasthttp.HeaderLink, "<"+path+"?"+query.Encode()+`>; rel="next"`)
}

// pageBody is a page of events on its way out. Its memory is used again for
// other pages once the answer is written.
type pageBody struct {
	bytes []byte
	sent  int
}

var pages = sync.Pool{New: func() any { return &pageBody{} }}

// maxPooledPage keeps an exceptional page from holding its memory for ever.
const maxPooledPage = 4 << 20

func (c *call) answerPage(page core.EventPage) {
	body := pages.Get().(*pageBody)
	b := body.bytes[:0]
	b = append(b, `{"items":[`...)
	for i := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEvent(b, &page.Items[i])
	}
	b = append(b, `],"pagination":{"next_cursor":`...)
	b = appendText(b, page.NextCursor)
	b = append(b, `,"has_more":`...)
	b = strconv.AppendBool(b, page.HasMore)
	b = append(b, '}')
	if page.Names != nil {
		b = appendNames(append(b, `,"streams":`...), page.Names)
	}
	c.answerPooled(body, append(b, '}'), contentJSON)
}

// appendNames appends the names of streams by their ids.
func appendNames(b []byte, names map[core.ID]string) []byte {
	separator := byte('{')
	for id, name := range names {
		b = id.AppendText(append(b, separator, '"'))
		b = appendText(append(b, '"', ':'), name)
		separator = ','
	}
	if len(names) == 0 {
		b = append(b, '{')
	}
	return append(b, '}')
}

// answerPooled answers with bytes that were appended to a page's memory.
func (c *call) answerPooled(body *pageBody, b, contentType []byte) {
	body.bytes, body.sent = b, 0
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentTypeBytes(contentType)
	c.ctx.Response.SetBodyStream(body, len(b))
}

// Read implements io.Reader.
func (p *pageBody) Read(b []byte) (int, error) {
	if p.sent == len(p.bytes) {
		return 0, io.EOF
	}
	n := copy(b, p.bytes[p.sent:])
	p.sent += n
	return n, nil
}

// WriteTo implements io.WriterTo.
func (p *pageBody) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(p.bytes[p.sent:])
	p.sent += n
	return int64(n), err
}

// Close gives the memory back. fasthttp calls it once.
func (p *pageBody) Close() error {
	if cap(p.bytes) <= maxPooledPage {
		pages.Put(p)
	}
	return nil
}

// eventQuery reads the stream of the path and the parameters of a query for
// events; extra names those that this request knows besides.
func (c *call) eventQuery(extra ...string) (stream string, query core.EventQuery, err error) {
	if stream, err = c.stream(); err != nil {
		return "", core.EventQuery{}, err
	}
	known := append([]string{"type", "source", "subject", "from", "to", "after", "order"}, extra...)
	if extra == nil {
		known = append(known, "cursor", "limit")
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
	query.Payload, err = parsePayload(values)
	return query, err
}

// parseLimit returns the page size, 0 where none is given.
func parseLimit(values url.Values) (int, error) {
	if !values.Has("limit") {
		return 0, nil
	}
	limit, err := strconv.ParseUint(values.Get("limit"), 10, 31)
	if err != nil || limit < 1 || limit > core.MaxPageSize {
		return 0, core.Invalid("limit", "must be a whole number from 1 to %d", core.MaxPageSize)
	}
	return int(limit), nil
}

func parseTime(values url.Values, name string) (time.Time, error) {
	if !values.Has(name) {
		return time.Time{}, nil
	}
	// A plus sign that was not percent-encoded arrives as a space.
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(values.Get(name), " ", "+", 1))
	if err != nil {
		return time.Time{}, core.Invalid(name, "must be an RFC 3339 time like 2006-01-02T15:04:05Z")
	}
	return t, nil
}

func parseAfter(values url.Values) (*core.Offset, error) {
	if !values.Has("after") {
		return nil, nil
	}
	after, err := strconv.ParseUint(values.Get("after"), 10, 63)
	if err != nil {
		return nil, core.Invalid("after", "must be an offset: a whole number, at least 0")
	}
	offset := core.Offset(after)
	return &offset, nil
}

// maxPayloadFilters bounds what one query may ask of each event's payload.
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
	// A cursor belongs to its query: the order must not depend on chance.
	slices.SortFunc(matches, func(a, b core.PayloadMatch) int { return strings.Compare(a.Path, b.Path) })
	return matches, nil
}

// query reads the parameters of the address. Those that known does not list,
// repeated ones, empty ones and those that are not text are refused: a
// misspelt filter must not answer with everything. A name that ends with a dot
// stands for all that begin with it.
func (c *call) query(known ...string) (url.Values, error) {
	values, err := url.ParseQuery(string(c.ctx.URI().QueryString()))
	if err != nil {
		return nil, core.Invalid("query", "is not valid percent-encoding")
	}
	for name, given := range values {
		if err := checkParameter(name, given, known); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func checkParameter(name string, given, known []string) error {
	if !isText(name) {
		return core.Invalid("query", "has a parameter whose name is not valid text")
	}
	isKnown := slices.ContainsFunc(known, func(k string) bool {
		if strings.HasSuffix(k, ".") {
			return len(name) > len(k) && strings.HasPrefix(name, k)
		}
		return k == name
	})
	switch {
	case !isKnown:
		return core.Invalid(name, "is not a parameter of this request")
	case len(given) > 1:
		return core.Invalid(name, "must be given only once")
	case given[0] == "" && !strings.HasPrefix(name, rest.PayloadParameter):
		return core.Invalid(name, "must not be empty")
	case !isText(given[0]):
		return core.Invalid(name, "must be valid UTF-8 without NUL")
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
