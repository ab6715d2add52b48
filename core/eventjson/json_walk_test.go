package eventjson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	const payload = ` { "user" : { "id" : "u-1", "n\u00e4me" : "Z\u006fë \ud83d\ude00\n\"", "age" : 1.50e1 , "vip":true, "gone":null,
		"tags" : [ "a" , { "x" : [ [ ] , "deep" ] }, 7 ], "" : {"": "empty"} }, "0" : "zero", "a\\b" : "backslash", "user.id" : "dotted" } `
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
	} {
		value, ok := lookup([]byte(payload), tt.path)
		require.True(t, ok, tt.path)
		require.Equal(t, tt.want, value, tt.path)
	}
	for _, path := range []string{
		"", "user", "user.tags", "user.tags.1", "user.tags.3", "user.tags.-1", "user.tags.00", "user.tags.+1", "user.tags.x", "user.tags.",
		"user.tags.1.x.0", "user.tags.1.x.0.0", "user.id.x", "user.nobody", "User.id", "1", ".user", "user.tags.99999999999999999999", `a\\b`, `user.n\u00e4me`,
	} {
		value, ok := lookup([]byte(payload), path)
		require.False(t, ok, path)
		require.Empty(t, value)
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
		if ValidJSON(payload) != nil {
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
