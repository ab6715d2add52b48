package core_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

const (
	traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceID     = "0af7651916cd43dd8448eb211c80319c"
)

// draftWith decodes an event with one more member.
func draftWith(t *testing.T, member string) core.Draft {
	t.Helper()
	draft, err := core.DecodeEvent([]byte(`{"event_type":"a","payload":{"b": 1}`+member+`}`), core.StreamInPath)
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
		require.NoError(t, draft.Apply(core.Hints{IdempotencyKey: header}), header)
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
		requireInvalidPrefix(t, draft.Apply(core.Hints{IdempotencyKey: header}), "Idempotency-Key", "must ")
		require.Empty(t, draft.Event.IdempotencyKey)
	}
}

func TestApplyHoldsHeaderAndBodyToTheSameKey(t *testing.T) {
	t.Parallel()
	draft := draftWith(t, `,"idempotency_key":"a b"`)
	require.NoError(t, draft.Apply(core.Hints{IdempotencyKey: `"a b"`}))
	require.NoError(t, draft.Apply(core.Hints{}))
	requireInvalid(t, draft.Apply(core.Hints{IdempotencyKey: "ab"}),
		core.Detail{Field: "Idempotency-Key", Reason: "differs from the event's idempotency_key"})
	require.Equal(t, "a b", draft.Event.IdempotencyKey)
}

func TestApplyPutsTheTraceIntoTheContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ context, header, want string }{
		{``, traceparent, `{"traceparent":"` + traceparent + `","trace_id":"` + traceID + `"}`},
		{`{}`, traceparent, `{"traceparent":"` + traceparent + `","trace_id":"` + traceID + `"}`},
		{`{ "a" : "}" }`, traceparent, `{"a" : "}","traceparent":"` + traceparent + `","trace_id":"` + traceID + `"}`},
		{`{"trace_id":"mine"}`, traceparent, `{"trace_id":"mine","traceparent":"` + traceparent + `"}`},
		{`{"trac\u0065_id":"mine"}`, traceparent, `{"trac\u0065_id":"mine","traceparent":"` + traceparent + `"}`},
		{`{"a":"x","traceparent":"mine"}`, traceparent, `{"a":"x","traceparent":"mine"}`},
		{``, "cc" + traceparent[2:] + "-what-comes-later", `{"traceparent":"cc` + traceparent[2:] + `-what-comes-later","trace_id":"` + traceID + `"}`},
	} {
		member := ""
		if tt.context != "" {
			member = `,"context":` + tt.context
		}
		draft := draftWith(t, member)
		require.NoError(t, draft.Apply(core.Hints{Traceparent: tt.header}))
		require.Equal(t, tt.want, string(draft.Event.Context))
		require.NoError(t, core.ValidJSON(draft.Event.Context))
	}
}

func TestApplyIgnoresInvalidTraceparents(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"x",
		traceparent[1:],
		traceparent + "-00",
		"ff" + traceparent[2:],
		"cc" + traceparent[2:] + "x",
		"cc" + traceparent[2:] + `-"`,
		"cc" + traceparent[2:] + "-\x01",
		strings.ToUpper(traceparent),
		strings.ReplaceAll(traceparent, "-", "_"),
		strings.Replace(traceparent, "0af7", "0ag7", 1),
		strings.Replace(traceparent, traceID, strings.Repeat("0", 32), 1),
		strings.Replace(traceparent, "b7ad6b7169203331", strings.Repeat("0", 16), 1),
		"cc" + traceparent[2:] + "-" + strings.Repeat("x", core.MaxContextBytes),
	} {
		draft := draftWith(t, "")
		require.NoError(t, draft.Apply(core.Hints{Traceparent: header}))
		require.Empty(t, draft.Event.Context, header)
	}
}

func TestApplyKeepsTheContextWithinItsLimits(t *testing.T) {
	t.Parallel()
	pairs := make([]string, core.MaxContextPairs-1)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	long := `{"a":"` + strings.Repeat("x", core.MaxContextBytes-len(`{"a":""}`)-len(traceparent)) + `"}`
	for _, context := range []string{`{` + strings.Join(pairs, ",") + `}`, long} {
		draft := draftWith(t, `,"context":`+context)
		require.NoError(t, draft.Apply(core.Hints{Traceparent: traceparent}))
		require.Equal(t, context, string(draft.Event.Context))
	}
	draft := draftWith(t, `,"context":{`+strings.Join(pairs[1:], ",")+`}`)
	require.NoError(t, draft.Apply(core.Hints{Traceparent: traceparent}))
	var all map[string]string
	require.NoError(t, json.Unmarshal(draft.Event.Context, &all))
	require.Len(t, all, core.MaxContextPairs)
}

func TestApplyLeavesTheBodyAlone(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event_type":"a","payload":1,"context":{"a":"x"},"source":"s"}`)
	before := string(body)
	draft, err := core.DecodeEvent(body, core.StreamInPath)
	require.NoError(t, err)
	require.NoError(t, draft.Apply(core.Hints{IdempotencyKey: "k", Traceparent: traceparent}))
	require.Equal(t, before, string(body))
}
