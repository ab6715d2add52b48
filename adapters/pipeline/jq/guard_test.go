package jq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/itchyny/gojq"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/adapters/pipeline/jq"
	"github.com/eventflow-go/eventflow/core"
)

func event(payload string) *core.Event {
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	return &core.Event{ID: core.RandomID(at), Type: "a", Version: 1, OccurredAt: at, ReceivedAt: at, Source: "b", Payload: json.RawMessage(payload)}
}

const payload = `{"n":3,"f":1.5,"s":"Hello World, hello","u":"é😀x","a":[3,1,2,1],"o":{"x":1,"y":{"z":[1,{"w":null}]}},"rows":[{"k":"b","v":1},{"k":"a","v":2},{"k":"b","v":3}],"big":9007199254740993,"t":true,"z":null}`

// programs use each function and each kind of syntax that a transform may have.
var programs = []string{
	`.`, `.a`, `.a[1]`, `.a[-1]`, `.a[1:3]`, `.a[:-1]`, `.s[2:5]`, `.u[1:2]`, `.s[0]`, `.a[]`, `.o[]`, `.["s"]`, `.o.y.z[1].w`, `.a["x"]?`, `.missing.x.y`,
	`.n + 1`, `.n - 1`, `.n * 2`, `.n / 2`, `.n % 2`, `-.n`, `.f * 2`, `.big + 1`, `.big * .big * .big`, `.big / 3`, `.n / 0`, `.n % 0`, `.s + "!"`, `.s * 2`, `.s * 0`, `.s / " "`,
	`.a + [9]`, `.a - [1]`, `.o * {y: {q: 1}}`, `.o + {x: 2}`, `null + 1`, `{} + 1`, `.n == 3.0`, `.a < [3, 2]`, `.o == .o`, `.s != "x"`, `.n >= 3 and (.t | not)`, `.z // "d"`, `.t or error`,
	`.n += 1`, `.n -= 1`, `.f *= 2`, `.n /= 3`, `.n %= 2`, `.z //= 5`, `.a[] += 1`, `.a[1:2] = [7, 8, 9]`, `.a[1:2] |= map(. + 1)`, `.o.y.z[3] = 1`, `.new.x[2] = 1`, `.a[0] |= empty`, `.a |= map(select(. > 1))`,
	`(.a, .rows) |= length`, `.rows[].v |= . * 2`, `.rows |= sort_by(.k)`, `.. |= .`, `.o |= with_entries(.value |= tojson)`, `del(.a)`, `del(.a[0, 2])`, `del(.a[1:])`, `del(.rows[] | select(.k == "b"))`, `del(.. | select(. == null))`,
	`to_entries`, `.rows | map({key: .k, value: .v}) | from_entries`, `with_entries(select(.key < "b"))`, `map_values(1)`, `.a | map_values(empty)`, `[.[] | type]`, `walk(if type == "number" then . + 1 else . end)`,
	`[paths]`, `[paths(type == "number")]`, `[leaf_paths]?`, `pick(.o.y)`, `[path(..)]`, `path(.a[1], .o.x)`, `getpath(["o", "y"])`, `setpath(["o", "q"]; 1)`, `delpaths([["a"], ["o", "x"]])`, `[tostream]`, `fromstream(tostream)`, `[1 | truncate_stream([[0], 1], [[1, 0], 2])]`,
	`.a | length, add, min, max, sort, unique, reverse, first, last, any, all`, `.a | nth(2)`, `[.a | limit(2; .[])]`, `[.a | skip(2; .[])]`, `first(range(10))`, `[range(3)]`, `[range(1; 9; 3)]`, `[range(5; 0; -2)]`, `last(range(5))`,
	`.rows | group_by(.k)`, `.rows | unique_by(.k)`, `.rows | min_by(.v), max_by(.v)`, `.rows | sort_by(.k, -.v)`, `[.rows[] | .k] | join("-")`, `.a | join(",")`, `.a | flatten`, `[[1, [2]], 3] | flatten(1)`, `[[1, 2], [3]] | transpose`, `.a | index(1), rindex(1), indices(1)`,
	`.s | index("l"), rindex("l"), indices("lo")`, `.a | indices([1, 2])`, `.a | contains([1])`, `.s | contains("World")`, `.o | contains({x: 1})`, `[1] | inside([1, 2])`, `.a | sort | bsearch(2)`, `has("a")`, `.a | has(1)`, `"a" | in({a: 1})`, `[.a | combinations(2)?]`, `[[1, 2], [3, 4]] | [combinations]`,
	`.s | length, utf8bytelength, ascii_downcase, ascii_upcase, explode`, `.u | length, utf8bytelength, explode`, `.u | explode | implode`, `.s | ltrimstr("Hello"), rtrimstr("hello"), trimstr("x")`, `" a " | ltrim, rtrim, trim`, `.s | startswith("He"), endswith("x")`, `.s | split(" ")`, `.s | split(", *"; null)`, `[.s | splits("o")]`,
	`.s | test("w"; "i")`, `[.s | match("l+"; "g")]`, `.s | capture("(?<first>[A-Z]\\w+)")`, `[.s | scan("[a-z]+")]`, `[.s | scan("(.)o")]`, `.s | sub("l"; "L")`, `.s | gsub("l"; "L")`, `.s | gsub("(?<c>[A-Z])"; "<\(.c)>")`, `.s | gsub(""; "-")`, `.u | gsub("."; "y")`, `[.u | match("."; "g") | .offset]`, `.s | gsub("\\b"; "|")`,
	`tojson`, `tojson | fromjson`, `tostring`, `.a | tostring`, `"1.50" | tonumber`, `"x" | tonumber`, `"true" | toboolean`, `@text`, `@json`, `@html "<\(.s)>"`, `.s | @uri`, `.s | @uri | @urid`, `.a | @csv`, `.a | @tsv`, `.a | @sh`, `.s | @base64`, `.s | @base64 | @base64d`, `"\(.n) and \(.a) \("x\(.f)")"`, `format("json")`,
	`.n | sqrt, pow(.; 2), log, exp10, floor, round, abs, fabs, significand, trunc`, `.f | floor, ceil, round, modf, frexp`, `[infinite, nan, -infinite] | map(isinfinite, isnan)`, `.n | isnormal, isfinite`, `fma(1; 2; 3), atan2(1; 2), ldexp(1; 3)`,
	`1700000000 | todate, gmtime, (gmtime | mktime), strftime("%Y %j")`, `"2026-01-31T09:30:00Z" | fromdate, strptime("%Y-%m-%dT%H:%M:%SZ")`,
	`if .n > 2 then "a" elif .n > 1 then "b" else "c" end`, `if false then 1 end`, `try error("x") catch .`, `try (1, error({a: 1}), 2) catch .a`, `[.a[] as $x | $x * 2]`, `. as {n: $x, a: [$y]} | [$x, $y]`, `.a as [$x, $y] | $x + $y`, `. as {s: $x} ?// [$x] | $x`, `[.[] as [$a] ?// $a | $a]`,
	`reduce .a[] as $x (0; . + $x)`, `[foreach .a[] as $x (0; . + $x; [$x, .])]`, `label $out | .a[] | if . == 2 then ., break $out else . end`, `def f(x): x * 2; f(.n)`, `def f($x; g): [g | . + $x]; f(1; .a[])`, `def fac: if . < 2 then 1 else . * (. - 1 | fac) end; 25 | fac`, `[recurse(if . < 5 then . + 1 else empty end)]?`, `[.n | recurse(if . < 5 then . + 1 else empty end)]`,
	`[.o | ..]`, `[.n | until(. > 100; . * 2)]`, `[.n | while(. < 100; . * 2)]`, `[limit(3; repeat(1))]`, `isempty(empty)`, `[.a[] | select(. > 1)]`, `.a | any(. > 2), all(. > 0)`, `[.[] | scalars]`, `[.[] | arrays, objects, strings, numbers, booleans, nulls, values, iterables, finites, normals]`, `INDEX(.rows[]; .k)`, `[JOIN({a: 1}; .rows[]; .k)]`, `IN(.rows[].k; "a", "c")`, `add(.a[])`, `splits("x")?`,
	`{a, "b": 1, (.s): 2, $__loc__}`, `. as $x | {$x, n}`, `{"a\(.n)": 1}`, `{(.a[] | tostring): 1}`, `[.a[], .n]`, `.a[.a[1]]`, `.rows[].k`, `.rows | map(.k) | unique | length`, `keys, keys_unsorted?`, `ascii?`, `error`, `error("x")`, `.a | error`, `getpath(["a", 0, "x"])?`, `ltrimstr(1)?`, `.a.x`, `.n[]`, `empty`, `input_line_number?`, `splits`, `tojson | .[0:10]`, `$__prog_args?`, `limit(-1; 1)`, `@foo`,
}

