//go:build !js

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/require"
)

// packed reads what pack made of a program.
func packed(t *testing.T, folder string) (br, gz []byte, description string) {
	t.Helper()
	read := func(end string) []byte {
		body, err := os.ReadFile(filepath.Join(folder, "app.wasm"+end))
		require.NoError(t, err)
		return body
	}
	br, err := io.ReadAll(brotli.NewReader(bytes.NewReader(read(".br"))))
	require.NoError(t, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(read(".gz")))
	require.NoError(t, err)
	gz, err = io.ReadAll(unpacked)
	require.NoError(t, err)
	return br, gz, string(read(".txt"))
}

// TestAProgramIsPackedAgainWhenItChanges holds that nothing is done twice, and
// that neither a change nor another quality goes unnoticed.
func TestAProgramIsPackedAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	program := filepath.Join(t.TempDir(), "app.wasm")
	write := func(text string) { require.NoError(t, os.WriteFile(program, []byte(text), 0o600)) }
	write("a program")
	require.NoError(t, run([]string{program, folder, "5"}))
	br, gz, first := packed(t, folder)
	require.Equal(t, "a program", string(br))
	require.Equal(t, "a program", string(gz))

	mark := filepath.Join(folder, "app.wasm.br")
	require.NoError(t, os.WriteFile(mark, []byte("left alone"), 0o600))
	require.NoError(t, run([]string{program, folder, "5"}))
	left, err := os.ReadFile(mark)
	require.NoError(t, err)
	require.Equal(t, "left alone", string(left))

	require.NoError(t, run([]string{program, folder, "11"}))
	br, _, better := packed(t, folder)
	require.Equal(t, "a program", string(br))
	require.NotEqual(t, first, better)

	write("another program")
	require.NoError(t, run([]string{program, folder, "11"}))
	br, gz, changed := packed(t, folder)
	require.Equal(t, "another program", string(br))
	require.Equal(t, "another program", string(gz))
	require.NotEqual(t, better, changed)
}

func TestPackRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, args := range [][]string{
		nil, {"size"}, {"sizes", folder}, {"nowhere", folder, "5"}, {"main.go", folder, "12"}, {"main.go", folder, "best"},
	} {
		require.Error(t, run(args), "%q", args)
	}
}

// TestTheBudgetsHold holds that the size check can fail: by the program, by the
// rest, and where it does not know the quality.
func TestTheBudgetsHold(t *testing.T) {
	t.Parallel()
	require.NoError(t, within(2_400_000, 60_000, 5))
	require.NoError(t, within(2_050_000, 60_000, 11))
	require.ErrorContains(t, within(2_400_001, 1, 5), "its budget is 2400000")
	require.ErrorContains(t, within(2_050_001, 1, 11), "its budget is 2050000")
	require.ErrorContains(t, within(1, 60_001, 11), "the budget is 60000")
	require.ErrorContains(t, within(1, 1, 4), "quality 4")
	require.ErrorContains(t, within(0, 1, 5), "not in this build")
}
