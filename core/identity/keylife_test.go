package identity_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

var tokenForm = regexp.MustCompile(`\Asvc_[a-z0-9-]{1,40}_[0-9A-Za-z]{30}\z`)

// grace is a grace period.
func grace(d time.Duration) *core.Seconds {
	s := core.Seconds(d)
	return &s
}

// A service token names its service, ends in its checksum and is never the same
// twice; what people see of it gives nothing away. One that is mistyped never
// reaches the catalog.
func TestAServiceTokenHasItsForm(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	seen := map[string]bool{}
	for _, name := range []string{"a", "7", "mail-er2", strings.Repeat("x", 40)} {
		for range 20 {
			token, secret := g.key(func(spec *identity.KeySpec) {
				*spec = identity.KeySpec{Kind: core.KindServiceToken, Label: name}
			})
			require.Regexp(t, tokenForm, secret)
			said, want := checksum(t, secret)
			require.Equal(t, want, said)
			random, found := strings.CutPrefix(secret, "svc_"+name+"_")
			require.True(t, found)
			require.False(t, seen[random])
			seen[random] = true
			require.Equal(t, "svc_"+name+"_…"+secret[len(secret)-4:], token.Masked)
			require.Equal(t, core.RoleConsumer, g.accepted(g.access, secret).Role)
		}
	}
	for _, name := range []string{"", "-a", "a-", "A", "a_b", "a b", "ä", "a.b", strings.Repeat("x", 41), "svc_", "\x00"} {
		_, secret, err := g.access.CreateKey(t.Context(), core.ID{1}, identity.KeySpec{Kind: core.KindServiceToken, Label: name})
		coretest.RequireRefusal(t, err, core.CodeValidation, "label")
		require.Empty(t, secret)
	}
	_, secret := g.key(func(spec *identity.KeySpec) { *spec = identity.KeySpec{Kind: core.KindServiceToken, Label: "mail-er"} })
	g.ring.questions()
	for i := range len(secret) {
		for _, c := range "0aZ_-é\x00" {
			if mistyped := secret[:i] + string(c) + secret[i+1:]; mistyped != secret {
				g.refused(g.access, mistyped)
			}
		}
		g.refused(g.access, secret[:i])
		g.refused(g.access, secret[:i]+secret[i+1:])
	}
	require.Zero(t, g.ring.questions())
}

// After a rotation both secrets are good until the grace period is over, on all
// nodes, and the new one from then on.
func TestARotatedKeyHasTwoSecretsForAWhile(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, other := person(5, core.RoleDeveloper), c.node(7)
	for _, kind := range []core.KeyKind{core.KindAPIKey, core.KindServiceToken} {
		for asked, period := range map[*core.Seconds]time.Duration{nil: identity.DefaultKeyGrace, grace(identity.MaxKeyGrace): identity.MaxKeyGrace, grace(time.Second): time.Second} {
			key, old := c.make(ann, kind)
			c.accepted(other, old)
			rotated, fresh, err := c.keys.Rotate(t.Context(), ann, kind, key.ID.String(), asked)
			require.NoError(t, err)
			require.NotEqual(t, old, fresh)
			require.Equal(t, c.clock.Now(), *rotated.RotatedAt)
			require.Equal(t, c.clock.Now().Add(period), *rotated.PreviousValidUntil)
			require.NotEqual(t, key.Masked, rotated.Masked)
			for _, node := range []*identity.Access{c.access, other} {
				require.Equal(t, c.accepted(node, old), c.accepted(node, fresh), "they are the same key")
			}
			c.clock.Pass(period - 1)
			c.accepted(other, old)
			c.clock.Pass(1)
			for _, node := range []*identity.Access{c.access, other} {
				c.refused(node, old)
				c.accepted(node, fresh)
			}
		}
	}
}

// A rotation without grace makes the old secret void at once, and on other nodes
// within two seconds; a second rotation does so to the one before the last.
func TestARotationEndsOlderSecrets(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, other := person(5, core.RoleDeveloper), c.node(7)
	key, first := c.make(ann, core.KindAPIKey)
	c.accepted(other, first)
	_, second, err := c.keys.Rotate(t.Context(), ann, core.KindAPIKey, key.ID.String(), grace(0))
	require.NoError(t, err)
	c.refused(c.access, first)
	c.accepted(other, second)
	c.clock.Pass(2 * time.Second)
	c.refused(other, first)
	_, third, err := c.keys.Rotate(t.Context(), ann, core.KindAPIKey, key.ID.String(), nil)
	require.NoError(t, err)
	_, fourth, err := c.keys.Rotate(t.Context(), ann, core.KindAPIKey, key.ID.String(), nil)
	require.NoError(t, err)
	c.refused(c.access, second)
	c.accepted(c.access, third)
	c.accepted(c.access, fourth)
	require.NoError(t, c.keys.Revoke(t.Context(), ann, core.KindAPIKey, key.ID.String(), false))
	c.clock.Pass(2 * time.Second)
	for _, node := range []*identity.Access{c.access, other} {
		for _, secret := range []string{first, second, third, fourth} {
			c.refused(node, secret)
		}
	}
}

// A revoked credential is refused everywhere two seconds later, whichever node
// revoked it, and revoking it again changes nothing.
func TestARevocationReachesEveryNode(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, other := person(5, core.RoleDeveloper), c.node(7)
	key, secret := c.make(ann, core.KindServiceToken)
	c.accepted(c.access, secret)
	c.accepted(other, secret)
	for range 2 {
		require.NoError(t, c.keys.Revoke(t.Context(), ann, core.KindServiceToken, key.ID.String(), false))
		c.refused(c.access, secret)
		c.clock.Pass(2 * time.Second)
		c.refused(other, secret)
	}
}

