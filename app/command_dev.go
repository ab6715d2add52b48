package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// What `eventflow dev` keeps in the data folder beside the databases.
const (
	secretFile = "secret"
	devKeyFile = "dev-key"
)

// demoStream, and a group that reads it, are there from the first minute on.
const (
	demoStream = "demo"
	demoGroup  = "reader"
)

func devCommand(p *program, s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "dev",
		Short: "Start a local server with everything needed to try it out",
		Long:  "Start a server on SQLite in ./eventflow_data that listens on the loopback address only, with a test API key and a demo stream. For production, use 'eventflow serve'.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.set("addr", devAddr)
			s.set("log-level", "warn")
			s.set("log-format", "text")
			s.set("rate-key", "off")                    // who tries it out may do so as fast as they like
			s.set("allow-private-destinations", "true") // a receiver to try with is on the same machine
			s.set("public-url", "")
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			cfg.PublicURL = cmp.Or(cfg.PublicURL, devURL(cfg.Addr))
			if cfg.Secret == "" {
				cfg.Secret, err = keptFile(devFolder(cfg), secretFile, func() (string, error) { return newSecret(), nil })
				if err != nil {
					return err
				}
			}
			return serve(cmd.Context(), p, cfg, func(ctx context.Context, running *Running) error {
				return firstMinute(ctx, cmd.OutOrStdout(), cfg, running)
			})
		},
	}
}

// devFolder is where dev keeps its files: the SQLite store's folder, or the
// default one. Earlier versions took the folder's name as the URL spells it, and
// kept the secret of the data in `./dev data` in `./dev%20data`. A secret that is
// there alone stays there, because every key and session depends on it.
func devFolder(cfg Config) string {
	u, err := storeURL(cfg.Store)
	if err != nil || u.Scheme != "sqlite" {
		return defaultFolder
	}
	folder, err := sqlitefile.Folder(u)
	if err != nil { // which storeURL has refused
		return defaultFolder
	}
	if exists(folder) && !exists(folder, secretFile) && u.Opaque != "" && exists(u.Opaque, secretFile) {
		return u.Opaque
	}
	return folder
}

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}

// firstMinute makes what a first visitor needs, once, and says how to go on.
func firstMinute(ctx context.Context, out io.Writer, cfg Config, running *Running) error {
	key, err := keptFile(devFolder(cfg), devKeyFile, func() (string, error) {
		_, secret, err := running.Identity.Access.CreateKey(ctx, running.Organization.ID, identity.KeySpec{
			Label: "dev", Environment: core.Test, Role: core.RoleDeveloper,
		})
		return secret, err
	})
	if err != nil {
		return err
	}
	who, err := running.Identity.Access.Authenticate(ctx, key)
	if err != nil {
		return fmt.Errorf("the key in %s/%s is not valid in this catalog: remove the file and start again", devFolder(cfg), devKeyFile)
	}
	if err := makeDemo(ctx, running, who); err != nil {
		return err
	}
	base := "http://" + loopback(running.Addr)
	if err := saveContext(cliContext{URL: base, Key: key}); err != nil {
		return err
	}
	people, err := forPeople(ctx, cfg, running, base)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, welcome, base, people, key, demoStream, demoGroup, base, demoStream, key, base, demoStream, demoGroup, key, os.Args[0])
	return err
}

// forPeople says where the dashboard is, and how its first user gets in. Where
// there are users, they sign in.
func forPeople(ctx context.Context, cfg Config, running *Running, base string) (string, error) {
	if !cfg.Dashboard {
		return "", nil
	}
	link, err := running.Identity.Tickets.SetupLink(ctx, operatorOf(running.Organization))
	if errors.Is(err, identity.ErrSetUp) {
		return fmt.Sprintf(dashboard, base), nil
	}
	if strings.HasPrefix(link, "/") { // the port was not known before it was open
		link = base + link
	}
	return fmt.Sprintf(dashboard+firstAdmin, base, link, linkCommand(cfg, cmp.Or(cfg.PublicURL, base))), err
}

// linkCommand prints another link to the server at base, whose store and secret it
// finds as dev did.
func linkCommand(cfg Config, base string) string {
	command := os.Args[0] + " user setup-link"
	if filepath.Clean(devFolder(cfg)) != filepath.Clean(defaultFolder) {
		command += " --store " + shellWord(cfg.Store)
	}
	if base != "http://"+devAddr {
		command += " --public-url " + base
	}
	return command
}

// shellWord makes a text one word of a shell command.
func shellWord(text string) string {
	if strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("/.:_-%=,+@", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) < 0 {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(text) + `"`
}

// makeDemo makes a stream with a reader, where they are not there yet. Who has as many
// streams as an organization may have goes on without.
func makeDemo(ctx context.Context, running *Running, who core.Principal) error {
	_, err := running.Streams.Create(ctx, who, core.StreamSpec{Name: demoStream, Description: "A stream to try things with."})
	if err != nil && core.CodeOf(err) != core.CodeConflict {
		return err
	}
	_, err = running.Delivery.Groups.Create(ctx, who, demoStream, core.GroupSpec{Name: demoGroup})
	if core.CodeOf(err) == core.CodeConflict || core.IsNotFound(err) {
		return nil
	}
	return err
}

const welcome = `EventFlow is ready.

  API          %s/api/v1
%s  Test key     %s
  Demo stream  %s, read by the group %s

Send the first event:

  curl -X POST %s/api/v1/streams/%s/events \
    -H 'X-API-Key: %s' -H 'Content-Type: application/json' \
    -d '{"event_type":"greeting.sent","payload":{"text":"hello"}}'

Consume it as the group, waiting if there is nothing yet:

  curl '%s/api/v1/streams/%s/consumer-groups/%s/events?timeout=30' -H 'X-API-Key: %s'

Or prove the whole path from a second terminal: %s try
`

// What dev says of the dashboard.
const (
	dashboard  = "  Dashboard    %s\n"
	firstAdmin = "  First admin  %s\n               valid once, for 30 minutes; '%s' replaces it\n"
)

// devAddr is where dev listens, unless it is told otherwise.
const devAddr = "127.0.0.1:8080"

// devURL is where a browser on this machine finds a server that listens on addr,
// or nothing where its port is not known yet.
func devURL(addr string) string {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil || resolved.Port == 0 {
		return ""
	}
	return "http://" + loopback(resolved)
}

// loopback is a listening address as a browser on this machine writes it.
func loopback(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(strings.TrimSpace(host), port)
}

// keptFile returns the text of a file in the data folder, which it makes, for
// the owner's eyes only, when there is none.
func keptFile(folder, name string, text func() (string, error)) (string, error) {
	path := filepath.Join(folder, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), sqlitefile.MakePrivate(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	made, err := text()
	if err != nil {
		return "", err
	}
	if err := sqlitefile.MakeFolder(folder); err != nil {
		return "", err
	}
	return made, os.WriteFile(path, []byte(made+"\n"), 0o600)
}
