package cloudevents

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
)

// holdsBase64 reports whether a payload holds binary data in base64. The
// context alone does not prove it: any producer may have written such a
// context.
func holdsBase64(payload []byte) bool {
	return isString(payload) && isBase64(string(payload[1:len(payload)-1]))
}

func isString(value []byte) bool { return len(value) > 1 && value[0] == '"' }

// isBase64 reports whether a text is base64 as CloudEvents has it in JSON: in
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
