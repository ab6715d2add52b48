package eventjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

func TestValidJSONAccepts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"null":                       `null`,
		"white space around":         " \t\r\n{ } \n",
		"empty containers":           `[{},[],""]`,
		"numbers":                    `[0,-0,0.0,-1.5e+3,1E-7,123456789012345678901234567890]`,
		"tiny number":                `1e-400`,
		"padded exponent":            `1e0000000001`,
		"largest float":              `1.7976931348623157e308`,
		"64 characters of a number":  strings.Repeat("9", 64),
		"64 levels":                  strings.Repeat("[", 64) + strings.Repeat("]", 64),
		"all escapes":                `"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"`,
		"characters beyond the BMP":  `"😀é漢"`,
		"non-characters":             `"\uFFFE￿"`,
		"keys that differ in case":   `{"a":1,"A":2}`,
		"a key again one level down": `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}`,
		"empty key":                  `{"":1}`,
		"__proto__":                  `{"__proto__":{"constructor":1}}`,
		"DEL is no control in JSON":  "\"\x7f\u0085\"",
	} {
		require.NoError(t, eventjson.ValidJSON([]byte(text)), name)
	}
}

func TestValidJSONRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, tt := range []struct{ name, text, field, reason string }{
		{"nothing", ``, "body", "is empty at byte 0"},
		{"white space only", "  \n", "body", "is empty at byte 3"},
		{"byte order mark", "\ufeff{}", "body", "must not begin with a byte order mark at byte 0"},
		{"UTF-16", "{\x00}\x00", "body", "needs a key in double quotes at byte 1"},
		{"trailing value", `{} {}`, "body", "has more text after its end at byte 3"},
		{"trailing NUL", "1\x00", "body", "has more text after its end at byte 1"},
		{"bare word", `nul`, "body", "needs a value at byte 0"},
		{"long word", `truex`, "body", "has more text after its end at byte 4"},
		{"NaN", `{"a":NaN}`, "a", "needs a value at byte 5"},
		{"comment", `{/**/}`, "body", "needs a key in double quotes at byte 1"},
		{"single quotes", `['a']`, "[0]", "needs a value at byte 1"},
		{"trailing comma", `[1,]`, "[1]", "needs a value at byte 3"},
		{"trailing comma of an object", `{"a":1,}`, "body", "needs a key in double quotes at byte 7"},
		{"no comma", `[1 2]`, "body", "needs a comma or ] at byte 3"},
		{"no colon", `{"a" 1}`, "body", "needs a colon after a key at byte 5"},
		{"key without quotes", `{a:1}`, "body", "needs a key in double quotes at byte 1"},
		{"open array", `[1`, "body", "needs a comma or ] at byte 2"},
		{"open object", `{"a":`, "a", "needs a value at byte 5"},
		{"wrong bracket", `{"a":[1}`, "a", "needs a comma or ] at byte 7"},
		{"vertical tab as white space", "[\v1]", "[0]", "needs a value at byte 1"},
		{"no-break space", "[\u00a01]", "[0]", "needs a value at byte 1"},

		{"plus", `+1`, "body", "needs a value at byte 0"},
		{"leading zero", `[01]`, "[0]", "has a malformed number at byte 1"},
		{"negative leading zero", `-00`, "body", "has a malformed number at byte 0"},
		{"minus alone", `-`, "body", "has a malformed number at byte 0"},
		{"no digits before the point", `.5`, "body", "needs a value at byte 0"},
		{"no digits after the point", `1.`, "body", "has a malformed number at byte 0"},
		{"no exponent", `1e+`, "body", "has a malformed number at byte 0"},
		{"hexadecimal", `0x1F`, "body", "has more text after its end at byte 1"},
		{"too large", `{"a":[1e309]}`, "a[0]", "has a number that is too large for a 64-bit float at byte 6"},
		{"65 characters", strings.Repeat("1", 65), "body", "has a number of more than 64 characters at byte 0"},

		{"open string", `"abc`, "body", "has an unterminated string at byte 4"},
		{"open escape", `"\`, "body", "has an unknown escape at byte 1"},
		{"unknown escape", `["\x41"]`, "[0]", "has an unknown escape at byte 2"},
		{"short unicode escape", `"\u12"`, "body", `has a \u without four hexadecimal digits at byte 1`},
		{"capital unicode escape", `"\U0041"`, "body", "has an unknown escape at byte 1"},
		{"raw line feed", "\"a\nb\"", "body", "has a control character in a string at byte 2"},
		{"raw NUL", "\"a\x00b\"", "body", "has a control character in a string at byte 2"},
		{"escaped NUL", `{"a":"\u0000"}`, "a", `has a NUL (\u0000) at byte 6`},
		{"escaped NUL in a key", `{"x":{"a\u0000":1}}`, "x", `has a NUL (\u0000) at byte 8`},
		{"high surrogate alone", `"\ud83d"`, "body", "has half of a surrogate pair at byte 1"},
		{"high surrogate before a letter", `"\ud83dA\u0041"`, "body", "has half of a surrogate pair at byte 1"},
		{"two high surrogates", `"\ud83d\ud83d"`, "body", "has half of a surrogate pair at byte 1"},
		{"low surrogate", `"\ude00\ud83d"`, "body", "has half of a surrogate pair at byte 1"},
		{"stray continuation byte", "\"\x80\"", "body", "is not valid UTF-8 at byte 1"},
		{"overlong", "\"\xc0\xaf\"", "body", "is not valid UTF-8 at byte 1"},
		{"encoded surrogate", "\"\xed\xa0\x80\"", "body", "is not valid UTF-8 at byte 1"},
		{"cut rune", "\"\xe2\x82\"", "body", "is not valid UTF-8 at byte 1"},
		{"beyond Unicode", "\"\xf4\x90\x80\x80\"", "body", "is not valid UTF-8 at byte 1"},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", "body", "is not valid UTF-8 at byte 2"},

		{"key twice", `{"a":1,"b":2,"a":3}`, "a", "is given twice at byte 13"},
		{"escaped twin", `{"a":1,"\u0061":2}`, `\u0061`, "is given twice at byte 7"},
		{"escaped twins", `[{"\u0061/":1,"a\/":2}]`, `[0].a\/`, "is given twice at byte 14"},
		{"surrogate twin", `{"😀":1,"\ud83d\ude00":2}`, `\ud83d\ude00`, "is given twice at byte 10"},
		{"empty key twice", `{"":1,"":2}`, "body", "is given twice at byte 6"},
		{"deep inside", `{"user":{"tags":[1,2,3,{"x":tru}]}}`, "user.tags[3].x", "needs a value at byte 28"},
		{"65 levels", deep, strings.Repeat("[0]", 64), "is nested more than 64 levels deep at byte 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requireInvalid(t, eventjson.ValidJSON([]byte(tt.text)), core.Detail{Field: tt.field, Reason: tt.reason})
		})
	}
}

// requireInvalid holds err to a validation error with exactly these details.
func requireInvalid(t *testing.T, err error, details ...core.Detail) {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, core.CodeValidation, known.Code)
	require.Equal(t, details, known.Details)
}

func TestValidJSONShowsLongAndBrokenKeysFitToRead(t *testing.T) {
	t.Parallel()
	text := `{"` + strings.Repeat("é", 1000) + `":x}`
	requireInvalid(t, eventjson.ValidJSON([]byte(text)), core.Detail{Field: strings.Repeat("é", 32) + "…", Reason: "needs a value at byte 2004"})
}

func TestValidJSONFindsTwinsAmongManyKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(2, 200).Draw(t, "keys")
		members := make([]string, count)
		for i := range members {
			members[i] = fmt.Sprintf(`"key%d":{"a":[{"b":1}],"b":2}`, i)
		}
		require.NoError(t, eventjson.ValidJSON([]byte("{"+strings.Join(members, ",")+"}")))
		twin := rapid.IntRange(0, count-1).Draw(t, "twin")
		at := rapid.IntRange(twin+1, count).Draw(t, "at")
		spelled := rapid.SampledFrom([]string{`"key%d":1`, `"k\u0065y%d":1`}).Draw(t, "spelling")
		members = append(members[:at:at], append([]string{fmt.Sprintf(spelled, twin)}, members[at:]...)...)
		require.ErrorContains(t, eventjson.ValidJSON([]byte("{"+strings.Join(members, ",")+"}")), "is given twice")
	})
}

func TestStringsAreReadCharacterByCharacter(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 18 {
			text := bytes.Repeat([]byte("x"), 20)
			text[0], text[19], text[at+1] = '"', '"', byte(c)
			require.Equal(t, strict(text), eventjson.ValidJSON(text) == nil, "%q", text)
		}
	}
}

// strict is an independent account of what ValidJSON accepts, by means of
// encoding/json. It knows nothing of halves of surrogate pairs.
func strict(data []byte) bool {
	if !utf8.Valid(data) || !json.Valid(data) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return strictValue(decoder, 0)
}

func strictValue(decoder *json.Decoder, depth int) bool {
	token, err := decoder.Token()
	if err != nil {
		return false
	}
	switch token := token.(type) {
	case json.Number:
		_, err := strconv.ParseFloat(token.String(), 64)
		return err == nil && len(token) <= 64
	case string:
		return !strings.ContainsRune(token, 0)
	case json.Delim:
		keys := map[string]bool{}
		for decoder.More() {
			if token == '{' {
				key, _ := decoder.Token()
				name, _ := key.(string)
				if keys[name] || strings.ContainsRune(name, 0) {
					return false
				}
				keys[name] = true
			}
			if !strictValue(decoder, depth+1) {
				return false
			}
		}
		_, err := decoder.Token()
		return err == nil && depth < 64
	}
	return true
}

var surrogateEscape = regexp.MustCompile(`(?i)\\ud[89a-f]`)

func FuzzValidJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e3,true,null],"b":{"c":"\u00e9\n"}}`, `{"a":1,"\u0061":2}`, `[1e309]`, `["\ud83d\ude00"]`, "[\"\xff\"]",
		strings.Repeat("[", 65) + strings.Repeat("]", 65), `{"a":1 "b"}`, "\ufeff1", `"\u0000"`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"p":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		err := eventjson.ValidJSON(data)
		require.Equal(t, before, data, "the text is changed")
		if err == nil {
			require.True(t, strict(data), "accepted: %q", data)
			return
		}
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.True(t, utf8.ValidString(err.Error()))
		if !surrogateEscape.Match(data) {
			require.False(t, strict(data), "refused: %q: %v", data, err)
		}
	})
}

