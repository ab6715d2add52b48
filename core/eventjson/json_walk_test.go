package eventjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	const payload = ` { "user" : { "id" : "u-1", "n\u00e4me" : "Z\u006fë \ud83d\ude00\n\"", "age" : 1.50e1 , "vip":true, "gone":null,
		"tags" : [ "a" , { "x" : [ [ ] , "deep" ] }, 7 ], "" : {"": "empty"} }, "0" : "zero", "a\\b" : "backslash", "user.id" : "dotted", "\"q" : {"r" : 1} } `
	for _, tt := range []struct{ path, want string }{
		{"user.id", "u-1"},
		{"user.näme", "Zoë 😀\n\""},
		{"user.age", "1.50e1"},
		{"user.vip", "true"},
		{"user.gone", "null"},
		{"user.tags.0", "a"},
		{"user.tags.1.x.1", "deep"},
		{"user.tags.2", "7"},
		{"user..", "empty"},
		{"0", "zero"},
		{`a\b`, "backslash"},
		{`"user.id"`, "dotted"},
		{`"user".id`, "u-1"},
		{`"user"."tags"."1".x.1`, "deep"},
		{`"\u0075ser.id"`, "dotted"},
		{`"\"q".r`, "1"},
	} {
		value, ok := lookup([]byte(payload), tt.path)
		require.True(t, ok, tt.path)
		require.Equal(t, tt.want, value, tt.path)
	}
	for _, path := range []string{
		"", "user", "user.tags", "user.tags.1", "user.tags.3", "user.tags.-1", "user.tags.00", "user.tags.+1", "user.tags.x", "user.tags.",
		"user.tags.1.x.0", "user.tags.1.x.0.0", "user.id.x", "user.nobody", "User.id", "1", ".user", "user.tags.99999999999999999999", `a\\b`, `user.n\u00e4me`,
		`"`, `"user`, `"user"x`, `"user"id`, `"user.id".`, `"us\er".id`, `"user\"`, `user."id`, `"user.id"."x"`,
	} {
		value, ok := lookup([]byte(payload), path)
		require.False(t, ok, path)
		require.Empty(t, value)
	}
}

// Whatever a key is made of, a path leads to it.
func TestAPathLeadsToEveryKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching(`[a."\\é0]{0,4}`), 1, 4).Draw(t, "keys")
		payload := []byte(`"x"`)
		for _, key := range slices.Backward(keys) {
			var err error
			payload, err = json.Marshal(map[string]json.RawMessage{key: payload, key + "2": []byte(`"y"`)})
			require.NoError(t, err)
		}
		path := PathTo(keys)
		require.NoError(t, CheckPath(path), path)
		value, ok := lookup(payload, path)
		require.True(t, ok, "%s in %s", path, payload)
		require.Equal(t, "x", value)
	})
}

// A path that cannot be read is refused under the name that the client wrote.
func TestAPathIsChecked(t *testing.T) {
	t.Parallel()
	for _, path := range []string{`"a`, `"a"b`, `x."a\"`, `"\x"`} {
		var refusal *core.Error
		require.ErrorAs(t, CheckPath(path), &refusal, path)
		require.Equal(t, "payload."+path, refusal.Details[0].Field)
	}
	for _, path := range []string{"", "a", "a..b", `a"b`, `"a.b".c`, `"".x`} {
		require.NoError(t, CheckPath(path), path)
	}
}

// Numbers are compared as numbers and everything else as text.
func TestMatches(t *testing.T) {
	t.Parallel()
	same := [][]string{
		{"1", "1.0", "1e0", "10e-1", "0.1E1", "1.00", "0.00001e+5"},
		{"0", "-0", "0.0", "0e7", "-0.0e-3"},
		{"-1.5", "-15e-1"},
		{"12345678901234567890123", "1.2345678901234567890123e22"},
		{"1e400", "10e399"},
	}
	for i, numbers := range same {
		for _, held := range numbers {
			for j, others := range same {
				for _, asked := range others {
					require.Equal(t, i == j, Matches(core.PayloadMatch{Path: "n", Value: asked}, []byte(`{"n": `+held+` }`)), "%s is %s", held, asked)
				}
			}
		}
	}
	for _, c := range []struct {
		payload, value string
		want           bool
	}{
		{`"1.0"`, "1", false},
		{`"1.0"`, "1.0", true},
		{`1`, "01", false},
		{`1`, "+1", false},
		{`1`, "1.", false},
		{`1`, "0x1", false},
		{`1`, "", false},
		{`1`, "1e", false},
		{`1e99999999999999999999`, "1e99999999999999999999", true},
		{`1e99999999999999999999`, "10e99999999999999999998", false},
		{`true`, "true", true},
		{`null`, "null", true},
		{`null`, "0", false},
		{`[1]`, "1", false},
	} {
		require.Equal(t, c.want, Matches(core.PayloadMatch{Path: "n", Value: c.value}, []byte(`{"n":`+c.payload+`}`)), "%+v", c)
	}
}

func TestLookupInScalars(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`1`, `"x"`, `null`, `[]`, `{}`, `[[]]`} {
		for _, path := range []string{"", "0", "x"} {
			_, ok := lookup([]byte(payload), path)
			require.False(t, ok, "%s at %s", payload, path)
		}
	}
}

func TestLookupWithoutAMatchDoesNotAllocate(t *testing.T) {
	payload := []byte(`{"a":[1,{"b":"x","c":[[[]]]}],"d":"a long \n string"}`)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, ok := lookup(payload, "a.1.d"); ok {
			panic("found")
		}
	}))
}

// FuzzLookup compares with encoding/json where the payload is valid, and asks
// for no more than an end where it is not.
func FuzzLookup(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\u0061\n"}],"0":{"":null}}`), "a.1.b")
	f.Add([]byte(`{"a\\b":{"x":true}} `), `a\b.x`)
	f.Add([]byte(`[[1.0],"😀"]`), "0.0")
	f.Add([]byte(`{"a":`), "a.b")
	f.Fuzz(func(t *testing.T, payload []byte, path string) {
		value, ok := lookup(payload, path)
		if ValidJSON(payload) != nil || strings.Contains(path, `"`) {
			return
		}
		want, found := lookupDecoded(payload, path)
		require.Equal(t, found, ok, "%s at %q", payload, path)
		require.Equal(t, want, value)
		var small bytes.Buffer
		require.NoError(t, json.Compact(&small, payload))
		require.Equal(t, small.String(), string(compact(nil, payload)))
	})
}

func lookupDecoded(payload []byte, path string) (string, bool) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return "", false
	}
	for segment := range strings.SplitSeq(path, ".") {
		switch parent := value.(type) {
		case map[string]any:
			child, ok := parent[segment]
			if !ok {
				return "", false
			}
			value = child
		case []any:
			index, err := strconv.Atoi(segment)
			if err != nil || index < 0 || index >= len(parent) || strconv.Itoa(index) != segment {
				return "", false
			}
			value = parent[index]
		default:
			return "", false
		}
	}
	switch scalar := value.(type) {
	case string:
		return scalar, true
	case json.Number:
		return scalar.String(), true
	case bool:
		return strconv.FormatBool(scalar), true
	case nil:
		return "null", true
	}
	return "", false
}
