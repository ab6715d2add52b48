package cloudevents

import (
	"mime"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The media types of CloudEvents 1.0 in JSON.
const (
	// TypeEvent is one event in structured mode.
	TypeEvent = "application/cloudevents+json"
	// TypeBatch is an array of them.
	TypeBatch = "application/cloudevents-batch+json"
)

// typeJSON is the media type of data that comes without one.
const typeJSON = "application/json"

// isJSONType reports whether data of a media type is JSON to CloudEvents. media
// is in lower case and has no parameters.
func isJSONType(media string) bool {
	_, subtype, _ := strings.Cut(media, "/")
	return subtype == "json" || strings.HasSuffix(subtype, "+json")
}

// IsUTF8 reports whether text in a charset is UTF-8. Many clients leave the
// hyphen out, and ASCII is a part of it.
func IsUTF8(charset string) bool {
	switch strings.ToLower(charset) {
	case "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// media returns the media type of the data and its charset.
func (e *incoming) media() (media, charset string, err error) {
	text, given := e.lookup(attributeContentType)
	if !given {
		return typeJSON, "", nil
	}
	media, parameters, err := mime.ParseMediaType(text)
	if err != nil {
		return "", "", core.Invalid(attributeContentType, "must be a media type")
	}
	return media, strings.ToLower(parameters["charset"]), nil
}
