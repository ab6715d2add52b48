package cloudevents

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
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

// isJSONType reports whether CloudEvents takes the data of a media type, which
// is in lower case and has no parameters, for JSON.
func isJSONType(media string) bool {
	_, subtype, _ := strings.Cut(media, "/")
	return subtype == "json" || strings.HasSuffix(subtype, "+json")
}

// media reads datacontenttype.
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

// holdsBase64 reports whether a payload is what ingest makes of binary data. It
// is looked at again because anybody may have written such a context.
func holdsBase64(payload []byte) bool {
	return isString(payload) && isBase64(string(payload[1:len(payload)-1]))
}

func isString(value []byte) bool { return len(value) > 1 && value[0] == '"' }

// isBase64 reports whether a text is base64 as CloudEvents has it in JSON: of
// the standard alphabet, padded, without line breaks.
func isBase64(text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	return err == nil
}

// appendText appends a JSON string that escapes no more than it must.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, encodedText(text)...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func encodedText(text string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always has a JSON form
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
