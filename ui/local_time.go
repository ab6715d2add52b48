package ui

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// parseLocal reads a time of RFC 3339, or a time without a zone as a browser's field
// writes it, which is in the user's zone.
func parseLocal(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, core.Invalid("time", "must be a date and time")
}

// fieldTime writes a time as a browser's field takes it, in the user's zone. A text
// that is no time stays as it is.
func fieldTime(text string) string {
	at, err := parseLocal(text)
	if err != nil {
		return text
	}
	return at.Local().Format("2006-01-02T15:04:05.999")
}
