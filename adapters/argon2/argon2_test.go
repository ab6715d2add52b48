package argon2

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPasswordFitsItsHashOnly(t *testing.T) {
	t.Parallel()
	h := New(2)
	ctx := context.Background()
	hash, err := h.Hash(ctx, "Correct-Horse-1", "")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	again, err := h.Hash(ctx, "Correct-Horse-1", "")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each has a salt of its own")
	for password, fits := range map[string]bool{"Correct-Horse-1": true, "correct-horse-1": false, "": false, "Correct-Horse-1!": false} {
		got, err := fitsOne(ctx, h, hash, password)
		require.NoError(t, err)
		require.Equal(t, fits, got, password)
	}
	got, err := fitsOne(ctx, h, "", "")
	require.NoError(t, err)
	require.False(t, got, "an account without a password takes none")
}

func TestADamagedHashIsAnError(t *testing.T) {
	t.Parallel()
	h := New(1)
	for _, hash := range []string{"x", "$2a$10$abc", "$argon2id$v=18$m=1,t=1,p=1$AA$AA", "$argon2id$v=19$m=1,t=0,p=1$AA$AA", "$argon2id$v=19$m=8,t=1,p=1$!$AA", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"} {
		_, err := fitsOne(context.Background(), h, hash, "x")
		require.Error(t, err, hash)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	h.slots <- struct{}{}
	_, err := h.Hash(ended, "x", "")
	require.ErrorIs(t, err, context.Canceled, "who waits does not wait for ever")
}

// An account that does not exist or has no password costs a hash like any, and
// one as dear as those that are made.
func TestAMissingPasswordCostsAHash(t *testing.T) {
	t.Parallel()
	h := New(1)
	made, err := h.Hash(context.Background(), "Correct-Horse-1", "")
	require.NoError(t, err)
	dear, _, err := parse(made)
	require.NoError(t, err)
	missing, _, err := parse(h.dummy)
	require.NoError(t, err)
	require.Equal(t, dear, missing)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	h.slots <- struct{}{} // whoever computes a hash now waits, and has no time to
	for _, hash := range []string{made, ""} {
		_, err := fitsOne(ended, h, hash, "x")
		require.ErrorIs(t, err, context.Canceled, "no hash is computed for %q", hash)
	}
}

// A password is the same on every keyboard, and what an earlier version hashed as it
// was typed still fits.
func TestAPasswordIsTheSameHoweverItIsSpelt(t *testing.T) {
	t.Parallel()
	const composed, apart = "Gr\u00fc\u00dfe-aus-K\u00f6ln-9", "Gru\u0308\u00dfe-aus-Ko\u0308ln-9"
	h := New(2)
	for _, set := range []string{composed, apart} {
		hash, err := h.Hash(t.Context(), set, "")
		require.NoError(t, err)
		salt := make([]byte, saltLen)
		key, err := h.key(t.Context(), set, salt, costs{memory, passes, threads})
		require.NoError(t, err)
		for _, stored := range []string{hash, encode(salt, key, costs{memory, passes, threads})} {
			for _, typed := range []string{composed, apart} {
				good, err := fitsOne(t.Context(), h, stored, typed)
				require.NoError(t, err)
				require.True(t, good, "%q set, %q typed", set, typed)
			}
			good, err := fitsOne(t.Context(), h, stored, "Grusse-aus-Koln-9")
			require.NoError(t, err)
			require.False(t, good)
		}
	}
}

// fitsOne reports whether a password is that of one hash.
func fitsOne(ctx context.Context, h *Hasher, hash, password string) (bool, error) {
	matches, err := h.Match(ctx, []string{hash}, password)
	if err != nil {
		return false, err
	}
	return matches[0], nil
}

// Accounts of one address have one salt. So a password is computed once for all of
// them, and the time does not tell how many there are.
func TestHashesOfOneSaltAreComputedOnce(t *testing.T) {
	t.Parallel()
	h := New(1)
	first, err := h.Hash(t.Context(), "Correct-Horse-1", "")
	require.NoError(t, err)
	same, err := h.Hash(t.Context(), "Correct-Horse-1", first)
	require.NoError(t, err)
	require.Equal(t, first, same)
	second, err := h.Hash(t.Context(), "Another-Horse-2", first)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	third, err := h.Hash(t.Context(), "Correct-Horse-1", "")
	require.NoError(t, err)
	matches, err := h.Match(t.Context(), []string{second, first, "", same, third}, "Correct-Horse-1")
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, false, true, true}, matches, "whatever their salts are")
	for _, hashes := range [][]string{nil, {""}, {first}, {first, second, ""}} {
		require.Equal(t, 1, computed(t, h, hashes), "%q", hashes)
	}
	require.Equal(t, 2, computed(t, h, []string{first, third}))
	_, err = h.Hash(t.Context(), "x", "damaged")
	require.Error(t, err)
}

// computed returns how many hashes a match computes.
func computed(t *testing.T, h *Hasher, hashes []string) (n int) {
	t.Helper()
	counted := &Hasher{slots: make(chan struct{}), dummy: h.dummy} // a hash that is made waits until it is counted
	done := make(chan error, 1)
	go func() {
		_, err := counted.Match(t.Context(), hashes, "Wrong-Horse-3")
		done <- err
	}()
	for {
		select {
		case <-counted.slots:
			n++
			counted.slots <- struct{}{} // which ends it
		case err := <-done:
			require.NoError(t, err)
			return n
		}
	}
}
