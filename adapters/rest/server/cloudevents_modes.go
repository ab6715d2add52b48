package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// headerPrefix begins the names of the headers that are attributes.
const headerPrefix = "ce-"

// isBinary reports whether the headers of a request are a CloudEvent in binary
// mode; beside the media type of a structured one they mean nothing.
func (c *call) isBinary() bool {
	const structured = "application/cloudevents"
	header := &c.ctx.Request.Header
	if media := header.ContentType(); len(media) >= len(structured) && strings.EqualFold(string(media[:len(structured)]), structured) {
		return false
	}
	for key := range header.All() {
		if len(key) < len(headerPrefix) || key[2] != '-' || key[0]|0x20 != 'c' || key[1]|0x20 != 'e' {
			continue
		}
		switch strings.ToLower(string(key[len(headerPrefix):])) {
		case attributeVersion, attributeID, attributeSource, attributeType:
			return true
		}
	}
	return false
}

// binaryEvent reads a CloudEvent whose attributes are headers and whose data
// is the body.
func (c *call) binaryEvent(field core.StreamField) (core.Draft, error) {
	var e cloudEvent
	if err := c.headerAttributes(&e); err != nil {
		c.abandon()
		return core.Draft{}, err
	}
	body, err := c.readBody(core.MaxEventBytes)
	if err != nil {
		return core.Draft{}, err
	}
	// Encoded, the body is there twice.
	if err := c.reserve(base64.StdEncoding.EncodedLen(len(body))); err != nil {
		return core.Draft{}, err
	}
	if err := e.setBody(body); err != nil {
		return core.Draft{}, err
	}
	return e.draft(field)
}

// headerAttributes reads the attributes of a request in binary mode.
func (c *call) headerAttributes(e *cloudEvent) error {
	header := &c.ctx.Request.Header
	for key, value := range header.All() {
		if name, ok := strings.CutPrefix(strings.ToLower(string(key)), headerPrefix); ok {
			if err := e.setHeader(name, string(value)); err != nil {
				return err
			}
		}
	}
	if media := string(header.ContentType()); media != "" {
		return e.set(attributeContentType, media)
	}
	return nil
}

// setHeader adds an attribute as it is in a header.
func (e *cloudEvent) setHeader(name, value string) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	if name == attributeContentType {
		return core.Invalid(name, "is the Content-Type header in binary mode")
	}
	text, err := headerText(name, value)
	if err != nil {
		return err
	}
	return e.set(name, text)
}

// headerText decodes the value of an attribute's header: the percent-encoding
// that the binding asks for, around which its older versions put quotes.
func headerText(name, value string) (string, error) {
	if strings.HasPrefix(value, `"`) {
		var ok bool
		if value, ok = unquoted(value); !ok {
			return "", core.Invalid(name, "has unbalanced double quotes")
		}
	}
	text, err := url.PathUnescape(value)
	if err != nil {
		return "", core.Invalid(name, "is not valid percent-encoding")
	}
	return text, nil
}

