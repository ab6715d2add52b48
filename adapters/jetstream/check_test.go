package jetstream

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Under load a replica is a few messages behind at nearly every moment. It is missed only if it
// is so at all looks, or is far behind, or away.
func TestAReplicaIsMissedOnlyIfItStaysBehind(t *testing.T) {
	t.Parallel()
	looks := func(replicas ...string) (there int, near bool) {
		current := map[string]bool{}
		for _, text := range replicas {
			var state info
			require.NoError(t, json.Unmarshal([]byte(`{"cluster":{"replicas":[`+text+`]}}`), &state))
			there, near, _ = state.replicas(current)
		}
		return there, near
	}
	const whole, behind = `{"name":"b","current":true}`, `{"name":"c","current":false,"lag":1}`
	for _, c := range []struct {
		replicas []string
		there    int
		near     bool
	}{
		{[]string{whole + "," + `{"name":"c","current":true}`}, 3, false},
		{[]string{whole + "," + behind}, 2, true},
		{[]string{whole + "," + behind, whole + "," + behind}, 2, true},
		{[]string{whole + "," + `{"name":"c","current":true}`, whole + "," + behind}, 3, false},
		{[]string{`{"name":"b","lag":2},{"name":"c","current":true}`, whole + "," + behind}, 3, false},
		{[]string{whole + "," + `{"name":"c","current":false,"lag":20000}`}, 2, false},
		{[]string{whole + "," + `{"name":"c","current":true,"offline":true}`}, 2, false},
	} {
		there, near := looks(c.replicas...)
		require.Equal(t, c.there, there, c.replicas)
		require.Equal(t, c.near, near, c.replicas)
	}
}