// The guards cost something and change nothing: a transform yields what jq yields.
func TestGuardsChangeNoResult(t *testing.T) {
	t.Parallel()
	same := 0
	for _, program := range programs {
		want, err := plain(program, payload)
		if err != nil {
			continue // refused by both
		}
		same++
		transform, err := jq.Compile(`.payload |= [limit(200; ` + program + `)]`)
		if strings.Contains(fmt.Sprint(err), "variable not defined: $__prog_args") {
			continue
		}
		require.NoError(t, err, program)
		out, err := transform.Run(t.Context(), decoded.Open(event(payload)))
		if failure, failed := want[len(want)-1].(error); failed {
			require.Error(t, err, program)
			if own, ok := errors.AsType[gojq.ValueError](failure); ok {
				if _, isText := own.Value().(string); !isText {
					continue // the text of such an error is cut
				}
			}
			require.Contains(t, err.Error(), strings.TrimPrefix(failure.Error(), "error: "), program)
			continue
		}
		require.NoError(t, err, program)
		text, err := gojq.Marshal(want[:len(want)-1])
		require.NoError(t, err)
		require.Equal(t, string(text), string(out.Payload), program)
	}
	require.Greater(t, same, 200)
}

// plain returns the results of a program as the library has them, and at the end nil or
// an error.
func plain(program, payload string) ([]any, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err
	}
	var results []any
	for iter := code.RunWithContext(context.Background(), decoded.Value(payload)); ; {
		value, more := iter.Next()
		if !more {
			return append(results, nil), nil
		}
		if results = append(results, value); isError(value) {
			return results, nil
		}
	}
}

