package decoded_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// standard decodes as encoding/json does, with numbers as Value has them.
func standard(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return ints(value), err
}

func ints(value any) any {
	switch value := value.(type) {
	case json.Number:
		if i, err := strconv.Atoi(string(value)); err == nil && len(value) < 20 && value != "-0" {
			return i
		}
	case []any:
		for i := range value {
			value[i] = ints(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = ints(value[key])
		}
	}
	return value
}

func value() *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(),
		rapid.StringN(0, 12, -1).AsAny(), rapid.StringMatching(`["\\/\n\t\x01é😀<>&]{0,6}`).AsAny(),
	)
	nested := rapid.OneOf(rapid.SliceOfN(scalar, 0, 4).AsAny(), rapid.MapOfN(rapid.StringN(0, 6, -1), scalar, 0, 4).AsAny())
	return rapid.OneOf(scalar, nested, rapid.SliceOfN(nested, 0, 4).AsAny(), rapid.MapOfN(rapid.StringN(0, 6, -1), nested, 0, 4).AsAny())
}

func TestValueReadsWhatWasStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(value().Draw(t, "value"))
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "spaces") {
			var spaced bytes.Buffer
			require.NoError(t, json.Indent(&spaced, text, " ", "\t"))
			text = spaced.Bytes()
		}
		want, err := standard(text)
		require.NoError(t, err)
		require.Equal(t, want, decoded.Value(string(text)))
	})
}

func TestValueKeepsNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"0": 0, "-1": -1, "9007199254740993": 9007199254740993, "9223372036854775807": 9223372036854775807, "-0": json.Number("-0"),
		"9223372036854775808": json.Number("9223372036854775808"), "1.10": json.Number("1.10"), "1e3": json.Number("1e3"), "1E-3": json.Number("1E-3"),
	} {
		require.Equal(t, want, decoded.Value(text))
		require.Equal(t, []any{want}, decoded.Value("[ "+text+" ]"))
	}
}

func FuzzValue(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",null,true]}`, `[`, `{"a"`, `"\u12`, `"\ud800`, `{]`, `}`, ``, `[1 2]`, strings.Repeat("[", 3000)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := decoded.Value(string(text))
		if eventjson.ValidJSON(text) != nil {
			return
		}
		want, err := standard(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func BenchmarkValue(b *testing.B) {
	text := `{"rows":[` + strings.TrimSuffix(strings.Repeat(`{"name":"a name of some length","amount":17.5,"tags":["a","b"]},`, 16), ",") + `]}`
	b.Run("value", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			decoded.Value(text)
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := standard([]byte(text)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
