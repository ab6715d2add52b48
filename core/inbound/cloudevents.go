package inbound

import (
	"net/url"
	"strings"
)

// The forms that CloudEvents have over HTTP. An id is one of its source alone.
var (
	structuredEvent = &preset{
		types: []string{"payload.type"}, ids: []string{"payload.id"}, idsOf: "payload.source",
		times: []string{"payload.time"}, subjects: []string{"payload.subject"},
	}
	batchedEvents = func() *preset {
		many := *structuredEvent
		many.batches = true
		return &many
	}()
	binaryEvent = &preset{
		types: []string{"header.ce-type"}, ids: []string{"header.ce-id"}, idsOf: "header.ce-source",
		times: []string{"header.ce-time"}, subjects: []string{"header.ce-subject"}, headers: []string{"ce-id", "ce-source"},
	}
)

// of returns the preset by which a request is read. Where anybody may be the sender, a
// CloudEvent says itself where its fields are.
func (p *preset) of(request Request) *preset {
	if !p.anybody {
		return p
	}
	switch media := mediaOf(request); {
	case media == "application/cloudevents+json":
		return structuredEvent
	case media == "application/cloudevents-batch+json":
		return batchedEvents
	case request.Header("ce-specversion") != "" && request.Header("ce-type") != "":
		return binaryEvent
	}
	return p
}

// mediaOf returns the media type of a body.
func mediaOf(request Request) string {
	media, _, _ := strings.Cut(request.Header("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// unescaped returns a header as it is meant: CloudEvents escape what a header cannot hold.
func (p *preset) unescaped(value string) string {
	if p == binaryEvent {
		if text, err := url.PathUnescape(value); err == nil {
			return text
		}
	}
	return value
}
