package rest

import (
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Query returns the parameters that ask for eq; a client and the server's own
// links write them alike.
func Query(eq core.EventQuery) url.Values {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("type", eq.Filter.Type)
	set("source", eq.Filter.Source)
	set("subject", eq.Filter.Subject)
	set("from", formatTime(eq.From))
	set("to", formatTime(eq.To))
	set("cursor", eq.Cursor)
	if eq.After != nil {
		set("after", strconv.FormatInt(int64(*eq.After), 10))
	}
	if eq.Descending {
		set("order", "desc")
	}
	if eq.Limit > 0 {
		set("limit", strconv.FormatInt(int64(eq.Limit), 10))
	}
	for _, match := range eq.Payload {
		values.Set(PayloadParameter+match.Path, match.Value)
	}
	return values
}

// PayloadParameter begins the name of a parameter that filters by a value in
// the payload: `payload.user.id=42`.
const PayloadParameter = "payload."

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// withQuery adds parameters to a path.
func withQuery(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
