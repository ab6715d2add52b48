package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pipeline"
	"github.com/eventflow-go/eventflow/core"
)

// What one run may take at most, on an event of a few bytes. The race detector and other
// machines take slack times as long.
const (
	longestRun = 250 * time.Millisecond
	slack      = 4
	mostMemory = 96 << 20
)

// doubled is a value that is small in memory and has 2^60 leaves.
const doubled = `reduce range(60) as $i ([]; [., .])`

// hostileTransforms are programs that without limits take seconds, gigabytes, or never
// end. Each becomes the payload of the event.
var hostileTransforms = []string{
	// Without an end.
	`def f: f; f`,
	`def f: 1 + f; f`,
	`def f: [f]; f`,
	`def f: {a: f}; f`,
	`def f: (f, 1); f`,
	`def f: f as $x | f; f`,
	`def f(g): f(g | g); f(.)`,
	`def f(g): f([g]); f(.)`,
	`try (def f: f; f) catch 1`,
	`[repeat(1)]`,
	`last(repeat(1))`,
	`until(false; . )`,
	`[limit(1e9; repeat(1))]`,
	`[range(1e9)]`,
	`last(range(1e12))`,
	`[range(0; 1e18; 1e-9)]`,
	`label $out | foreach repeat(1) as $i (0; . + 1; if . > 1e9 then ., break $out else empty end)`,
	`reduce repeat(1) as $i (0; . + $i)`,
	`first(range(1e12) | select(. < 0))`,
	`[recurse([.])]`,
	`[recurse(if . < 1e12 then . + 1 else empty end)]`,
	`[while(true; .)]`,
	`isempty(empty | repeat(empty))`,
	`any(repeat(1); . > 2)`,
	`[splits("a"; "g")] | until(false; .)`,
	// More in one step than there is memory.
	`"x" * 1e9`,
	`"x" * 100 * 100 * 100 * 100 * 100`,
	`[1] | .[500000000] = 1`,
	`[] | setpath([500000000]; 1)`,
	`[] | .[range(1e6)] = 1`,
	`[] | .[100000 * range(1e6)] |= 1`,
	`[range(100) as $i | [] | .[100000] = $i]`,
	`reduce range(60) as $i ([1]; . + .)`,
	`reduce range(60) as $i ([1]; [.[], .[]])`,
	`reduce range(60) as $i ([1]; .[0:0] = .)`,
	`reduce range(60) as $i ([1]; [., .] | add)`,
	`reduce range(60) as $i ([1]; [., .] | flatten)`,
	`reduce range(60) as $i ("a"; . + .)`,
	`reduce range(60) as $i ("a"; "\(.)\(.)")`,
	`reduce range(60) as $i ("a"; [., .] | join(""))`,
	`reduce range(60) as $i ("a"; @json)`,
	`reduce range(60) as $i ("\""; tojson)`,
	`reduce range(60) as $i ("<"; @html)`,
	`reduce range(60) as $i ("a"; gsub(""; "b"))`,
	`reduce range(60) as $i ({a: 1}; . * {("x\($i)"): ., ("y\($i)"): .})`,
	`reduce range(60) as $i (3; . * .)`,
	`[range(1e6) | "x" * 100000]`,
	`[range(1e6) | [range(1000)]]`,
	`[[range(50000)], (range(50000) | [])] | transpose`,
	`[path(recurse(.foo))]`,
	`null | [limit(1e6; path(repeat(.a)))]`,
	`[range(50000)] as $a | def f: $a[] | f; f`,
	`[range(10000)] | .[range(10000)] |= [range(10000)]`,
	`[range(1e5)] | combinations(5)`,
	`[range(100)] | [., ., ., ., ., .] | [combinations]`,
	`0 | strftime("%1024Y" * 100000)`,
	`"a" * 300000 | [range(1e5) as $i | .[$i:$i+1]]`,
	`"a" * 300000 | [explode, explode, explode]`,
	// More to look at in one step than there is time.
	doubled,
	doubled + ` | tojson`,
	doubled + ` | tostring`,
	doubled + ` | @base64`,
	doubled + ` | . == .`,
	doubled + ` | [.] == [.]`,
	doubled + ` | . < .`,
	doubled + ` | flatten`,
	doubled + ` | [., .] | sort`,
	doubled + ` | [., .] | unique`,
	doubled + ` | [., .] | min`,
	doubled + ` | [., .] | group_by(.)`,
	doubled + ` | . - [.]`,
	doubled + ` | [.] | index([[]])`,
	doubled + ` | contains([[[]]])`,
	doubled + ` | inside([.])`,
	doubled + ` | del(.[0][0][0])`,
	doubled + ` | delpaths([[0, 0]])`,
	doubled + ` | walk(.)`,
	doubled + ` | [..]`,
	doubled + ` | [paths]`,
	doubled + ` | [tostream]`,
	doubled + ` | error`,
	doubled + ` | try error catch tojson`,
	doubled + ` | "\(.)"`,
	doubled + ` | bsearch([.])`,
	`reduce range(60) as $i ({}; {a: ., b: .}) | del(.a.b.a)`,
	`reduce range(60) as $i ({}; {a: ., b: .}) | . * .`,
	`reduce range(60) as $i ({}; {a: ., b: .}) | getpath(["a", "b"]) | tojson`,
	`reduce range(100000) as $i (0; [.]) | tojson`,
	`reduce range(100000) as $i (0; {a: .}) | [paths]`,
	`[range(20000)] | . - [range(20000)]`,
	`[range(20000)] | contains([range(20000)])`,
	`[range(20000)] | indices([range(10000)])`,
	`[range(100000)] | sort_by(-.)`,
	`"a" * 100000 | indices("a" * 50000)`,
	`"a" * 100000 | split("") | length`,
	`"1" * 1000000 | tonumber`,
	`"[" * 1000000 | fromjson`,
	`"[" * 9000 + "]" * 9000 | fromjson | tojson`,
	`[range(50000)] as $a | [range(1e6) | $a | tojson]`,
	// Regular expressions.
	`"a" * 1000000 | test("(a*)*(a*)*(a*)*b")`,
	`"a" * 100000 | test("(.{1,30}){1,30}b")`,
	`"a" * 20000 | [match("a*b|a"; "g")] | length`,
	`"a" * 100000 | gsub("a"; "aaaaaaaaaaaaaaaa")`,
	`"a" | test("((((a{10}){10}){10}){10}){10}")`,
	`"a" | test("a{1000}" * 1000)`,
	`"a" | test("(a{1000}b{1000})" * 30)`,
	`[range(100000) | tostring | test("a\(.)")] | length`,
	`[range(100000) | tostring as $r | "a" | test($r * 100)] | length`,
}

