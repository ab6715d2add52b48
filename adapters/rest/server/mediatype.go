package server

import (
	"mime"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

type kind int

const (
	kindJSON kind = iota
	kindNDJSON
	kindCloudEvent
	kindCloudEvents
)

// contentKind reads the media type of the body. Without one it is taken for
// JSON.
func (c *call) contentKind() (kind, error) {
	raw := c.ctx.Request.Header.ContentType()
	if len(raw) == 0 || string(raw) == rest.TypeJSON {
		return kindJSON, nil
	}
	media, parameters, err := mime.ParseMediaType(string(raw))
	if charset, given := parameters["charset"]; err != nil || given && !cloudevents.IsUTF8(charset) {
		return 0, unsupported(fasthttp.HeaderContentType, "must be a valid media type; its charset, if it has one, must be utf-8")
	}
	switch {
	case media == cloudevents.TypeEvent:
		return kindCloudEvent, nil
	case media == cloudevents.TypeBatch:
		return kindCloudEvents, nil
	case media == rest.TypeJSON, strings.HasSuffix(media, "+json"):
		return kindJSON, nil
	case media == rest.TypeNDJSON, media == "application/ndjson":
		return kindNDJSON, nil
	}
	return 0, unsupported(fasthttp.HeaderContentType, "must be application/json, or application/x-ndjson for a batch")
}

// wantJSON refuses a body that is not JSON.
func (c *call) wantJSON() error {
	kind, err := c.contentKind()
	if err == nil && kind != kindJSON {
		err = unsupported(fasthttp.HeaderContentType, "must be application/json")
	}
	if err != nil {
		c.abandon()
	}
	return err
}

func unsupported(header, reason string) error {
	return &core.Error{
		Code:    core.CodeUnsupportedMedia,
		Message: header + ": " + reason,
		Details: []core.Detail{{Field: header, Reason: reason}},
	}
}
