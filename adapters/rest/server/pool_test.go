package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// fillUp takes one by one until somebody gets no more, and returns how many that were.
func (p *pool) fillUp(who core.Principal) (n int) {
	for p.take(who, 1, 0) == nil {
		n++
	}
	return n
}

// However many take all they can get, the next one gets something, and what is given back
// is there again.
func TestAPoolHasSomethingForTheNext(t *testing.T) {
	t.Parallel()
	p := newPool(core.ShareUploads, 1200, 1, "all taken", time.Second)
	who := func(org, key byte) core.Principal { return core.Principal{Org: core.ID{org}, Key: core.ID{org, key}} }
	require.Equal(t, 400, p.fillUp(who(1, 1)), "a key gets a third")
	require.Equal(t, 200, p.fillUp(who(1, 2))+p.fillUp(who(1, 3))+p.fillUp(who(1, 4)), "and its organization half")
	used, allowed := p.held(core.ID{1}, 0)
	require.Equal(t, []int64{600, 600}, []int64{used, allowed})
	for org := byte(2); org < 10; org++ {
		require.Positive(t, p.fillUp(who(org, 1)), "organization %d", org)
	}
	require.NoError(t, p.take(who(20, 1), 1, 0))
	err := p.take(who(1, 1), 1, 0)
	require.Equal(t, core.CodeRateLimited, core.CodeOf(err))
	require.ErrorContains(t, err, "uploads")

	p = newPool(core.ShareUploads, 10, 10, "all taken", time.Second)
	require.NoError(t, p.take(who(1, 1), 10, 0), "one request always fits while it is free")
	require.Equal(t, core.CodeUnavailable, core.CodeOf(p.take(who(2, 1), 1, 0)))
	require.Equal(t, core.CodeUnavailable, core.CodeOf(p.takeSmall(1)))
	p.give(who(1, 1), 10)
	require.Empty(t, p.orgs)
	require.Empty(t, p.keys)
	require.NoError(t, p.takeSmall(10))
	p.giveSmall(10)
	require.Equal(t, core.CodeRateLimited, core.CodeOf(p.take(who(2, 1), 10, 9)), "a bound of one's own is one more")
	require.NoError(t, p.take(who(2, 1), 10, 0))
}
