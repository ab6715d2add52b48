package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/adapters/pipeline"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// drawn returns an event with whatever a producer may have sent.
func drawn(t *rapid.T) core.Event {
	value := rapid.OneOf(rapid.Int64().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.StringMatching(`[a-zé😀"\\\n<>]{0,8}`).AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil))
	body := map[string]any{
		"event_type": rapid.StringMatching(`[a-z]{1,8}\.[a-zé]{1,8}`).Draw(t, "type"), "event_version": rapid.IntRange(1, 1<<31-1).Draw(t, "version"),
		"source":  rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "source"),
		"payload": rapid.OneOf(value, rapid.SliceOfN(value, 0, 5).AsAny(), rapid.MapOfN(rapid.StringMatching(`[a-zé"\\]{1,8}`), value, 0, 5).AsAny()).Draw(t, "payload"),
		"context": rapid.MapOfN(rapid.StringMatching(`[a-z]{1,8}`), rapid.StringMatching(`[a-zé"\\]{0,8}`), 0, 4).Draw(t, "context"),
	}
	if rapid.Bool().Draw(t, "has subject") {
		body["subject"] = rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "subject")
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	draft, err := eventjson.DecodeEvent(text, eventjson.StreamInPath)
	require.NoError(t, err)
	draft.Event.ID, draft.Event.OccurredAt, draft.Event.ReceivedAt = core.RandomID(at), at, at
	return draft.Event
}

func TestTransformsThatChangeNothingChangeNothing(t *testing.T) {
	t.Parallel()
	for _, same := range []string{".", "{}", "{type, payload, context}", ".type = .type", "del(.offset)", ". as $e | $e"} {
		compiled := compile(t, "true", same)
		rapid.Check(t, func(t *rapid.T) {
			in := drawn(t)
			out, passed, err := compiled.Run(context.Background(), &in)
			require.NoError(t, err)
			require.True(t, passed)
			require.Equal(t, in, out)
		})
	}
}

// What is written anew means what it meant.
func TestTransformsThatRebuildThePayloadKeepIt(t *testing.T) {
	t.Parallel()
	compiled := compile(t, "", `.payload |= (tojson | fromjson) | .context |= with_entries(.)`)
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		out, _, err := compiled.Run(context.Background(), &in)
		require.NoError(t, err)
		require.JSONEq(t, string(in.Payload), string(out.Payload))
		in.Payload, out.Payload = nil, nil
		if len(in.Context) > 0 {
			require.JSONEq(t, string(in.Context), string(out.Context))
		}
		in.Context, out.Context = nil, nil
		require.Equal(t, in, out)
	})
}

func FuzzFilter(f *testing.F) {
	for _, text := range hostileFilters {
		if len(text) < 500 {
			f.Add(text)
		}
	}
	for _, text := range []string{`payload.amount > 100`, `type.matches("^a{2,3}$")`, `has(payload.a.b) ? payload.a.b in [1, 2.0] : context["x"] != "y"`, `timestamp("2026-01-01T00:00:00Z") < occurred_at`, `b"a" + b"b" == bytes("ab")`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { requireSound(t, text, "") })
}

func FuzzTransform(f *testing.F) {
	for _, text := range hostileTransforms {
		f.Add(".payload = (" + text + ")")
	}
	for _, text := range []string{`.`, `{type, payload: {id: .payload.id}}`, `.payload |= with_entries(select(.key | test("^a")))`, `.context.a = "\(.offset)"`, `del(..)`, `. as {payload: {a: $x}} ?// $x | .payload = $x`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { requireSound(t, "", text) })
}

// requireSound compiles and runs what somebody wrote: it may fail, and says so to them.
func requireSound(t *testing.T, filter, transform string) {
	t.Helper()
	compiled, err := pipeline.New().Compile(filter, transform)
	if err != nil {
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", err)
		return
	}
	in := event(order)
	out, passed, err := compiled.Run(t.Context(), &in)
	if err != nil {
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", err)
		return
	}
	require.Equal(t, order, string(in.Payload))
	if passed {
		require.NoError(t, eventjson.ValidJSON(out.Payload))
		require.NotEmpty(t, out.Type)
	}
}
