package app

import (
	"fmt"
	"time"
)

// checkOutput refuses a format that a command does not print: it has JSON and
// one for people.
func checkOutput(format, forPeople string) error {
	if format == forPeople || format == "json" {
		return nil
	}
	return usageError{fmt.Errorf("--output must be %s or json", forPeople)}
}

// tableTime writes a time for a table, to the second and with its zone: the
// tables are read far from the server, and copied into reports.
func tableTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
