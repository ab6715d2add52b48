package app

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/spf13/cobra"
)

func secretCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "secret",
		Short: "Generate a server secret",
		Long:  "Print a new random secret for EVENTFLOW_SECRET. Give the same one to every node. Changing it invalidates every API key, unless EVENTFLOW_SECRET_PREVIOUS holds the previous one.",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), newSecret()) },
	}
}

func newSecret() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return base64.RawURLEncoding.EncodeToString(random[:])
}
