package eventjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// draftWith decodes an event with one more member.
func draftWith(t *testing.T, member string) eventjson.Draft {
	t.Helper()
	draft, err := eventjson.DecodeEvent([]byte(`{"event_type":"a","payload":{"b": 1}`+member+`}`), eventjson.StreamInPath)
	require.NoError(t, err)
	return draft
}

func TestApplyTakesTheIdempotencyKeyOfTheHeader(t *testing.T) {
	t.Parallel()
	inBody := draftWith(t, `,"idempotency_key":"k"`)
	require.NotZero(t, inBody.Fingerprint)
	for header, key := range map[string]string{
		`k`:                                  "k",
		` k `:                                "k",
		`"k"`:                                "k",
		`"with space"`:                       "with space",
		`"a\"b\\c"`:                          `a"b\c`,
		`a\b`:                                `a\b`,
		`{it's:"fine";q=1}`:                  `{it's:"fine";q=1}`,
		strings.Repeat("k", 255):             strings.Repeat("k", 255),
		`"` + strings.Repeat("k", 255) + `"`: strings.Repeat("k", 255),
	} {
		draft := draftWith(t, "")
		require.NoError(t, draft.Apply(eventjson.Hints{IdempotencyKey: header}), header)
		require.Equal(t, key, draft.Event.IdempotencyKey)
		require.Equal(t, inBody.Fingerprint, draft.Fingerprint)
	}
}

func TestApplyRefusesBadKeys(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		`""`, ` `, `"`, `"k`, `"k"x`, `"k";p=1`, `"a", "b"`, `"\k"`, `"k\`, `"k\"`, "a b", "a\tb", "\"a\tb\"", "é", `"é"`, "\x7f", "a\x00",
		strings.Repeat("k", 256), `"` + strings.Repeat("k", 256) + `"`,
	} {
		draft := draftWith(t, "")
		requireInvalidPrefix(t, draft.Apply(eventjson.Hints{IdempotencyKey: header}), "Idempotency-Key", "must ")
		require.Empty(t, draft.Event.IdempotencyKey)
	}
}

func TestApplyHoldsHeaderAndBodyToTheSameKey(t *testing.T) {
	t.Parallel()
	draft := draftWith(t, `,"idempotency_key":"a b"`)
	require.NoError(t, draft.Apply(eventjson.Hints{IdempotencyKey: `"a b"`}))
	require.NoError(t, draft.Apply(eventjson.Hints{}))
	requireInvalid(t, draft.Apply(eventjson.Hints{IdempotencyKey: "ab"}),
		core.Detail{Field: "Idempotency-Key", Reason: "differs from the event's idempotency_key"})
	require.Equal(t, "a b", draft.Event.IdempotencyKey)
}

func TestApplyPutsTheTraceIntoTheContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ context, header, want string }{
		{``, coretest.Traceparent, `{"traceparent":"` + coretest.Traceparent + `","trace_id":"` + coretest.TraceID + `"}`},
		{`{}`, coretest.Traceparent, `{"traceparent":"` + coretest.Traceparent + `","trace_id":"` + coretest.TraceID + `"}`},
		{`{ "a" : "}" }`, coretest.Traceparent, `{"a" : "}","traceparent":"` + coretest.Traceparent + `","trace_id":"` + coretest.TraceID + `"}`},
		{`{"trace_id":"mine"}`, coretest.Traceparent, `{"trace_id":"mine","traceparent":"` + coretest.Traceparent + `"}`},
		{`{"trac\u0065_id":"mine"}`, coretest.Traceparent, `{"trac\u0065_id":"mine","traceparent":"` + coretest.Traceparent + `"}`},
		{`{"a":"x","traceparent":"mine"}`, coretest.Traceparent, `{"a":"x","traceparent":"mine"}`},
		{``, "cc" + coretest.Traceparent[2:] + "-what-comes-later", `{"traceparent":"cc` + coretest.Traceparent[2:] + `-what-comes-later","trace_id":"` + coretest.TraceID + `"}`},
	} {
		member := ""
		if tt.context != "" {
			member = `,"context":` + tt.context
		}
		draft := draftWith(t, member)
		require.NoError(t, draft.Apply(eventjson.Hints{Traceparent: tt.header}))
		require.Equal(t, tt.want, string(draft.Event.Context))
		require.NoError(t, eventjson.ValidJSON(draft.Event.Context))
	}
}

// A trace that its sender does not keep is none that anybody could look up.
func TestASampledTraceIsKnownByItsFlag(t *testing.T) {
	t.Parallel()
	base := strings.TrimSuffix(coretest.Traceparent, "01")
	for flags, want := range map[string]string{"01": coretest.TraceID, "03": coretest.TraceID, "ff": coretest.TraceID, "00": "", "02": "", "fe": "", "0g": ""} {
		require.Equal(t, want, eventjson.SampledTrace(base+flags), flags)
	}
	require.Empty(t, eventjson.SampledTrace(""))
}

func TestApplyIgnoresInvalidTraceparents(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"x",
		coretest.Traceparent[1:],
		coretest.Traceparent + "-00",
		"ff" + coretest.Traceparent[2:],
		"cc" + coretest.Traceparent[2:] + "x",
		"cc" + coretest.Traceparent[2:] + `-"`,
		"cc" + coretest.Traceparent[2:] + "-\x01",
		strings.ToUpper(coretest.Traceparent),
		strings.ReplaceAll(coretest.Traceparent, "-", "_"),
		strings.Replace(coretest.Traceparent, "0af7", "0ag7", 1),
		strings.Replace(coretest.Traceparent, coretest.TraceID, strings.Repeat("0", 32), 1),
		strings.Replace(coretest.Traceparent, "b7ad6b7169203331", strings.Repeat("0", 16), 1),
		"cc" + coretest.Traceparent[2:] + "-" + strings.Repeat("x", core.MaxContextBytes),
	} {
		draft := draftWith(t, "")
		require.NoError(t, draft.Apply(eventjson.Hints{Traceparent: header}))
		require.Empty(t, draft.Event.Context, header)
	}
}

func TestApplyKeepsTheContextWithinItsLimits(t *testing.T) {
	t.Parallel()
	pairs := make([]string, core.MaxContextPairs-1)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	long := `{"a":"` + strings.Repeat("x", core.MaxContextBytes-len(`{"a":""}`)-len(coretest.Traceparent)) + `"}`
	for _, context := range []string{`{` + strings.Join(pairs, ",") + `}`, long} {
		draft := draftWith(t, `,"context":`+context)
		require.NoError(t, draft.Apply(eventjson.Hints{Traceparent: coretest.Traceparent}))
		require.Equal(t, context, string(draft.Event.Context))
	}
	draft := draftWith(t, `,"context":{`+strings.Join(pairs[1:], ",")+`}`)
	require.NoError(t, draft.Apply(eventjson.Hints{Traceparent: coretest.Traceparent}))
	var all map[string]string
	require.NoError(t, json.Unmarshal(draft.Event.Context, &all))
	require.Len(t, all, core.MaxContextPairs)
}

func TestApplyLeavesTheBodyAlone(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event_type":"a","payload":1,"context":{"a":"x"},"source":"s"}`)
	before := string(body)
	draft, err := eventjson.DecodeEvent(body, eventjson.StreamInPath)
	require.NoError(t, err)
	require.NoError(t, draft.Apply(eventjson.Hints{IdempotencyKey: "k", Traceparent: coretest.Traceparent}))
	require.Equal(t, before, string(body))
}
