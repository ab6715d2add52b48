package jsonschema

import (
	"math"
	"unicode/utf8"
)

// format checks a text for a format. It first asks certain, which costs little, and
// where that does not take the text the full validator's own check, decide.
type format struct {
	// certain takes only what decide takes. It may be nil.
	certain func(text []byte) bool
	decide  func(value any) error
}

func (f *format) takes(text []byte) bool {
	return f.certain != nil && f.certain(text) || f.decide(string(text)) == nil
}

// certain are the formats most used, in their usual spellings.
var certain = map[string]func([]byte) bool{
	"date-time": certainTime, "date": certainDate, "uuid": certainUUID, "email": certainEmail,
}

// string reports whether the node takes a string, which has its quotes. escaped says
// that there is a backslash in it.
func (w *walk) string(n *node, quoted []byte, escaped bool) bool {
	if n.kinds&isString == 0 {
		return false
	}
	text := quoted[1 : len(quoted)-1]
	if escaped {
		if n.pattern == nil && n.format == nil && len(n.choices) == 0 && n.takesEscaped(text) {
			return true
		}
		var ok bool
		if text, ok = unquote(quoted); !ok {
			return false
		}
	}
	return n.takesLength(text) && n.takesText(text) && (n.pattern == nil || w.matches(n.pattern, text))
}

// takesEscaped reports whether a text with escapes certainly has a length within
// the bounds, without decoding it. Escapes make a text longer: it stands for at most
// as many characters as it is written with. And it stands for at least a twelfth of
// them, as the longest escape is that of a surrogate pair, twelve characters for
// one. It reports false if this does not decide, or if an escape is not one of JSON.
func (n *node) takesEscaped(text []byte) bool {
	longest := utf8.RuneCount(text)
	return longest <= n.maxLength && (longest+11)/12 >= n.minLength && wellEscaped(text)
}

// wellEscaped reports whether all escapes of a text exist.
func wellEscaped(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; i == len(text) {
			return false
		}
		switch text[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if len(text) < i+5 || !hexadecimal(text[i+1:i+5]) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (n *node) takesLength(text []byte) bool {
	if n.minLength == 0 && n.maxLength == math.MaxInt {
		return true
	}
	length := utf8.RuneCount(text)
	return length >= n.minLength && length <= n.maxLength
}

func (n *node) takesText(text []byte) bool {
	for _, c := range n.choices {
		if !c.strings[string(text)] {
			return false
		}
	}
	return n.format == nil || n.format.takes(text)
}

// hexadecimal reports whether a text has nothing but hexadecimal digits. Below, a
// byte before '0' or 'a' wraps around and is too large, and |0x20 makes a letter a
// small one.
func hexadecimal(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 && c|0x20-'a' > 5 {
			return false
		}
	}
	return true
}

// certainUUID takes what is written as a UUID, with small or capital letters.
func certainUUID(text []byte) bool {
	return len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' &&
		hexadecimal(text[:8]) && hexadecimal(text[9:13]) && hexadecimal(text[14:18]) &&
		hexadecimal(text[19:23]) && hexadecimal(text[24:])
}

// certainDate takes days up to the 28th, which every month has. The full validator
// knows the calendar.
func certainDate(text []byte) bool {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return false
	}
	month, day := pair(text[5:]), pair(text[8:])
	return pair(text) <= 99 && pair(text[2:]) <= 99 && month >= 1 && month <= 12 && day >= 1 && day <= 28
}

// certainTime takes times with a capital T and Z, and without leap seconds.
func certainTime(text []byte) bool {
	if len(text) < 20 || !certainDate(text[:10]) || text[10] != 'T' || !clock(text[11:16]) ||
		text[16] != ':' || pair(text[17:]) > 59 {
		return false
	}
	zone := text[19:]
	if zone[0] == '.' {
		fraction := zone[1:]
		for zone = fraction; len(zone) > 0 && zone[0]-'0' <= 9; {
			zone = zone[1:]
		}
		if len(zone) == len(fraction) {
			return false
		}
	}
	return string(zone) == "Z" || len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') && clock(zone[1:])
}

// clock reports whether five characters are hours and minutes.
func clock(text []byte) bool {
	return pair(text) <= 23 && text[2] == ':' && pair(text[3:]) <= 59
}

// pair reads two digits. Anything else is a number greater than 99.
func pair(text []byte) int {
	high, low := text[0]-'0', text[1]-'0'
	if high > 9 || low > 9 {
		return math.MaxInt
	}
	return int(high)*10 + int(low)
}

// certainEmail takes short addresses of ASCII letters and digits, with single signs
// between them: no address that needs to be quoted, and none that a rule about
// lengths could refuse.
func certainEmail(text []byte) bool {
	if len(text) > 64 {
		return false
	}
	domain, word := false, false // in the domain; after a letter or digit
	for _, c := range text {
		switch {
		case c-'0' <= 9 || c|0x20-'a' < 26:
			word = true
			continue
		case !word:
			return false
		case c == '@' && !domain:
			domain = true
		case c == '.' || c == '-':
		case (c == '_' || c == '+') && !domain:
		default:
			return false
		}
		word = false
	}
	return domain && word
}
