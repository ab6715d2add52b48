package eventjson

import (
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// Hints are what the headers of a request say about the one event in it. An empty
// hint says nothing.
type Hints struct {
	// IdempotencyKey is the Idempotency-Key header: an RFC 8941 string (`"order-17"`)
	// or the bare key.
	IdempotencyKey string
	// Traceparent is the header of W3C Trace Context.
	Traceparent string
}

// Apply completes the draft with hints. A key in the header must not differ from the
// one in the event. A traceparent becomes part of the context, together with its
// trace id as trace_id. The event's own members come first, and there must be room
// for both. An invalid traceparent is ignored, as its standard demands.
func (d *Draft) Apply(h Hints) error {
	if h.Traceparent != "" {
		d.trace(h.Traceparent)
	}
	if h.IdempotencyKey == "" {
		return nil
	}
	key, err := headerKey(h.IdempotencyKey)
	if err != nil {
		return err
	}
	if own := d.Event.IdempotencyKey; own != "" && own != key {
		return core.Invalid(idempotencyHeader, "differs from the event's idempotency_key")
	}
	d.Event.IdempotencyKey = key
	d.sign()
	return nil
}

// sign sets the fingerprint of an event that has an idempotency key. Others need
// none, and it costs a hash of the payload.
func (d *Draft) sign() {
	if d.Event.IdempotencyKey != "" {
		d.Fingerprint = fingerprint(d.Event.Payload)
	}
}

const idempotencyHeader = "Idempotency-Key"

// headerKey reads the Idempotency-Key header.
func headerKey(header string) (string, error) {
	key := strings.Trim(header, " \t")
	quoted := strings.HasPrefix(key, `"`)
	if quoted {
		var ok bool
		if key, ok = unquote(key); !ok {
			return "", core.Invalid(idempotencyHeader, `must be one string in double quotes, with \" and \\ as its only escapes, or a bare key`)
		}
	}
	if !isPrintableASCII(key) || !quoted && strings.Contains(key, " ") {
		return "", core.Invalid(idempotencyHeader, "must have visible ASCII characters only, and spaces only in double quotes")
	}
	if err := core.CheckText(idempotencyHeader, key, 1, core.MaxIdempotencyKeyLength); err != nil {
		return "", err
	}
	return key, nil
}

// unquote reads an RFC 8941 string.
func unquote(quoted string) (text string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(quoted); i++ {
		switch c := quoted[i]; c {
		case '"':
			return b.String(), i == len(quoted)-1
		case '\\':
			if i++; i == len(quoted) || quoted[i] != '"' && quoted[i] != '\\' {
				return "", false
			}
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// trace adds a traceparent to the context.
func (d *Draft) trace(header string) {
	traceID, ok := parseTraceparent(header)
	if !ok {
		return
	}
	pairs, hasParent, hasTrace := 0, false, false
	for key := range members(d.Event.Context) {
		pairs++
		hasParent = hasParent || says(key, "traceparent")
		hasTrace = hasTrace || says(key, "trace_id")
	}
	if hasParent {
		return
	}
	added := `"traceparent":"` + header + `"`
	if pairs++; !hasTrace {
		added += `,"trace_id":"` + traceID + `"`
		pairs++
	}
	// Without room for both the event's own context stays as it is.
	if size := max(len(d.Event.Context), len("{}")) + len(",") + len(added); pairs > core.MaxContextPairs || size > core.MaxContextBytes {
		return
	}
	d.Event.Context = extended(d.Event.Context, added)
}

// extended returns an object with further members. An empty text counts as an object
// without members. The result has memory of its own: the object is a part of the
// request's text.
func extended(object []byte, members string) []byte {
	inside := strings.Trim(string(object), " \t\r\n{}")
	if inside != "" {
		inside += ","
	}
	return []byte("{" + inside + members + "}")
}

// parseTraceparent reads version 00 of the header. Of later versions it reads the
// part that looks like version 00.
func parseTraceparent(header string) (traceID string, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(header) < length || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return "", false
	}
	version, traceID, parentID, flags := header[:2], header[3:35], header[36:52], header[53:55]
	switch {
	case !isLowerHex(version + traceID + parentID + flags):
	case strings.Trim(traceID, "0") == "" || strings.Trim(parentID, "0") == "":
	case version == "ff":
	case len(header) > length && (version == "00" || header[length] != '-'):
	case !isPrintableASCII(header) || strings.ContainsAny(header, `"\`):
	default:
		return traceID, true
	}
	return "", false
}

// SampledTrace returns the trace id of a traceparent whose sender keeps the trace. It is
// empty for a trace that the sender does not keep, and for an invalid header.
func SampledTrace(header string) string {
	traceID, ok := parseTraceparent(header)
	if !ok || !strings.ContainsRune("13579bdf", rune(header[54])) { // the lowest bit of the flags
		return ""
	}
	return traceID
}

func isLowerHex(text string) bool {
	return strings.Trim(text, "0123456789abcdef") == ""
}
