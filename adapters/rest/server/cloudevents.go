package server

import (
	"encoding/base64"

	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

var (
	contentCloudEvent  = []byte(cloudevents.TypeEvent)
	contentCloudEvents = []byte(cloudevents.TypeBatch)
)

// isBinary reports whether the headers of a request are a CloudEvent in binary
// mode. Next to the media type of a structured CloudEvent, headers mean
// nothing.
func (c *call) isBinary() bool {
	header := &c.ctx.Request.Header
	if cloudevents.IsStructured(header.ContentType()) {
		return false
	}
	for name := range header.All() {
		if cloudevents.IsRequiredHeader(name) {
			return true
		}
	}
	return false
}

// binaryEvent reads a CloudEvent whose attributes are headers and whose data
// is the body.
func (c *call) binaryEvent(field eventjson.StreamField) (eventjson.Draft, error) {
	header := &c.ctx.Request.Header
	event, err := cloudevents.ReadHeaders(header.All(), string(header.ContentType()))
	if err != nil {
		c.abandon()
		return eventjson.Draft{}, err
	}
	body, err := c.readBody()
	if err != nil {
		return eventjson.Draft{}, err
	}
	// While the draft is made, the body may be there twice: as it came and in
	// base64.
	if err := c.reserve(base64.StdEncoding.EncodedLen(len(body))); err != nil {
		return eventjson.Draft{}, err
	}
	return event.Draft(body, field)
}

// answerCloudEvents answers with a page as an array of CloudEvents. Only the
// Link header says where the list goes on.
func (c *call) answerCloudEvents(page core.EventPage) {
	body := pages.Get().(*pageBody)
	b := body.bytes[:0]
	b = append(b, '[')
	for i := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = cloudevents.Append(b, &page.Items[i])
	}
	c.answerPooled(body, append(b, ']'), contentCloudEvents)
}