func isError(value any) bool { _, failed := value.(error); return failed }

// refused are the functions of jq that a transform may not call: they read what is no
// part of the event, end the server's work, or take long for what they are good for.
var refused = []string{
	"builtins", "debug", "env", "halt", "halt_error", "input", "inputs", "jn", "yn", "localtime", "modulemeta", "now", "strflocaltime",
}

// A new version of the library brings no function that nobody has looked at.
func TestEveryFunctionIsBoundedOrRefused(t *testing.T) {
	t.Parallel()
	list, err := plain("builtins[]", "null")
	require.NoError(t, err)
	list = list[:len(list)-1]
	require.Greater(t, len(list), 150)
	var out []string
	for _, one := range list {
		name, arity, _ := strings.Cut(one.(string), "/")
		_, err := jq.Compile(`.payload = (` + calling(t, name, arity) + `)`)
		if err != nil && strings.Contains(err.Error(), "takes more work") {
			continue // `repeat(.)` and its like
		}
		if err != nil {
			require.Contains(t, err.Error(), "is not available here", name)
			out = append(out, name)
		}
	}
	slices.Sort(out)
	require.Equal(t, refused[:0:0], slices.DeleteFunc(slices.Clone(out), func(name string) bool { return slices.Contains(refused, name) }))
	for _, name := range refused {
		_, err := jq.Compile(`.payload = (` + calling(t, name, map[string]string{"jn": "2", "yn": "2", "strflocaltime": "1"}[name]) + `)`)
		require.ErrorContains(t, err, "transform: line 1, column 13: "+name+" is not available here")
	}
}

func calling(t *testing.T, name, arity string) string {
	t.Helper()
	if arity == "" || arity == "0" {
		return name
	}
	args, err := strconv.Atoi(arity)
	require.NoError(t, err)
	return name + "(" + strings.TrimSuffix(strings.Repeat(".; ", args), "; ") + ")"
}

// The documented limits are the real ones.
func TestStepsAreCounted(t *testing.T) {
	t.Parallel()
	transform, err := jq.Compile(`if .type == "sample" then . else .payload = last(range(.payload)) end`)
	require.NoError(t, err)
	run := func(turns string) error {
		_, err := transform.Run(t.Context(), decoded.Open(event(turns)))
		return err
	}
	require.NoError(t, run("10000"))
	err = run("100000")
	require.ErrorContains(t, err, `takes more work than one event may: at most 400000 steps, and 10 for each byte of the event`)
	for range 5 {
		require.Equal(t, err, run("100000"))
	}
}
