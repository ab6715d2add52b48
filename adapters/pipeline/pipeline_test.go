package pipeline_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pipeline"
	"github.com/eventflow-go/eventflow/core"
)

var _ core.PipelineCompiler = pipeline.New()

var at = time.Date(2026, 1, 31, 9, 30, 0, 123456000, time.UTC)

func event(payload string) core.Event {
	return core.Event{
		ID: core.RandomID(at), Stream: core.RandomID(at), Offset: 41, Type: "order.paid", Version: 2, OccurredAt: at, ReceivedAt: at.Add(time.Second),
		Source: "shop", Subject: "customer-17", Payload: json.RawMessage(payload), Context: json.RawMessage(`{"trace_id": "t1",  "tenant":"x"}`),
		APIKeyID: core.RandomID(at), IdempotencyKey: "key-1",
	}
}

func compile(t *testing.T, filter, transform string) core.Pipeline {
	t.Helper()
	compiled, err := pipeline.New().Compile(filter, transform)
	require.NoError(t, err)
	return compiled
}

const order = `{"id": 7, "amount":150, "half": 0.50, "name":"Zoë", "items":[{"sku":"a","n":1},{"sku":"b","n":2}], "none":null, "vip":true,` +
	` "big":9007199254740993, "huge":123456789012345678901234567890, "far":1e300, "text":"say \"hi\" ünd \u00e9 \ud83d\ude00"}`

func TestFilterDecides(t *testing.T) {
	t.Parallel()
	for condition, passes := range map[string]bool{
		"":                                      true,
		"  \n":                                  true,
		"true":                                  true,
		"false":                                 false,
		`type == "order.paid"`:                  true,
		`type.startsWith("order.")`:             true,
		`type in ["a", "order.paid"]`:           true,
		`type.matches("^order\\.(paid|sent)$")`: true,
		`matches(type, "^x")`:                   false,
		`source == "shop" && subject == "customer-17"`:         true,
		`version == 2 && offset == 41`:                         true,
		`event_id.size() == 36`:                                true,
		`occurred_at > timestamp("2026-01-31T09:30:00Z")`:      true,
		`occurred_at.getHours() == 9`:                          true,
		`received_at - occurred_at == duration("1s")`:          true,
		`context.trace_id == "t1" && context["tenant"] == "x"`: true,
		`"tenant" in context && !("other" in context)`:         true,
		`payload.vip`:          true,
		`payload.amount > 100`: true,
		`payload.amount > 149.5 && payload.amount == 150.0`:                       true,
		`payload.half == 0.5`:                                                     true,
		`payload.big == 9007199254740993`:                                         true,
		`payload.big == 9007199254740992`:                                         false,
		`payload.huge > 9007199254740993 && payload.far > 1e299`:                  true,
		`payload.amount + 1 == 151`:                                               true,
		`payload.none == null`:                                                    true,
		`payload.name == "Zoë" && size(payload.name) == 3`:                        true,
		`payload.text.contains("😀") && payload.text.contains("say \"hi\" ünd é")`: true,
		`payload.items.exists(i, i.sku == "b" && i.n > 1)`:                        true,
		`payload.items.all(i, i.n > 1)`:                                           false,
		`payload.items.map(i, i.sku) == ["a", "b"]`:                               true,
		`payload.items.filter(i, i.n > 1).size() == 1`:                            true,
		`payload.items.exists_one(i, i.n == 1)`:                                   true,
		`payload.items[1].sku + "!" == "b!"`:                                      true,
		`payload == payload && payload.items != []`:                               true,
		`has(payload.amount) && !has(payload.other)`:                              true,
		`string(payload.amount) == "150" && bytes(payload.name).size() == 4`:      true,
		`"a" in payload.items.map(i, i.sku)`:                                      true,
		// What an event does not have.
		`payload.other > 100`:             false,
		`!(payload.other > 100)`:          false,
		`payload.name.first == "Z"`:       false,
		`payload.none.x == 1`:             false,
		`payload.items[2].sku == "c"`:     false,
		`context.other == "x"`:            false,
		`payload.other > 1 || true`:       true,
		`type == "x" && payload.other`:    false,
		`payload.items.all(i, i.q == 1)`:  false,
		`payload["a b"] == 1`:             false,
		`payload.other == payload.other2`: false,
	} {
		in := event(order)
		out, passed, err := compile(t, condition, "").Run(t.Context(), &in)
		require.NoError(t, err, condition)
		require.Equal(t, passes, passed, condition)
		if passed {
			require.Equal(t, in, out)
		}
	}
}

