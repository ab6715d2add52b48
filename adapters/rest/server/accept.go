package server

import (
	"mime"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// prefers reports whether the Accept header names a media type and wants it at
// least as much as JSON. A client that names no media type of CloudEvents gets
// EventFlow's own JSON, even where it takes anything.
func (c *call) prefers(media string) bool {
	c.ctx.Response.Header.Set(fasthttp.HeaderVary, fasthttp.HeaderAccept)
	accept := c.requestHeader(fasthttp.HeaderAccept)
	if !strings.Contains(strings.ToLower(accept), "cloudevents") {
		return false
	}
	wanted := quality(accept, media)
	return wanted > 0 && wanted >= quality(accept, rest.TypeJSON)
}

// quality returns how much an Accept header wants a media type that it names,
// from 0 to 1. It is 0 for one that it does not name.
func quality(accept, media string) float64 {
	for part := range elements(accept) {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil || name != media {
			continue
		}
		q, given := parameters["q"]
		if !given {
			return 1
		}
		quality, err := strconv.ParseFloat(q, 64)
		if err != nil || !(quality >= 0 && quality <= 1) {
			return 0
		}
		return quality
	}
	return 0
}
