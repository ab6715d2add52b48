package cloudevents

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// headerPrefix begins the names of the headers that are attributes.
const headerPrefix = "ce-"

// IsRequiredHeader reports whether a header is one of the four attributes that
// every CloudEvent has. A request with any of them is in binary mode, unless
// its media type says that it is structured ([IsStructured]).
func IsRequiredHeader(name []byte) bool {
	if len(name) < len(headerPrefix) || name[2] != '-' || name[0]|0x20 != 'c' || name[1]|0x20 != 'e' {
		return false
	}
	switch strings.ToLower(string(name[len(headerPrefix):])) {
	case attributeVersion, attributeID, attributeSource, attributeType:
		return true
	}
	return false
}

// Binary is a CloudEvent in binary mode whose headers have been read. The body,
// which may be large, needs to be read only if they are good.
type Binary struct{ event incoming }

// ReadHeaders reads the attributes of a CloudEvent in binary mode. Other
// headers are passed over. contentType is the media type of the data, "" if the
// request has none.
func ReadHeaders(headers iter.Seq2[[]byte, []byte], contentType string) (*Binary, error) {
	var b Binary
	for header, value := range headers {
		name, ok := strings.CutPrefix(strings.ToLower(string(header)), headerPrefix)
		if !ok {
			continue
		}
		if err := b.event.setHeader(name, string(value)); err != nil {
			return nil, err
		}
	}
	if contentType == "" {
		return &b, nil
	}
	return &b, b.event.set(attributeContentType, contentType)
}

// Draft returns the event with body as its data. The draft keeps body.
func (b *Binary) Draft(body []byte, field eventjson.StreamField) (eventjson.Draft, error) {
	if err := b.event.setBody(body); err != nil {
		return eventjson.Draft{}, err
	}
	return b.event.draft(field)
}

// setHeader adds an attribute that came in a header.
func (e *incoming) setHeader(name, value string) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	if name == attributeContentType {
		return core.Invalid(name, "must be sent as the Content-Type header in binary mode")
	}
	text, err := headerText(name, value)
	if err != nil {
		return err
	}
	return e.set(name, text)
}

// headerText decodes the value of a header that is an attribute. It is
// percent-encoded; senders of older versions put quotes around it.
//
// Some SDKs encode nothing. A percent sign before anything else than two
// hexadecimal digits is one of theirs and means itself: refusing "100%" would
// lose the event, and there is nothing else that it could mean.
func headerText(name, value string) (string, error) {
	if strings.HasPrefix(value, `"`) {
		var ok bool
		if value, ok = unquoted(value); !ok {
			return "", core.Invalid(name, "has unbalanced double quotes")
		}
	}
	return percentDecoded(value), nil
}

func percentDecoded(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text = rest
		var decoded [1]byte
		if n, _ := hex.Decode(decoded[:], []byte(rest[:min(2, len(rest))])); n == 1 {
			b.WriteByte(decoded[0])
			text = rest[2:]
		} else {
			b.WriteByte('%')
		}
	}
}

// unquoted reads a quoted string, as HTTP has it.
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

// setBody takes the body of a request in binary mode as the data. Data without
// a media type is JSON.
func (e *incoming) setBody(body []byte) error {
	media, charset, err := e.media()
	switch {
	case err != nil:
		return err
	case len(body) == 0:
		e.payload, e.encoding = []byte("null"), dataNone
	case isJSONType(media):
		if charset != "" && !IsUTF8(charset) {
			return errCharset
		}
		if err := eventjson.ValidJSON(body); err != nil {
			return dataError(err)
		}
		e.payload = bytes.Trim(body, " \t\r\n")
	case strings.HasPrefix(media, "text/") && (charset == "" || IsUTF8(charset)):
		if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
			return core.Invalid(memberData, "must be UTF-8 without NUL when datacontenttype is text and names no other charset")
		}
		e.payload = appendText(nil, string(body))
	default:
		e.payload = append(base64.StdEncoding.AppendEncode([]byte{'"'}, body), '"')
		e.encoding = dataBase64
	}
	return nil
}
