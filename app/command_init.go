package app

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func initCommand(p *program, s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Make what a store needs before its first use", Args: cobra.NoArgs,
		Long: "Make what the store of the settings needs before its first use, and say what was made and what was there. On nats: these are the streams of JetStream: " +
			"a server never makes them, because one that is missing may have been lost. Running it again changes nothing. Stores in a database or a folder need nothing: a server makes their tables.",
		Example: "  EVENTFLOW_STORE='nats://a:4222,b:4222,c:4222?partitions=8&replicas=3' eventflow init",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			_, u, err := p.opener(cfg)
			if err != nil {
				return err
			}
			start := p.inits[u.Scheme]
			if start == nil {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "a %s: store needs nothing: the server makes what is missing\n", u.Scheme)
				return err
			}
			return start(cmd.Context(), u, func(text string) { fmt.Fprintln(cmd.OutOrStdout(), text) })
		},
	}
}