// What cannot be rotated is not, and keeps its secret.
func TestSomeRotationsAreRefused(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, admin := person(5, core.RoleDeveloper), person(5, core.RoleAdmin)
	rotate := func(who core.Principal, key core.APIKey, period *core.Seconds) error {
		_, secret, err := c.keys.Rotate(t.Context(), who, core.KindAPIKey, key.ID.String(), period)
		require.Equal(t, err != nil, secret == "")
		return err
	}
	key, secret := c.make(ann, core.KindAPIKey)
	for _, period := range []time.Duration{-time.Microsecond, identity.MaxKeyGrace + time.Microsecond} {
		coretest.RequireRefusal(t, rotate(ann, key, grace(period)), core.CodeValidation, "grace")
	}
	c.accepted(c.access, secret)

	powerful, _ := c.make(admin, core.KindAPIKey, ofRole(core.RoleAdmin))
	require.Equal(t, core.CodeForbidden, core.CodeOf(rotate(ann, powerful, nil)), "who was an admin when they made it")
	wide, _ := c.make(machine(7, core.RoleDeveloper), core.KindAPIKey)
	require.Equal(t, core.CodeForbidden, core.CodeOf(rotate(machine(7, core.RoleDeveloper, c.orders), wide, nil)), "who was not narrowed when they made it")
	require.NoError(t, rotate(admin, powerful, nil))

	expiry := c.clock.Now().Add(time.Minute)
	short, _ := c.make(ann, core.KindAPIKey, func(r *core.KeyRequest) { r.ExpiresAt = &core.Time{Time: expiry} })
	c.clock.Pass(time.Minute)
	const over = "CONFLICT: this API key has expired or was revoked: make another one"
	require.EqualError(t, rotate(ann, short, nil), over)
	require.NoError(t, c.keys.Revoke(t.Context(), ann, core.KindAPIKey, key.ID.String(), false))
	require.EqualError(t, rotate(ann, key, nil), over)
	c.refused(c.access, secret)
}

// Of many that rotate a key at once, those that come too late are told so, and
// every secret that was answered is good.
func TestRotationsAtOnceDoNotLoseSecrets(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann := person(5, core.RoleDeveloper)
	key, old := c.make(ann, core.KindAPIKey)
	secrets := make(chan string, 10)
	var all sync.WaitGroup
	for range cap(secrets) {
		all.Go(func() {
			_, secret, err := c.keys.Rotate(context.Background(), ann, core.KindAPIKey, key.ID.String(), nil)
			if err == nil {
				secrets <- secret
				return
			}
			if core.CodeOf(err) != core.CodeConflict {
				t.Errorf("a rotation that comes too late: %v", err)
			}
		})
	}
	all.Wait()
	close(secrets)
	made := []string{old}
	for secret := range secrets {
		made = append(made, secret)
	}
	good := 0
	for _, secret := range made {
		if _, err := c.access.Authenticate(t.Context(), secret); err == nil {
			good++
		}
	}
	require.GreaterOrEqual(t, len(made), 2)
	require.Equal(t, 2, good, "the latest and the one before it")
}

// The use of a key is noted once a minute, and never while a request waits.
func TestTheUseOfAKeyIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	key, secret := g.key()
	_, idle := g.key()
	other := g.node(7)
	used := g.clock.Now()
	for range 30 {
		g.accepted(g.access, secret)
		g.clock.Pass(time.Second)
	}
	require.Empty(t, g.ring.writes)
	for range 29 {
		for _, node := range []*identity.Access{g.access, other} {
			g.accepted(node, secret)
			require.NoError(t, node.WriteUsage(t.Context()))
		}
		g.clock.Pass(time.Second)
	}
	require.Equal(t, []map[core.ID]time.Time{{key.ID: used}}, g.ring.writes, "the other node sees what this one noted")
	g.clock.Pass(time.Second)
	g.accepted(g.access, secret)
	g.accepted(g.access, idle)
	g.refused(g.access, idle[:45])
	require.Len(t, g.ring.writes, 1)
	require.NoError(t, g.access.WriteUsage(t.Context()))
	require.Len(t, g.ring.writes[1], 2)
	require.Equal(t, g.clock.Now(), g.ring.writes[1][key.ID])
	require.NoError(t, g.access.RevokeKey(t.Context(), core.ID{1}, key.ID), "which makes this node forget what it knows")
	g.accepted(g.access, idle)
	require.NoError(t, g.access.WriteUsage(t.Context()))
	require.Len(t, g.ring.writes, 2)
}

// A use that could not be written is written later, and Run writes what there is
// when it ends.
func TestNoUseOfAKeyIsLost(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	key, secret := g.key()
	first := g.clock.Now()
	g.accepted(g.access, secret)
	g.ring.broken = coretest.ErrBroken
	require.ErrorIs(t, g.access.WriteUsage(t.Context()), coretest.ErrBroken)
	g.ring.broken = nil
	ended, end := context.WithCancel(t.Context())
	end()
	g.access.Run(ended, nil)
	require.Equal(t, []map[core.ID]time.Time{{key.ID: first}}, g.ring.writes)
	g.clock.Pass(time.Hour)
	g.accepted(g.access, secret)
	g.ring.broken = coretest.ErrBroken
	require.Error(t, g.access.WriteUsage(t.Context()))
	g.ring.broken = nil
	g.clock.Pass(time.Hour)
	g.accepted(g.access, secret)
	require.NoError(t, g.access.WriteUsage(t.Context()))
	require.Equal(t, map[core.ID]time.Time{key.ID: g.clock.Now()}, g.ring.writes[1], "the latest of two is written")
}
