package cloudevents

import (
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// The members of an event's context that remember what it was as a CloudEvent.
const (
	// contextID is the attribute id. Only events that came as CloudEvents have
	// it.
	contextID = "cloudevent_id"
	// contextDataEncoding says how the payload holds data that is not JSON:
	// [dataBase64] or [dataNone].
	contextDataEncoding = "datacontentencoding"
)

// The values of [contextDataEncoding].
const (
	// dataBase64 says that the payload is a string, the data in base64.
	dataBase64 = "base64"
	// dataNone says that there was no data; the payload is null.
	dataNone = "none"
)

// contextPairs are the members of a context that are strings, as they are
// written.
type contextPairs []contextPair

type contextPair struct {
	name  string
	value []byte
}

func pairsOf(context []byte) (pairs contextPairs) {
	if len(context) == 0 {
		return nil
	}
	// A stored context is valid. Of any other, as much is taken as can be read.
	_ = eventjson.Members(context, func(name string, value []byte) error {
		if isString(value) {
			pairs = append(pairs, contextPair{name, value})
		}
		return nil
	})
	return pairs
}

func (p contextPairs) text(name string) string {
	for i := range p {
		if p[i].name == name {
			text, _ := eventjson.TextOf(p[i].value)
			return text
		}
	}
	return ""
}
