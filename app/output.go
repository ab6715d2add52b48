package app

import "fmt"

// checkOutput refuses a format that a command does not print: it has JSON and
// one for people.
func checkOutput(format, forPeople string) error {
	if format == forPeople || format == "json" {
		return nil
	}
	return usageError{fmt.Errorf("--output must be %s or json", forPeople)}
}
