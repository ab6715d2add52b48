package identity_test

import (
	"context"
	"hash/crc32"
	"math/big"
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

var keyForm = regexp.MustCompile(`\Aef_(live|test)_[0-9A-Za-z]{32}([0-9A-Za-z]{6})\z`)

// checksum is the number that the end of a key says, and the one it should.
func checksum(t require.TestingT, key string) (said, want uint64) {
	// big.Int has the digits, the small letters and then the capitals.
	swapped := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a':
			return r - 'a' + 'A'
		case r >= 'A':
			return r - 'A' + 'a'
		}
		return r
	}, key[len(key)-6:])
	number, ok := new(big.Int).SetString(swapped, 62)
	require.True(t, ok)
	return number.Uint64(), uint64(crc32.ChecksumIEEE([]byte(key[:len(key)-6])))
}

// To know a key that was used a moment ago takes next to no memory: every event has its
// key known. The race detector has a pool lose some of what it keeps.
func TestAKnownKeyTakesNoMemory(t *testing.T) {
	g := newGate(t)
	_, secret := g.key()
	ctx := t.Context()
	know := func() { _, _ = g.access.Authenticate(ctx, secret) }
	know()
	require.LessOrEqual(t, testing.AllocsPerRun(1000, know), 3.0)
}

// A key names its environment, ends in its checksum, is never the same twice,
// and is kept nowhere: what people see of it gives nothing away.
func TestAKeyHasItsForm(t *testing.T) {
	t.Parallel()
	g, seen := newGate(t), map[string]bool{}
	for _, environment := range []core.Environment{core.Live, core.Test} {
		for range 200 {
			key, secret := g.key(func(spec *identity.KeySpec) { spec.Environment = environment })
			require.Regexp(t, keyForm, secret)
			require.True(t, strings.HasPrefix(secret, "ef_"+string(environment)+"_"))
			said, want := checksum(t, secret)
			require.Equal(t, want, said)
			require.Equal(t, secret[:8]+"…"+secret[42:], key.Masked)
			require.Equal(t, environment, key.Environment)
			require.False(t, seen[secret[8:40]])
			seen[secret[8:40]] = true
		}
	}
	stored, err := g.ring.Keys(t.Context(), core.ID{1}, core.KeyScan{})
	require.NoError(t, err)
	require.Len(t, stored, len(seen))
	for random := range seen {
		for _, kept := range stored {
			require.NotContains(t, string(kept.Hash[:]), random[:8])
		}
	}
}

// Whoever shows a key is who the key was made for.
func TestAKeySaysWhoShowsIt(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	key, secret := g.key(func(spec *identity.KeySpec) { spec.Streams = []core.ID{{5}, {6}} })
	require.Equal(t, core.Principal{Org: core.ID{1}, Key: key.ID, Label: "till 4", Role: core.RoleProducer, Streams: []core.ID{{5}, {6}}}, g.accepted(g.access, secret))
	require.Equal(t, g.clock.Now(), key.CreatedAt)
	g.refused(g.node(8), secret)
}

// Keys are made of what makes sense only.
func TestKeysAreMadeOfSense(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	now := g.clock.Now()
	for field, change := range map[string]func(*identity.KeySpec){
		"label":       func(spec *identity.KeySpec) { spec.Label = "" },
		"environment": func(spec *identity.KeySpec) { spec.Environment = "prod" },
		"role":        func(spec *identity.KeySpec) { spec.Role = "root" },
		"expires_at":  func(spec *identity.KeySpec) { spec.ExpiresAt = &now },
	} {
		spec := identity.KeySpec{Label: "a", Environment: core.Test, Role: core.RoleAdmin}
		change(&spec)
		_, secret, err := g.access.CreateKey(t.Context(), core.ID{1}, spec)
		coretest.RequireRefusal(t, err, core.CodeValidation, field)
		require.Empty(t, secret)
	}
	require.Zero(t, g.ring.made)
	_, err := identity.NewAccess(g.ring, g.orgs, make([]byte, identity.MinSecretBytes-1), nil, g.clock.Now)
	coretest.RequireRefusal(t, err, core.CodeValidation, "secret")
}

