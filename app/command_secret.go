package app

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Make a server secret",
		Long:  "Print a new random secret for EVENTFLOW_SECRET. Give the same one to every node; with another one no API key is valid any more.",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), newSecret()) },
	}
}

func newSecret() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// keptFile returns the text of a file in the data folder, which it makes, for
// the owner's eyes only, when there is none.
func keptFile(folder, name string, text func() (string, error)) (string, error) {
	path := filepath.Join(folder, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	made, err := text()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return made, os.WriteFile(path, []byte(made+"\n"), 0o600)
}
