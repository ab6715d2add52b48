package ui

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// parseLocal reads a time as browsers' fields and RFC 3339 write it.
func parseLocal(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, core.Invalid("time", "must be a date and time")
}

// fieldTime writes a time as browsers' fields take it: in the user's zone.
func fieldTime(text string) string {
	at, err := parseLocal(text)
	if err != nil {
		return text
	}
	return at.Local().Format("2006-01-02T15:04:05.999")
}