// unquoted reads a quoted string of HTTP.
func unquoted(value string) (text string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; c {
		case '"':
			return b.String(), i == len(value)-1
		case '\\':
			if i++; i == len(value) {
				return "", false
			}
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// setBody takes the body of a request in binary mode as the data. Without a
// media type it is JSON, as everywhere.
func (e *cloudEvent) setBody(body []byte) error {
	media, charset, err := e.media()
	switch {
	case err != nil:
		return err
	case len(body) == 0:
		e.payload, e.encoding = []byte("null"), rest.DataNone
	case rest.IsJSONType(media):
		if charset != "" && charset != "utf-8" {
			return unsupported(fasthttp.HeaderContentType, "must be of charset utf-8 where the data is JSON")
		}
		if err := core.ValidJSON(body); err != nil {
			return dataError(err)
		}
		e.payload = bytes.Trim(body, " \t\r\n")
	case strings.HasPrefix(media, "text/") && (charset == "" || charset == "utf-8" || charset == "us-ascii"):
		if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
			return core.Invalid(memberData, "must be UTF-8 without NUL when datacontenttype is text and names no other charset")
		}
		e.payload = jsonText(string(body))
	default:
		e.payload = append(base64.StdEncoding.AppendEncode([]byte{'"'}, body), '"')
		e.encoding = rest.DataBase64
	}
	return nil
}

// jsonText returns a text as a JSON string that escapes no more than it must.
func jsonText(text string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always has a JSON form
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// media reads datacontenttype.
func (e *cloudEvent) media() (media, charset string, err error) {
	text, given := e.lookup(attributeContentType)
	if !given {
		return rest.TypeJSON, "", nil
	}
	media, parameters, err := mime.ParseMediaType(text)
	if err != nil {
		return "", "", core.Invalid(attributeContentType, "must be a media type")
	}
	return media, strings.ToLower(parameters["charset"]), nil
}

// dataError makes an error about a JSON value one about the data.
func dataError(err error) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok || len(known.Details) == 0 {
		return err
	}
	field := memberData
	if path := known.Details[0].Field; strings.HasPrefix(path, "[") {
		field += path
	} else if path != "body" {
		field += "." + path
	}
	return renamed(known, field, known.Details[0].Reason)
}

// decodeCloudEvent decodes a CloudEvent in the JSON event format. The draft
// keeps parts of body.
func decodeCloudEvent(body []byte, field core.StreamField) (core.Draft, error) {
	var e cloudEvent
	var data, encoded []byte
	err := core.Members(body, func(name string, value []byte) error {
		switch name {
		case memberData:
			data = value
			return nil
		case memberBase64:
			if string(value) != "null" {
				encoded = value
			}
			return nil
		}
		return e.setJSON(name, value)
	})
	if err == nil {
		err = e.setData(data, encoded)
	}
	if err != nil {
		return core.Draft{}, err
	}
	return e.draft(field)
}

// setJSON adds an attribute as it is in JSON, where null is none.
func (e *cloudEvent) setJSON(name string, value []byte) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	if text, ok := core.TextOf(value); ok {
		return e.set(name, text)
	}
	switch name {
	case attributeVersion, attributeID, attributeSource, attributeType, attributeSubject, attributeTime,
		attributeContentType, attributeSchema, rest.CloudEventStream:
		if string(value) != "null" {
			return core.Invalid(name, "must be a string")
		}
		return nil
	}
	switch text := string(value); text {
	case "null":
		return nil
	case "true", "false":
		return e.set(name, text)
	default:
		if _, err := strconv.ParseInt(text, 10, 32); err != nil {
			return core.Invalid(name, "must be a string, a boolean or an integer from -2147483648 to 2147483647")
		}
		return e.set(name, text)
	}
}

// setData takes the members that are the data; both are nil where there is
// none.
func (e *cloudEvent) setData(data, encoded []byte) error {
	media, _, err := e.media()
	switch {
	case err != nil:
		return err
	case data != nil && encoded != nil:
		return core.Invalid(memberBase64, "must not be given together with data")
	case encoded != nil:
		text, ok := core.TextOf(encoded)
		if !ok || !rest.IsBase64(text) {
			return core.Invalid(memberBase64, "must be a base64 string, padded and on one line")
		}
		if len(text) < len(encoded)-len(`""`) {
			encoded = []byte(`"` + text + `"`) // without escapes, as readers expect it
		}
		e.payload, e.encoding = encoded, rest.DataBase64
	case data == nil:
		e.payload, e.encoding = []byte("null"), rest.DataNone
	case data[0] != '"' && !rest.IsJSONType(media):
		return core.Invalid(memberData, "must be a string when datacontenttype is not JSON")
	default:
		e.payload = data
	}
	return nil
}

// decodeCloudEvents decodes a batch of CloudEvents. One that is refused has
// its Err set and does not touch the others.
func decodeCloudEvents(body []byte, field core.StreamField) ([]core.Draft, error) {
	texts, err := core.SplitArray(body)
	if err != nil {
		return nil, err
	}
	drafts := make([]core.Draft, len(texts))
	for i, text := range texts {
		var err error
		if size := len(text); size > core.MaxEventBytes {
			err = &core.Error{Code: core.CodePayloadTooLarge, Details: []core.Detail{{
				Field: "body", Reason: "must have at most " + sizeText(core.MaxEventBytes),
			}}}
		} else {
			drafts[i], err = decodeCloudEvent(text, field)
		}
		if err != nil {
			drafts[i] = core.Draft{Err: placed(err, i)}
		}
	}
	return drafts, nil
}

// placed puts an event's place in its batch before the fields that an error
// names.
func placed(err error, index int) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok || len(known.Details) == 0 {
		return err
	}
	root := "events[" + strconv.Itoa(index) + "]"
	moved := *known
	moved.Details = nil
	var fields []string
	for _, detail := range known.Details {
		if detail.Field == "body" {
			detail.Field = root
		} else {
			detail.Field = root + "." + detail.Field
		}
		fields = append(fields, detail.Field)
		moved.Details = append(moved.Details, detail)
	}
	moved.Message = strings.Join(fields, ", ") + ": " + known.Details[0].Reason
	return &moved
}
