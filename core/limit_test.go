package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestALimitIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]core.Limit{
		"1000/100": {PerMinute: 1000, Burst: 100}, "1/1": {PerMinute: 1, Burst: 1},
		"1000000/1000000": {PerMinute: core.MaxLimit, Burst: core.MaxLimit}, "off": {},
	} {
		got, err := core.ParseLimit(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{
		"", "0", "1000", "1000/", "/100", "0/100", "100/0", "-1/5", "+1/5", "1/5/5", "1.5/2", " 1/5", "1/5 ", "Off", "1000001/1", "1/1000001", "99999999999999999999/1",
	} {
		_, err := core.ParseLimit(text)
		require.EqualError(t, err, "must be requests per minute and at once, each 1 to 1000000, like 1000/100, or off", text)
	}
}

// TestAnIntervalNeverLetsMoreThroughThanTheLimit holds how it is rounded.
func TestAnIntervalNeverLetsMoreThroughThanTheLimit(t *testing.T) {
	t.Parallel()
	for perMinute := 1; perMinute <= core.MaxLimit; perMinute = perMinute*5/4 + 1 {
		interval := core.Limit{PerMinute: perMinute, Burst: 1}.Interval()
		require.Zero(t, interval%time.Microsecond)
		require.GreaterOrEqual(t, interval*time.Duration(perMinute), time.Minute)
		require.Less(t, (interval-time.Microsecond)*time.Duration(perMinute), time.Minute)
	}
	require.Equal(t, 60*time.Millisecond, core.Limit{PerMinute: 1000, Burst: 100}.Interval())
}

// TestARateIsReadAsItIsWritten holds the form in which people write rates.
func TestARateIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for text, rate := range map[string]core.Rate{
		"default": {}, "6000/200": {PerMinute: 6000, PerSecond: 200}, "1/1000000": {PerMinute: 1, PerSecond: core.MaxLimit},
	} {
		got, err := core.ParseRate(text)
		require.NoError(t, err)
		require.Equal(t, rate, got)
		require.Equal(t, text, got.String())
	}
	require.Equal(t, "600/60", core.Rate{PerMinute: 600}.String(), "as it is enforced")
	for _, text := range []string{"", "off", "6000", "0/1", "1/0", "-1/5", "1000001/1", "a/b", "Default"} {
		_, err := core.ParseRate(text)
		require.EqualError(t, err, "must be requests per minute and at once, each 1 to 1000000, like 6000/200, or default", text)
	}
}
