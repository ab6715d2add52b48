package eventjson

import (
	"strconv"
	"strings"
)

// decimal is a number as digits × 10^exponent. The digits neither begin nor end with a
// zero, so that equal numbers are equal decimals, of whatever size and precision.
type decimal struct {
	negative bool
	digits   string
	exponent int64
}

// sameNumber reports whether two texts are JSON numbers, and the same number.
func sameNumber(a, b string) bool {
	one, ok := parseDecimal(a)
	if !ok {
		return false
	}
	other, ok := parseDecimal(b)
	return ok && one == other
}

// parseDecimal reads a JSON number. It reports false for any other text, and for
// exponents that are too large to count with.
func parseDecimal(text string) (d decimal, ok bool) {
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, power := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if mantissa, power = text[:i], text[i+1:]; power == "" {
			return decimal{}, false
		}
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	if !allDigits(whole) || pointed && !allDigits(fraction) || len(whole) > 1 && whole[0] == '0' {
		return decimal{}, false
	}
	if power != "" {
		exponent, err := strconv.ParseInt(power, 10, 32)
		if err != nil {
			return decimal{}, false
		}
		d.exponent = exponent
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += int64(len(digits) - len(d.digits) - len(fraction))
	if d.digits == "" { // zero, however it is written
		return decimal{}, true
	}
	return d, true
}

// allDigits reports whether a text is digits, at least one.
func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
