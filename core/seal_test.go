package core_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

var (
	sealNow    = []byte("the secret that the server has now")
	sealBefore = []byte("the secret that the server had before")
)

func TestASealingOpensForItsThingOnly(t *testing.T) {
	t.Parallel()
	s := core.NewSealer(sealNow, nil)
	sealed := s.Seal([]byte("whsec_1"), []byte("source 1"))
	require.NotContains(t, string(sealed), "whsec_1")

	plain, err := s.Open(sealed, []byte("source 1"))
	require.NoError(t, err)
	require.Equal(t, "whsec_1", string(plain))

	_, err = s.Open(sealed, []byte("source 2"))
	require.ErrorIs(t, err, core.ErrSealed)
	require.NotEqual(t, sealed, s.Seal([]byte("whsec_1"), []byte("source 1")), "what is sealed twice is not seen to be the same")

	empty, err := s.Open(s.Seal(nil, nil), nil)
	require.NoError(t, err)
	require.Empty(t, empty)
}

func TestAChangedSealingDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := core.NewSealer(sealNow)
	sealed := s.Seal([]byte("secret"), nil)
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := s.Open(changed, nil)
		require.ErrorIs(t, err, core.ErrSealed, "byte %d", i)
	}
	for i := range sealed {
		_, err := s.Open(sealed[:i], nil)
		require.ErrorIs(t, err, core.ErrSealed, "cut to %d", i)
	}
}

func TestAPreviousSecretOpensAndIsReplaced(t *testing.T) {
	t.Parallel()
	before := core.NewSealer(sealBefore).Seal([]byte("secret"), nil)
	both := core.NewSealer(sealNow, sealBefore)
	require.True(t, both.Stale(before))
	plain, err := both.Open(before, nil)
	require.NoError(t, err)

	now := both.Seal(plain, nil)
	require.False(t, both.Stale(now))
	after := core.NewSealer(sealNow)
	plain, err = after.Open(now, nil)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	_, err = after.Open(before, nil)
	require.ErrorIs(t, err, core.ErrSealed)
	require.False(t, after.Stale(before), "what cannot be opened cannot be made anew")
}

func TestASealerNeedsASecret(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { core.NewSealer(nil, []byte{}) })
}