func TestFilterFailsWhereTheEventDoesNotFit(t *testing.T) {
	t.Parallel()
	for condition, reason := range map[string]string{
		`payload.amount`:             "must yield true or false, and yields a whole number",
		`payload.name > 5`:           "line 1, column 14: fails on this event: ",
		`payload.name + 1 == 2`:      "line 1, column 14: fails on this event: ",
		"true &&\n payload.id/0 > 1": "line 2, column 12: fails on this event: nothing can be divided by 0",
		`int(payload.name) == 1`:     "fails on this event",
		`payload.amount * 2.0 > 1.0`: "finds values whose kinds do not go together",
	} {
		in := event(order)
		_, passed, err := compile(t, condition, "").Run(t.Context(), &in)
		requireFault(t, err, "filter", reason)
		require.False(t, passed)
	}
}

func TestTransformChangesTheEvent(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]func(*core.Event){
		``:                                       func(*core.Event) {},
		`.`:                                      func(*core.Event) {},
		`{}`:                                     func(*core.Event) {},
		`{type, payload}`:                        func(*core.Event) {},
		`.type = "a.b"`:                          func(e *core.Event) { e.Type = "a.b" },
		`.type |= sub("^order"; "bill")`:         func(e *core.Event) { e.Type = "bill.paid" },
		`.source += "!" | .version += 1`:         func(e *core.Event) { e.Source, e.Version = "shop!", 3 },
		`.subject = null`:                        func(e *core.Event) { e.Subject = "" },
		`.subject = ""`:                          func(e *core.Event) { e.Subject = "" },
		`del(.subject)`:                          func(*core.Event) {},
		`.subject = "\(.payload.id)-\(.offset)"`: func(e *core.Event) { e.Subject = "7-41" },
		`.occurred_at = "2026-02-01T00:00:00+01:00"`: func(e *core.Event) { e.OccurredAt = time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC) },
		`.occurred_at = .received_at`:                func(e *core.Event) { e.OccurredAt = e.ReceivedAt },
		`.payload = {a: 1}`:                          func(e *core.Event) { e.Payload = []byte(`{"a":1}`) },
		`.payload = .payload.items`:                  func(e *core.Event) { e.Payload = []byte(`[{"n":1,"sku":"a"},{"n":2,"sku":"b"}]`) },
		`.payload = null`:                            func(e *core.Event) { e.Payload = []byte(`null`) },
		`.payload = "x<&>"`:                          func(e *core.Event) { e.Payload = []byte(`"x<&>"`) },
		`.payload |= {half, huge, big, far}`: func(e *core.Event) {
			e.Payload = []byte(`{"big":9007199254740993,"far":1e300,"half":0.50,"huge":123456789012345678901234567890}`)
		},
		`.payload = .payload.huge + 1`:                          func(e *core.Event) { e.Payload = []byte(`123456789012345678901234567891`) },
		`.payload = .payload.half + 1`:                          func(e *core.Event) { e.Payload = []byte(`1.5`) },
		`.payload = .payload.text`:                              func(e *core.Event) { e.Payload = []byte(`"say \"hi\" ünd é 😀"`) },
		`.payload = [.payload.items[] | select(.n > 1) | .sku]`: func(e *core.Event) { e.Payload = []byte(`["b"]`) },
		`.payload |= (del(.items, .text, .huge, .far, .big, .half) | .customer = .name | del(.name))`: func(e *core.Event) {
			e.Payload = []byte(`{"amount":150,"customer":"Zoë","id":7,"none":null,"vip":true}`)
		},
		`.context.region = "eu"`: func(e *core.Event) { e.Context = []byte(`{"region":"eu","tenant":"x","trace_id":"t1"}`) },
		`.context = {}`:          func(e *core.Event) { e.Context = nil },
		`.context = null`:        func(e *core.Event) { e.Context = nil },
		`.event_id = "x" | .offset = 1 | .received_at = 5`:                        func(*core.Event) {},
		`.payload = (.payload.amount | if . > 100 then "large" else "small" end)`: func(e *core.Event) { e.Payload = []byte(`"large"`) },
		`.payload = (.occurred_at | sub("\\.[0-9]+"; "") | fromdate)`:             func(e *core.Event) { e.Payload = []byte(`1769851800`) },
	} {
		in := event(order)
		want2 := in
		want(&want2)
		before := in
		out, passed, err := compile(t, "", program).Run(t.Context(), &in)
		require.NoError(t, err, program)
		require.True(t, passed)
		if want2.Context == nil {
			require.Empty(t, out.Context)
			out.Context = nil
		}
		require.Equal(t, want2, out, program)
		require.Equal(t, before, in)
		require.Equal(t, order, string(in.Payload))
	}
}

