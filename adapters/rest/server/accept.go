package server

import (
	"mime"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// prefers reports whether the Accept header asks for a media type by its name,
// and for JSON not more than for that. Without it the answer is EventFlow's own
// JSON, whatever else the header says.
func (c *call) prefers(media string) bool {
	accept := string(c.ctx.Request.Header.Peek(fasthttp.HeaderAccept))
	if !strings.Contains(strings.ToLower(accept), "cloudevents") {
		return false
	}
	wanted := quality(accept, media)
	return wanted > 0 && wanted >= quality(accept, rest.TypeJSON)
}

// quality returns how much an Accept header asks for a media type by its name,
// 0 where it does not.
func quality(accept, media string) float64 {
	for part := range strings.SplitSeq(accept, ",") {
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
