package ui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "−1,234"} {
		require.Equal(t, want, count(n))
	}
	require.Equal(t, "1 event", plural(1, "event"))
	require.Equal(t, "2,000 events", plural(2000, "event"))
	for d, want := range map[time.Duration]string{
		3 * time.Millisecond: "3 ms", 42 * time.Second: "42 s", 90 * time.Second: "1 min", 5 * time.Hour: "5 h", 49 * time.Hour: "2 d",
	} {
		require.Equal(t, want, span(d))
	}
	now := time.Now()
	require.Equal(t, "just now", ago(now.Add(-500*time.Millisecond), now))
	require.Equal(t, "5 s ago", ago(now.Add(-5*time.Second), now))
	require.Equal(t, "in 2 h", ago(now.Add(2*time.Hour), now))
	for perSecond, want := range map[float64]string{0: "0/s", 0.25: "0.3/s", 9.94: "9.9/s", 1234.4: "1,234/s"} {
		require.Equal(t, want, rate(perSecond))
	}
	for n, want := range map[int]string{12: "12 B", 1536: "1.5 KiB", 3 << 20: "3.0 MiB"} {
		require.Equal(t, want, size(n))
	}
	require.Equal(t, `'it'\''s'`, quote("it's"))
	for _, n := range []int64{0, 999, 1000, 1_234_567} {
		read, ok := parseCount(count(n))
		require.True(t, ok, n)
		require.Equal(t, n, read)
	}
	for _, wrong := range []string{"", "x", "-1", "1,0", "1,,000", "10,000.5", ","} {
		_, ok := parseCount(wrong)
		require.False(t, ok, wrong)
	}
}

func TestBrowsersAreNamed(t *testing.T) {
	t.Parallel()
	for agent, name := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36":                           "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0":                                                                    "Firefox on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Go-http-client/1.1": "Go-http-client/1.1",
		"":                   "",
	} {
		require.Equal(t, name, browserName(agent))
	}
}
