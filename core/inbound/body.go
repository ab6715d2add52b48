package inbound

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// payloadOf returns what a body says, as JSON. A form becomes an object whose members are
// strings, or arrays of them where a name is given several times.
func (p *preset) payloadOf(request Request) ([]byte, error) {
	payload := request.Body
	switch media := mediaOf(request); {
	case media == "application/x-www-form-urlencoded" && !looksLikeJSON(payload):
		var err error
		if payload, err = p.form(string(request.Body)); err != nil {
			return nil, err
		}
	case strings.HasPrefix(media, "multipart/"):
		const reason = "must be JSON or application/x-www-form-urlencoded"
		return nil, &core.Error{
			Code: core.CodeUnsupportedMedia, Message: "Content-Type: " + reason, Details: []core.Detail{{Field: "Content-Type", Reason: reason}},
		}
	}
	return payload, eventjson.ValidJSON(payload)
}

// looksLikeJSON reports whether what is called a form is JSON: a sender that posts without
// a word about the type, as curl does, says form.
func looksLikeJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[') && eventjson.ValidJSON(body) == nil
}

// form returns a form as JSON, or the JSON in it.
func (p *preset) form(body string) ([]byte, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, core.Invalid("body", "is no valid form")
	}
	if p.wrapped != "" && values.Has(p.wrapped) {
		return []byte(values.Get(p.wrapped)), nil
	}
	members := make(map[string]any, len(values))
	for name, all := range values {
		members[name] = all
		if len(all) == 1 {
			members[name] = all[0]
		}
	}
	return json.Marshal(members)
}

// split returns the payloads of the events in a payload.
func (p *preset) split(payload []byte) ([][]byte, error) {
	if !p.batches || !bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("[")) {
		return [][]byte{payload}, nil
	}
	return eventjson.SplitArray(payload)
}