// A key with a wrong character anywhere, or of another length, never reaches
// the catalog; a well-formed one that nobody made does, once a second.
func TestAMistypedKeyNeverReachesTheCatalog(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, secret := g.key()
	for i := range len(secret) {
		for _, c := range "0aZ_-é\x00" {
			if mistyped := secret[:i] + string(c) + secret[i+1:]; mistyped != secret {
				g.refused(g.access, mistyped)
			}
		}
		g.refused(g.access, secret[:i])
		g.refused(g.access, secret[:i]+secret[i+1:])
	}
	for _, wrong := range []string{secret + "0", " " + secret, strings.ToUpper(secret), "ef_test_" + secret[8:], "ef_prod_" + secret[8:], strings.Repeat("0", 1<<20)} {
		g.refused(g.access, wrong)
	}
	require.Zero(t, g.ring.questions())
	elsewhere := newGate(t)
	for range 3 {
		elsewhere.refused(elsewhere.access, secret)
	}
	require.Equal(t, 1, elsewhere.ring.questions(), "that there is no such key is remembered, too")
}

// The catalog is asked about a key once a second, however often it is shown.
func TestAKeyIsAskedForOnceASecond(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, secret := g.key()
	for range 3 {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _, _ = g.access.Authenticate(context.Background(), secret) })
		}
		all.Wait()
		g.clock.Pass(time.Second - 1)
		g.accepted(g.access, secret)
		require.Equal(t, 1, g.ring.questions())
		g.clock.Pass(1)
	}
	g.clock.Pass(-time.Hour)
	g.accepted(g.access, secret)
	require.Equal(t, 1, g.ring.questions(), "a clock that is set back does not keep a key alive")
}

// A revoked key stops working at once on the node that revoked it, and on all
// others when they have forgotten it.
func TestARevokedKeyIsRefused(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	key, secret := g.key()
	other := g.node(7)
	g.accepted(g.access, secret)
	g.accepted(other, secret)
	require.Equal(t, core.CodeNotFound, core.CodeOf(g.access.RevokeKey(t.Context(), core.ID{9}, key.ID)))
	g.accepted(g.access, secret)
	require.NoError(t, g.access.RevokeKey(t.Context(), core.ID{1}, key.ID))
	g.refused(g.access, secret)
	g.clock.Pass(time.Second - 1)
	g.accepted(other, secret)
	g.clock.Pass(1)
	g.refused(other, secret)
}

// A key works until the moment it expires at, also where it is remembered.
func TestAnExpiredKeyIsRefused(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	expiry := g.clock.Now().Add(10 * time.Millisecond)
	_, secret := g.key(func(spec *identity.KeySpec) { spec.ExpiresAt = &expiry })
	g.clock.Pass(10*time.Millisecond - 1)
	g.accepted(g.access, secret)
	g.clock.Pass(1)
	g.refused(g.access, secret)
}

// A catalog that fails says nothing about a key: the client may try again, and
// the failure is not remembered.
func TestAFailingCatalogRefusesNobody(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, secret := g.key()
	g.ring.broken = coretest.ErrBroken
	_, err := g.access.Authenticate(t.Context(), secret)
	refusal := coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
	require.Positive(t, refusal.RetryAfter)
	require.NotContains(t, refusal.Message, "broken")
	g.ring.broken = nil
	g.accepted(g.access, secret)
}

// No text makes the check of a key panic, and the catalog is asked about none
// but those of the right form and checksum.
func FuzzKey(f *testing.F) {
	maker := newGate(f)
	_, live := maker.key()
	_, test := maker.key(func(spec *identity.KeySpec) { spec.Environment = core.Test })
	_, token := maker.key(func(spec *identity.KeySpec) { *spec = identity.KeySpec{Kind: core.KindServiceToken, Label: "mailer"} })
	for _, text := range []string{"", live, test, token, "svc__" + live[16:], live[:45], "ef_live_", live + test, strings.Repeat("é", 23), strings.Repeat("!", 32), strings.Repeat("!", 24), strings.Repeat("\x00", 46)} {
		f.Add(text, uint8(9), byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8, flip byte) {
		changed := []byte(live)
		changed[int(at)%len(changed)] ^= flip
		g := newGate(t)
		sealed := []string{seal(t, text), seal(t, "ef_live_"+text), seal(t, "svc_mailer_"+text), seal(t, string(changed[:len(changed)-6]))}
		for _, secret := range append(sealed, text, string(changed)) {
			g.refused(g.access, secret)
			if g.ring.questions() > 0 {
				require.True(t, keyForm.MatchString(secret) || tokenForm.MatchString(secret), secret)
				said, want := checksum(t, secret)
				require.Equal(t, want, said)
				require.True(t, flip == 0 || secret != string(changed))
			}
		}
	})
}
