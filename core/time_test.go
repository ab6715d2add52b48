package core_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestTimesAreReadAsRFC3339HasThem(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-01-31T12:00:00Z":             noon,
		"2026-01-31t12:00:00z":             noon,
		"2026-01-31T12:00:00+00:00":        noon,
		"2026-01-31T12:00:00-00:00":        noon,
		"2026-01-31T17:30:00+05:30":        noon,
		"2026-01-30T12:01:00-23:59":        noon,
		"2026-01-31T12:00:00.5Z":           noon.Add(500 * time.Millisecond),
		"2026-01-31T12:00:00.123456789Z":   noon.Add(123456789),
		"2026-01-31T12:00:00.1234567899z":  noon.Add(123456789),
		"2024-02-29T00:00:00Z":             time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"2016-12-31T23:59:60Z":             time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"2016-12-31T15:59:60.25-08:00":     time.Date(2017, 1, 1, 0, 0, 0, 250_000_000, time.UTC),
		"0000-01-01T00:00:00Z":             time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999-23:59": time.Date(10000, 1, 1, 23, 58, 59, 999_999_000, time.UTC),
	} {
		got, ok := core.ParseTime(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
		var read core.Time
		require.NoError(t, json.Unmarshal([]byte(`"`+text+`"`), &read), text)
		require.Equal(t, want, read.Time, text)
	}
}

func TestWhatIsNoTimeIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T9:30:00Z", "2026-01-31T12:00Z", "2026-01-31T12:00:00.Z",
		"2026-01-31T12:00:00,5Z", "2026-02-30T12:00:00Z", "2026-02-29T12:00:00Z", "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-00T12:00:00Z",
		"2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z", "2026-01-31T12:00:60Z", "2026-01-31T23:59:60+01:00",
		"2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+05:60", "2026-01-31T12:00:00+0530", "2026-01-31T12:00:00+05", "2026-01-31T12:00:00ZZ",
		" 2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z ", "+026-01-31T12:00:00Z", "２026-01-31T12:00:00Z", "1769860800",
	} {
		_, ok := core.ParseTime(text)
		require.False(t, ok, text)
		var read core.Time
		require.Error(t, json.Unmarshal([]byte(`"`+text+`"`), &read), text)
	}
	for _, text := range []string{"null", "17", "{}", `["2026-01-31T12:00:00Z"]`} {
		var read core.Time
		require.Error(t, read.UnmarshalJSON([]byte(text)), text)
	}
}

// What package time reads strictly, ParseTime reads as well, and the same.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2026-01-31T12:00:00.5+05:30", "2016-12-31T23:59:60Z", "2024-02-29t00:00:00z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := core.ParseTime(text)
		var strict time.Time
		if strict.UnmarshalText([]byte(text)) == nil {
			require.True(t, ok)
			require.True(t, strict.Equal(got), "%v %v", strict, got)
		}
	})
}