func TestTransformFailsWhereTheEventCannotBeOne(t *testing.T) {
	t.Parallel()
	for program, reason := range map[string]string{
		`if .payload.items then .x = 1 else . end`:                                    "yields .x, which is not a field of an event",
		`.payload.items[]`:                                                            "yields more than one result",
		`.payload.items[] | select(false)`:                                            "yields nothing for this event: to leave events out, use the filter",
		`if .type == "sample" then . else 5 end`:                                      "must yield an object, the event, and yields a number for this event",
		`.payload.amount | if type == "number" then . else error("x") end | tostring`: "must yield an object, the event, and yields a string",
		`.type = 5`:                  "yields an event that cannot be ingested: .type must be a string",
		`.type = null`:               "yields null as .type",
		`.type = ""`:                 ".type must have",
		`.type = "a\nb"`:             ".type ",
		`.type = "x" * 256`:          ".type must have",
		`.source = "x" * 256`:        ".source must have",
		`.subject = "x" * 256`:       ".subject must have",
		`.subject = 5`:               ".subject must be a string",
		`.version = 0`:               ".version must be an integer from 1",
		`.version = 1.5`:             ".version must be an integer from 1",
		`.version = "1"`:             ".version must be an integer from 1",
		`.occurred_at = "yesterday"`: ".occurred_at must be an RFC 3339 time",
		`.context = []`:              ".context must be an object whose values are strings",
		`.context.a = 1`:             ".context.a must be a string",
		`.context = ([range(33) | {("k\(.)"): "v"}] | add)`: ".context must have at most 32 members",
		`.payload = "\u0000"`:                               `.payload has a NUL`,
		`.payload = (reduce range(100) as $i (0; [.]))`:     "nested more than 64 levels deep",
		`error("no such customer")`:                         "fails on this event: error: no such customer",
		`error({a: 1})`:                                     `fails on this event: error: {"a":1}`,
		`.payload.name.x`:                                   "fails on this event: expected an object",
		`.payload.name | test("(")`:                         "the regular expression is wrong",
	} {
		in := event(order)
		compiled, err := pipeline.New().Compile("", program)
		if err == nil {
			_, _, err = compiled.Run(t.Context(), &in)
		}
		requireFault(t, err, "transform", reason)
	}
}

func TestTransformsMakeNoEventsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	in := event(`{"text":"` + strings.Repeat("x", core.MaxEventBytes-30) + `"}`)
	_, _, err := compile(t, "", `.source = "another"`).Run(t.Context(), &in)
	requireFault(t, err, "transform", "yields an event of")
	_, _, err = compile(t, "", `.payload.more = .payload.text`).Run(t.Context(), &in)
	requireFault(t, err, "transform", "yields an event of")
}

func TestCompileSaysWhereTheFaultIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ filter, transform, field, reason string }{
		{"type ==", "", "filter", "line 1, column 8: "},
		{"type == 'a' &&\n  nosuch(1)", "", "filter", "line 2, column 9: there is no function nosuch()"},
		{"foo == 1", "", "filter", "line 1, column 1: there is no foo: a text stands in quotes, as 'foo', a field of the payload is payload.foo, and of the event there are type, source"},
		{"version == 'a'", "", "filter", "line 1, column 9: == does not go with a whole number and a text: put the number into quotes"},
		{"1 + 1", "", "filter", "must be a condition, true or false, and yields a whole number"},
		{"type", "", "filter", "must be a condition, true or false, and yields a text"},
		{`type.matches("(")`, "", "filter", "line 1, column 13: the regular expression is wrong"},
		{`type.matches(source)`, "", "filter", "line 1, column 13: matches() needs its regular expression as a text in quotes"},
		{`timestamp("x") == occurred_at`, "", "filter", "line 1, column 11: "},
		{strings.Repeat(" ", 17<<10) + "true", "", "filter", "has 17412 bytes, and may have 16384"},
		{"", "{", "transform", "line 1, column 2: the program ends where something must follow"},
		{"", ".payload\n  | foo(1)", "transform", "line 2, column 5: there is no function foo with 1 argument"},
		{"", ".payload = $x", "transform", "line 1, column 12: there is no variable $x"},
		{"", ".payload | |", "transform", "line 1, column 12: | is not expected here"},
		{"", ".a.\"é\" + ?", "transform", "line 1, column 10: "},
		{"", "1", "transform", "must yield an object, the event, and yields a number"},
		{"", ".type", "transform", "must yield an object, the event, and yields a string"},
		{"", "null", "transform", "must yield an object, the event, and yields null"},
		{"", "[.]", "transform", "must yield an object, the event, and yields an array"},
		{"", "., .", "transform", "yields more than one result"},
		{"", "{total: .payload.total}", "transform", "yields .total, which is not a field of an event: put it into .payload or .context"},
		{"", "empty", "transform", "yields nothing for any event: to leave events out, use the filter"},
		{"", ".payload | (. | empty)", "transform", "yields nothing for any event"},
		{"", `import "a" as a; .`, "transform", "must not import modules"},
		{"", `include "a"; .`, "transform", "must not import modules"},
		{"", `module {}; .`, "transform", "must not import modules"},
		{"", `.payload = env.HOME`, "transform", "line 1, column 12: env is not available here"},
		{"", `.payload = $ENV.HOME`, "transform", "line 1, column 12: $ENV is not available here"},
		{"", `.payload = input`, "transform", "line 1, column 12: input is not available here"},
		{"", `.payload = [inputs]`, "transform", "line 1, column 13: inputs is not available here"},
		{"", `.payload = now`, "transform", "line 1, column 12: now is not available here"},
		{"", `debug`, "transform", "line 1, column 1: debug is not available here"},
		{"", `halt`, "transform", "line 1, column 1: halt is not available here"},
		{"", `. | halt_error`, "transform", "line 1, column 5: halt_error is not available here"},
		{"", `"x" | modulemeta`, "transform", "line 1, column 7: modulemeta is not available here"},
		{"", `.payload = jn(5; 5)`, "transform", "line 1, column 12: jn is not available here"},
		{"", `.payload = (0 | localtime)`, "transform", "line 1, column 17: localtime is not available here"},
		{"", `.payload = ` + strings.Repeat("9", 401), "transform", "line 1, column 12: has a number of more than 400 digits"},
		{"", `.payload = [range(1e9)]`, "transform", "on a made-up event of 40 bytes it already takes more work than one event may"},
		{"", `.payload = "` + strings.Repeat("x", 17<<10) + `"`, "transform", "has 17421 bytes, and may have 16384"},
	} {
		_, err := pipeline.New().Compile(tt.filter, tt.transform)
		requireFault(t, err, tt.field, tt.reason)
	}
}

// What is wrong with some events only is taken.
func TestATransformThatMayYieldAnEventCompiles(t *testing.T) {
	t.Parallel()
	for _, transform := range []string{`if .type == "sample" then empty else . end`, `def empty: .; empty`, `select(.type == "paid")`, `. // empty`} {
		_, err := pipeline.New().Compile("", transform)
		require.NoError(t, err, transform)
	}
}

