package eventjson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

func TestMembersAreReadAsWritten(t *testing.T) {
	t.Parallel()
	var got []string
	err := eventjson.Members([]byte(` { "a" : 1.50 , "b\u0020c":[ {} ,"x"], "d":"\u00fc" } `), func(name string, value []byte) error {
		got = append(got, name, string(value))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "1.50", "b c", `[ {} ,"x"]`, "d", `"\u00fc"`}, got)

	stop := errors.New("stop")
	require.Equal(t, stop, eventjson.Members([]byte(`{"a":1,"b":`), func(string, []byte) error { return stop }))

	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	ignore := func(string, []byte) error { return nil }
	require.NoError(t, eventjson.Members([]byte(`{"a":`+deep+`,"b":`+deep+`}`), ignore), "each value may be as deep as a payload")
	for body, field := range map[string]string{
		"": "body", "[]": "body", "{": "body", `{"a":1}x`: "body", `{"a":1,}`: "body", "\xef\xbb\xbf{}": "body",
		`{"a":1,"\u0061":2}`: "a", `{"a":{"b":1,"b":2}}`: "a.b", `{"a\n":[0,"\u0000"]}`: "a\n[1]", `{"a":[` + deep + `]}`: "a" + strings.Repeat("[0]", 64),
	} {
		err := eventjson.Members([]byte(body), ignore)
		var known *core.Error
		require.ErrorAs(t, err, &known, body)
		require.Equal(t, core.CodeValidation, known.Code)
		require.Equal(t, field, known.Details[0].Field, body)
	}
}

func TestTextOfAStringOnly(t *testing.T) {
	t.Parallel()
	text, ok := eventjson.TextOf([]byte(`"a\"\u00fc"`))
	require.True(t, ok)
	require.Equal(t, `a"ü`, text)
	for _, value := range []string{"", "1", "null", `"`, `{"a":1}`} {
		_, ok := eventjson.TextOf([]byte(value))
		require.False(t, ok, value)
	}
}

func TestABatchIsSplitBeforeItIsRead(t *testing.T) {
	t.Parallel()
	elements, err := eventjson.SplitArray([]byte(` [ {"a":"],["} , 7,nonsense,[1 ] ] `))
	require.NoError(t, err)
	got := make([]string, len(elements))
	for i := range elements {
		got[i] = string(elements[i])
	}
	require.Equal(t, []string{`{"a":"],["}`, "7", "nonsense", "[1 ]"}, got)
	for body, want := range map[string]string{
		"": "body", "{}": "body", "[]": "events", "[1]]": "body", "[1,": "events[1]", `[1,{"]`: "events[1]", "[1 2]": "events[0]",
	} {
		_, err := eventjson.SplitArray([]byte(body))
		var known *core.Error
		require.ErrorAs(t, err, &known, body)
		require.Equal(t, want, known.Details[0].Field, body)
	}
	_, err = eventjson.SplitArray([]byte("[" + strings.Repeat("1,", core.MaxBatchEvents) + "1]"))
	require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(err))
	_, err = eventjson.SplitArray(make([]byte, core.MaxBatchBytes+1))
	require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(err))
}