// jsonText generates a valid JSON text with all its freedoms of spelling.
func jsonText(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kinds := 4
		if depth > 0 {
			kinds = 6
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
		case 1:
			return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		case 2, 3:
			return jsonString(t, rapid.String().Draw(t, "string"))
		case 4:
			return "[" + join(t, rapid.SliceOfN(jsonText(depth-1), 0, 5).Draw(t, "elements")) + "]"
		}
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c"\\é😀/.0-2]{0,3}`), 0, 24, rapid.ID[string]).Draw(t, "keys")
		members := make([]string, len(keys))
		for i, key := range keys {
			members[i] = jsonString(t, key) + gap(t) + ":" + gap(t) + jsonText(depth-1).Draw(t, "member")
		}
		return "{" + join(t, members) + "}"
	})
}

func gap(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n"}).Draw(t, "gap")
}

func join(t *rapid.T, parts []string) string {
	return gap(t) + strings.Join(parts, gap(t)+","+gap(t)) + gap(t)
}

// jsonString spells text as a JSON string, each character plainly or escaped.
func jsonString(t *rapid.T, text string) string {
	var b strings.Builder
	for _, r := range text {
		switch plain := r >= ' ' && r != '"' && r != '\\'; {
		case r == 0 || r == utf8.RuneError:
			b.WriteByte('0')
		case plain && rapid.Bool().Draw(t, "plain"):
			b.WriteRune(r)
		case strings.ContainsRune("\"\\/", r):
			b.WriteString(`\` + string(r))
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

func TestValidJSONAcceptsEverySpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := jsonText(4).Draw(t, "text")
		require.True(t, strict([]byte(text)), "the generator made invalid JSON")
		require.NoError(t, eventjson.ValidJSON([]byte(text)))
	})
}

// hostile texts are made to be expensive.
func hostile() map[string]string {
	const size = 4 << 20
	fill := func(head, part string) string { return head + strings.Repeat(part, (size-len(head))/len(part)) }
	var distinct strings.Builder
	for i := 0; distinct.Len() < size-40; i++ {
		fmt.Fprintf(&distinct, `"%x":1,`, i)
	}
	return map[string]string{
		"open arrays":       fill("", "["),
		"open objects":      fill("", `{"a":`),
		"key twice":         fill("{", `"a":1,`),
		"distinct keys":     "{" + distinct.String() + `"z":1}`,
		"keys in an item":   "[{" + distinct.String() + `"z":1}]`,
		"escaped keys":      fill("[{", `"\u0061\ud83d\ude00":1,`),
		"escaped text":      fill(`["`, `\u00e9`),
		"long string":       fill(`["`, `a`),
		"long number":       fill("[", "9"),
		"white space":       fill("", " "),
		"blank lines":       fill("", "\r\n"),
		"half escapes":      fill(`"`, `\`),
		"small bad items":   fill("[", `1,`),
		"deep bad items":    fill("[", strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+","),
		"objects twice":     fill("[", `{"a":1,"a":2},`),
		"one key on a line": fill("", "{\"a\":1,\"a\"\n"),
	}
}

func TestHostileTextsAreReadInLinearTime(t *testing.T) {
	t.Parallel()
	for name, text := range hostile() {
		start := time.Now()
		_ = eventjson.ValidJSON([]byte(text))
		_, err := eventjson.DecodeEvent([]byte(text), eventjson.StreamInPath)
		require.Error(t, err, name)
		for _, decode := range []func([]byte, eventjson.StreamField) ([]eventjson.Draft, error){eventjson.DecodeArray, eventjson.DecodeLines} {
			drafts, err := decode([]byte(text), eventjson.StreamInPath)
			for _, draft := range drafts {
				require.Error(t, draft.Err, name)
			}
			require.True(t, err != nil || len(drafts) > 0, name)
		}
		require.Less(t, time.Since(start), 30*time.Second, name)
	}
}

func TestValidJSONDoesNotAllocate(t *testing.T) {
	data := []byte(`{"order":"17","items":[{"a":1,"b":2.5e3,"c":"é\n"},{"a":1}],"e":{"f":null,"g":true}}`)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if eventjson.ValidJSON(data) != nil {
			panic("refused")
		}
	}))
}