// What people write by mistake is answered in plain words, and never in those of the
// libraries.
func TestTypicalMistakesAreAnsweredPlainly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ filter, transform, reason string }{
		{`type = 'a'`, "", "line 1, column 6: = means nothing here: two values are compared by =="},
		{`type == "a`, "", "line 1, column 9: the text that begins here has no quote at its end"},
		{`type == ‘a’`, "", "line 1, column 9: a text stands in straight quotes"},
		{`type == paid`, "", "line 1, column 9: there is no paid: a text stands in quotes, as 'paid'"},
		{`type == 'a' and true`, "", "line 1, column 13: and means nothing here: write &&"},
		{`type == 'a' | true`, "", "line 1, column 13: | means nothing here: write ||"},
		{`type <> 'a'`, "", "line 1, column 7: > is not expected here: unequal is !="},
		{`type like 'a'`, "", "line 1, column 6: there is no like: use startsWith(), contains() or matches()"},
		{`(type == 'a'`, "", "line 1, column 13: ) is missing here"},
		{`type == 'a')`, "", "line 1, column 12: ) closes nothing"},
		{`type ==`, "", "line 1, column 8: the condition ends where something must follow"},
		{`true && == type`, "", "line 1, column 9: a value is missing before =="},
		{`payload.total > 1,000`, "", "line 1, column 18: , is not expected here: numbers are written without"},
		{`type == TRUE`, "", "line 1, column 9: TRUE means nothing here: write true"},
		{`context.size == 1`, "", "line 1, column 14: == does not go with a text and a whole number: put the number into quotes"},
		{`occurred_at > '2026-01-01'`, "", "line 1, column 13: > does not go with a time and a text: make a time of the text, as timestamp("},
		{`type != null`, "", "line 1, column 6: != does not go with a text and null: a field that the event does not have is ''"},
		{`!type`, "", "line 1, column 1: ! does not go with a text"},
		{`type && true`, "", "line 1, column 1: true or false is needed here, and this is a text"},
		{`true ? 1 : 'a'`, "", "line 1, column 6: what stands behind ? and behind : must be of one kind, and is a whole number and a text"},
		{`type in 'abc'`, "", "line 1, column 6: in asks whether a text is in a list or a map of such, and behind it stands a text"},
		{`1 in ['a']`, "", "and behind it stands a list of texts"},
		{`type[0] == 'a'`, "", "line 1, column 5: a text has nothing that is named by a whole number"},
		{`type.startswith('a')`, "", "line 1, column 16: there is no startswith(): write startsWith()"},
		{`startsWith(type, 'a')`, "", "line 1, column 11: startsWith() is written behind its text, as in type.startsWith('order')"},
		{`size(version) == 1`, "", "line 1, column 5: size() takes no whole number"},
		{`version.a == 1`, "", "line 1, column 8: a whole number has no fields"},
		{`version.all(x, true)`, "", "line 1, column 1: all(), exists(), exists_one(), map() and filter() go through a list or a map, and this is a whole number"},
		{`payload.items.exists(price > 1)`, "", "line 1, column 21: exists() needs a name for each element"},
		{`payload.items.exists(a.b, true)`, "", "line 1, column 23: the first of the two in the brackets must be a name of your own"},
		{`has(payload)`, "", "line 1, column 5: has() asks for a field of something"},
		{`if type == 'a'`, "", "line 1, column 1: if is a reserved word"},
		{`99999999999999999999 == 1`, "", "line 1, column 1: this number is too large"},
		{`duration('1 day') == duration('1h')`, "", "line 1, column 10: must be a duration, as '90s'"},
		{`type.matches('(')`, "", "line 1, column 13: the regular expression is wrong: missing closing )"},
		{"true &&\n  event.type == 'a'", "", "line 2, column 3: there is no event: write type instead of event.type"},
		{"", `.type == 'a'`, `line 1, column 10: a text stands in straight double quotes`},
		{"", `if .type == "a" then .`, `line 1, column 23: the program ends where something must follow`},
		{"", `.payload = "a`, `the text that begins here has no " at its end`},
		{"", `.payload = total`, `line 1, column 12: there is no function total: a field begins with a dot, as .total`},
	} {
		_, err := pipeline.New().Compile(tt.filter, tt.transform)
		field := "filter"
		if tt.filter == "" {
			field = "transform"
		}
		requireFault(t, err, field, tt.reason)
		require.NotRegexp(t, "overload|undeclared|container|EOF|token|IDENTIFIER|not defined", err.Error())
	}
}

