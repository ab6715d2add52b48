package cloudevents

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SDKs that encode nothing send percent signs as they are.
func TestALonePercentSignMeansItself(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"": "", "a": "a", "100%": "100%", "%": "%", "%%": "%%", "%4": "%4", "50% off": "50% off", "%zz%41": "%zzA", "%4g": "%4g",
		"%25": "%", "%2525": "%25", "%%41": "%A", "Euro%20%E2%82%AC": "Euro €", `"100%"`: "100%",
	} {
		text, err := headerText("ext", value)
		require.NoError(t, err, value)
		require.Equal(t, want, text, value)
	}
}
