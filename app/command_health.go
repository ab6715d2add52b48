package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

func healthCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the server on this machine whether it can serve",
		Long: "Ask /readyz of the server that the settings describe (addr, tls-cert), and print what it says of itself. " +
			"The exit code is 0 if it can serve, 1 if it cannot, and 7 if nothing answers. A container or a service manager checks its health with this command.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			target, err := readyURL(cfg)
			if err != nil {
				return err
			}
			found, err := askHealth(cmd.Context(), target)
			if err != nil {
				return unreachableError{fmt.Errorf("no server answers: %w. Start one with 'eventflow serve', or name its address with --addr", err)}
			}
			return tellHealth(cmd.OutOrStdout(), found)
		},
	}
}

// readyURL is where the server of the settings answers whether it can serve.
func readyURL(cfg Config) (string, error) {
	listens, err := net.ResolveTCPAddr("tcp", cfg.Addr)
	if err != nil {
		return "", wrong("addr", "is no address of this machine: "+err.Error())
	}
	if listens.Port == 0 {
		return "", wrong("addr", "has port 0, which stands for any free port: name the one that the server's log tells")
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + loopback(listens) + "/readyz", nil
}

// healthPatience is longer than a server takes to look at what it depends on.
const healthPatience = checkTimeout + 2*time.Second

// askHealth asks a server on this machine, past any proxy. Its certificate is made
// for the name that its clients use, so that it is not compared with the address.
func askHealth(ctx context.Context, target string) (found rest.Health, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return found, err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above; nothing secret is sent
	}}
	response, err := client.Do(request)
	if err != nil {
		return found, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&found); err != nil || found.Status == "" {
		return found, fmt.Errorf("%s is not answered by EventFlow (status %d)", target, response.StatusCode)
	}
	return found, nil
}

// tellHealth prints the state of everything that a server depends on. A server that
// should get no requests is an error that names the reasons.
func tellHealth(out io.Writer, found rest.Health) error {
	var reasons []string
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "server\t%s\n", found.Status)
	for _, name := range slices.Sorted(maps.Keys(found.Checks)) {
		check := found.Checks[name]
		fmt.Fprintln(table, strings.TrimRight(name+"\t"+check.Status+"\t"+check.Message, "\t"))
		if check.Status == rest.StatusUnavailable {
			reasons = append(reasons, strings.TrimRight(name+": "+check.Message, ": "))
		}
	}
	if err := table.Flush(); err != nil || found.Status != rest.StatusUnavailable {
		return err
	}
	return errors.New("the server cannot serve: " + strings.Join(reasons, "; "))
}