func TestHostileTransformsEndWithinLimits(t *testing.T) {
	for _, text := range hostileTransforms {
		t.Run(text, func(t *testing.T) { requireEnds(t, "", ".payload = ("+text+")") })
	}
}

// nestedLoops gives its variable the value twice, so many loops deep.
func nestedLoops(loops int) string {
	condition := "x == x"
	for range loops {
		condition = "[[" + strings.Repeat("x, ", 7) + "x]].all(x, " + condition + ")"
	}
	return "[payload].all(x, " + condition + ")"
}

// wide has so many of a value, put together by what is between them.
func wide(times int, value, between string) string {
	return strings.TrimSuffix(strings.Repeat(value+between, times), between)
}

// grown is a list of what a value grows to in two loops.
func grown(from, more string) string {
	return "[" + from + "].map(x, " + more + ").map(x, " + more + ")"
}

var hostileFilters = []string{
	nestedLoops(2),
	nestedLoops(3),
	nestedLoops(30),
	grown("payload.many", "["+wide(1000, "x", ", ")+"]") + ".all(x, x == x)",
	grown("payload.many", "["+wide(300, "x", ", ")+"]") + ".exists(x, x in [x])",
	grown("payload.text", wide(40, "x", " + ")) + ".map(x, " + wide(40, "x", " + ") + ").size() > 0",
	grown("payload.text", wide(40, "x", " + ")) + " == []",
	grown("bytes(payload.text)", wide(40, "x", " + ")) + ".map(x, " + wide(40, "x", " + ") + ") == []",
	"[" + wide(200, "bytes(payload.text)", ", ") + "].all(x, [" + wide(200, "string(x)", ", ") + "].all(y, [" + wide(200, "bytes(y)", ", ") + "].size() > 0))",
	`payload.many.all(a, payload.many.all(b, payload.many.all(c, a + b + c >= 0)))`,
	`payload.many.all(a, payload.many.all(b, payload.many.exists_one(c, false)))`,
	`payload.many.map(a, payload.many.map(b, payload.many)) == payload.many.map(a, payload.many.map(b, payload.many))`,
	`payload.many.map(a, payload.many.map(b, payload.text + payload.text)).size() > 0`,
	`payload.many.map(a, payload.many.map(b, payload.many)).map(x, [[x], x]).map(x, [[x], x]) != []`,
	`[payload]` + strings.Repeat(`.map(x, [x, x])`, 200) + ` == [payload]` + strings.Repeat(`.map(x, [x, x])`, 200),
	`["a"]` + strings.Repeat(`.map(x, x + x)`, 200) + ` == ["b"]`,
	`[payload.text]` + strings.Repeat(`.map(x, x + x)`, 200) + ` == ["b"]`,
	`[bytes(payload.text)]` + strings.Repeat(`.map(x, x + x)`, 200) + ` == [b"b"]`,
	`[payload.many]` + strings.Repeat(`.map(x, x + x)`, 60) + `.exists(x, x in [x])`,
	`payload.many.all(x, payload.many in payload.many.map(y, payload.many))`,
	`payload.many.all(x, payload.text.matches("(a*)*(a*)*(a*)*b") == false)`,
	`payload.many.all(x, payload.many.all(y, payload.text.contains("aaaaaaaaaaab") == false))`,
	`payload.text.matches("(.{1,30}){1,30}b")`,
	`payload.text.matches("((((a{10}){10}){10}){10}){10}")`,
	`payload.text.matches("` + strings.Repeat("a{1000}", 1000) + `")`,
	`payload.text.matches(payload.text)`,
	strings.Repeat("(", 8000) + "true" + strings.Repeat(")", 8000),
	strings.Repeat("!", 16000) + "true",
	strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + " == []",
	strings.Repeat("true || ", 2000) + "true",
	strings.Repeat("payload.text + ", 1000) + `"" == ""`,
	strings.Repeat("has(payload.a) && ", 800) + `true`,
	"payload" + strings.Repeat(".a", 8000),
	strings.Repeat("a ? ", 4000) + "b",
	strings.Repeat(`{"a": `, 2000) + "1" + strings.Repeat("}", 2000) + " == {}",
	strings.Repeat("a(", 5000),
}

