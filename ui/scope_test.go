package ui

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestTheScopeIsAQuery(t *testing.T) {
	t.Parallel()
	apply := func(s scope) (core.EventQuery, error) {
		var query core.EventQuery
		err := s.apply(&query)
		return query, err
	}
	query, err := apply(scope{kind: scopeNewest})
	require.NoError(t, err)
	require.True(t, query.Descending)
	query, err = apply(scope{scopeOffset, "7"})
	require.NoError(t, err)
	require.Equal(t, core.Offset(6), *query.After)
	query, err = apply(scope{scopeOffset, "10,000"})
	require.NoError(t, err)
	require.Equal(t, core.Offset(9_999), *query.After, "as the dashboard writes it")
	query, err = apply(scope{scopeOffset, "0"})
	require.NoError(t, err)
	require.Nil(t, query.After)
	query, err = apply(scope{scopeTime, "2026-01-02T03:04:05Z"})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), query.From.UTC())
	for _, wrong := range []scope{{scopeOffset, "-1"}, {scopeOffset, "x"}, {scopeTime, "soon"}} {
		_, err := apply(wrong)
		require.Error(t, err)
	}
}

func TestTheScopeIsInTheAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "from=oldest", "from=7", "from=2026-01-02T03%3A04%3A05.000006Z", "live=1"} {
		values, err := url.ParseQuery(address)
		require.NoError(t, err)
		written := url.Values{}
		readScope(values).write(written)
		require.Equal(t, address, written.Encode())
	}
	written := url.Values{}
	scope{scopeOffset, "10,000"}.write(written)
	require.Equal(t, "10000", written.Get("from"))
	require.Equal(t, scope{scopeOffset, "10,000"}, readScope(url.Values{"from": {"10,000"}}))
	scope{scopeTime, "2026-01-02T03:04"}.write(written)
	at, err := time.Parse(time.RFC3339, written.Get("from"))
	require.NoError(t, err, "what was typed in one's own zone is sent as the time that it is")
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local).UTC(), at)
	require.Equal(t, "2026-01-02T03:04:00", fieldTime("2026-01-02T03:04"))
	require.Equal(t, "soon", fieldTime("soon"))
}
