package ui

import (
	"strconv"
	"strings"
)

// byteUnits are the units of sizes, each a thousand times the one before.
var byteUnits = []string{"B", "kB", "MB", "GB", "TB", "PB"}

// byteText writes a size in the largest unit that has a digit before the point, with
// the digits that it needs to be read back when it is a round number.
func byteText(n int64) string {
	value, unit := float64(n), 0
	for value >= 1000 && unit < len(byteUnits)-1 {
		value, unit = value/1000, unit+1
	}
	text := strconv.FormatFloat(value, 'f', 1, 64)
	if exact := strconv.FormatFloat(value, 'f', -1, 64); len(exact) < len(text) {
		text = exact
	}
	return text + " " + byteUnits[unit]
}

// exactBytes writes a size so that parseBytes reads the same one.
func exactBytes(n int64) string {
	text := byteText(n)
	if read, _ := parseBytes(text); read != n {
		return count(n) + " B"
	}
	return text
}

// parseBytes reads a size that people write: digits, and perhaps a unit. Nothing is 0.
func parseBytes(text string) (n int64, ok bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if text == "" {
		return 0, true
	}
	factor := 1.0
	number := strings.TrimRight(text, "BKMGTP ")
	unit := strings.TrimSpace(text[len(number):])
	for i, name := range byteUnits {
		if strings.EqualFold(unit, name) || unit == "" {
			value, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
			return int64(value * factor), err == nil && value >= 0 && value*factor < 1<<62
		}
		if i < len(byteUnits)-1 {
			factor *= 1000
		}
	}
	return 0, false
}

// boundsText says what is kept of a stream.
func boundsText(days int, size, events int64) string {
	text := plural(days, "day")
	if size > 0 {
		text += ", at most " + byteText(size)
	}
	if events > 0 {
		text += ", at most " + plural(events, "event")
	}
	return text
}