func TestWhatAnEventDoesToAFilterIsSaidPlainly(t *testing.T) {
	t.Parallel()
	for filter, reason := range map[string]string{
		`payload.amount > 'a'`:                  "line 1, column 16: fails on this event: > finds values whose kinds do not go together",
		`payload.none > 1`:                      "line 1, column 14: fails on this event: > finds values whose kinds do not go together",
		`payload.text && true`:                  "fails on this event: && finds a value that is not true or false",
		`size(payload.amount) > 1`:              "line 1, column 5: fails on this event: size() finds a value of a kind that it does not take",
		`payload.amount / 0 == 1`:               "line 1, column 16: fails on this event: nothing can be divided by 0",
		`int(payload.text) > 1`:                 "line 1, column 4: fails on this event: a text that is not a whole number cannot be made one",
		`timestamp(payload.text) < occurred_at`: "is not an RFC 3339 time",
		`payload.items['a'] == 1`:               "elements of a list are named by their numbers, from 0, and not by a text",
		`payload.amount.exists(x, x > 1)`:       "go through a list or a map, and find a whole number",
		`payload.amount`:                        "must yield true or false, and yields a whole number for this event",
	} {
		in := event(order)
		_, _, err := compile(t, filter, "").Run(t.Context(), &in)
		requireFault(t, err, "filter", reason)
	}
}

func requireFault(t *testing.T, err error, field, reason string) {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, core.CodeValidation, known.Code)
	require.Equal(t, field, known.Details[0].Field)
	require.Contains(t, known.Details[0].Reason, reason)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	in := event(order)
	ctx, cancel := context.WithCancel(t.Context())
	compiled := compile(t, `payload.amount > 1`, `.payload = 1`)
	cancel()
	_, _, err := compiled.Run(ctx, &in)
	require.Equal(t, context.Canceled, err)
}

func TestRunNoticesTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	in := event(order)
	compiled := compile(t, "", `if .type == "sample" then . else .payload = last(range(100000)) end`)
	ctx := &endsSoon{Context: t.Context(), asked: 10}
	_, _, err := compiled.Run(ctx, &in)
	require.Equal(t, context.Canceled, err)
	_, _, err = compiled.Run(t.Context(), &in)
	require.Error(t, err)
	require.Equal(t, core.CodeValidation, core.CodeOf(err))
}

// endsSoon is a context that ends when it was asked so often.
type endsSoon struct {
	context.Context

	asked int
}

func (c *endsSoon) Err() error {
	if c.asked--; c.asked < 0 {
		return context.Canceled
	}
	return nil
}

// Functions of jq write to the constants of their program, and one crash of a map that is
// written by two would take the server down.
func TestOnePipelineServesSeveralAtOnce(t *testing.T) {
	t.Parallel()
	compiled := compile(t, `payload.n >= 0 && type.matches("^o")`, `.payload = ({a: {b: {c: [1, {d: 2}]}}} | del(.x) | del(.a.b.x) | .n = 1)`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				in := event(`{"n":1}`)
				out, passed, err := compiled.Run(context.Background(), &in)
				if err != nil || !passed || string(out.Payload) != `{"a":{"b":{"c":[1,{"d":2}]}},"n":1}` {
					t.Errorf("%s %v %v", out.Payload, passed, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// A program that was ended in the middle of its work, or that failed, works on.
func TestARunLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	compiled := compile(t, "", `if .payload == 1 then .payload = [range(1e9)] elif .payload == 2 then error("x") else .payload += 1 end`)
	for range 3 {
		for _, payload := range []string{"1", "2"} {
			in := event(payload)
			_, _, err := compiled.Run(t.Context(), &in)
			require.Error(t, err)
		}
		in := event("3")
		out, _, err := compiled.Run(t.Context(), &in)
		require.NoError(t, err)
		require.Equal(t, "4", string(out.Payload))
	}
}