func TestHostileFiltersEndWithinLimits(t *testing.T) {
	for _, text := range hostileFilters {
		t.Run(fmt.Sprintf("%.100s", text), func(t *testing.T) { requireEnds(t, text, "") })
	}
}

// requireEnds compiles a pipeline and runs it. Whatever comes of it, it comes soon and
// takes little memory, and a fault is the client's.
func requireEnds(t *testing.T, filter, transform string) {
	t.Helper()
	many := make([]int, 200)
	payload, err := json.Marshal(map[string]any{"many": many, "text": strings.Repeat("a", 600)})
	require.NoError(t, err)
	in := event(string(payload))
	var compiled core.Pipeline
	requireLimits(t, func() { compiled, err = pipeline.New().Compile(filter, transform) })
	if err == nil {
		requireLimits(t, func() { _, _, err = compiled.Run(context.Background(), &in) })
	}
	if err != nil {
		require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", err)
		require.Less(t, len(err.Error()), 1000)
	}
}

func requireLimits(t *testing.T, f func()) {
	t.Helper()
	var took time.Duration
	bytes := allocated(func() { took = cpuTime(f) })
	require.Less(t, took, slack*longestRun)
	require.Less(t, bytes, int64(mostMemory))
}

// The limits grow with the event, so that a large one may be walked through.
func TestLargeEventsMayTakeMore(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat(`{"name":"a name of some length","amount":17,"tags":["a","b"]},`, 1_500)
	in := event(`{"rows":[` + strings.TrimSuffix(rows, ",") + `]}`)
	for _, transform := range []string{
		`.payload |= (tojson | fromjson | tojson | fromjson | tojson | fromjson)`,
		`.payload.rows |= map(select(.amount > 10) | .name |= ascii_upcase)`,
		`.payload.rows[].amount += 1`,
		`.payload.total = ([.payload.rows[].amount] | add)`,
		`.payload.rows |= (group_by(.name) | map({name: .[0].name, sum: map(.amount) | add}))`,
	} {
		_, passed, err := compile(t, `payload.rows.all(r, r.amount > 10)`, transform).Run(t.Context(), &in)
		require.NoError(t, err, transform)
		require.True(t, passed)
	}
}
