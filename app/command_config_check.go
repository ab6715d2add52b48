package app

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/eventflow-go/eventflow/adapters/redislimit"
	"github.com/eventflow-go/eventflow/adapters/smtp"
)

func configCheckCommand(p *program, s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "check",
		Short: "Check the settings of a server and name everything that is wrong",
		Long: "Check the settings that 'eventflow serve' would start with, OpenTelemetry's variables (OTEL_…) among them, and name everything that is wrong and not only the first of it. " +
			"Files that settings name are read; databases and other servers are not asked: 'eventflow doctor' does that. The exit code is 2 if anything is wrong.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			problems := p.problems(s, os.Environ())
			texts := make([]string, len(problems))
			for i, problem := range problems {
				texts[i] = message(problem)
			}
			if output == "json" {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"problems": texts}); err != nil {
					return err
				}
			} else {
				sayProblems(cmd, texts, len(s.origin))
			}
			if len(texts) > 0 {
				return usageError{fmt.Errorf("%s in the settings", counted(int64(len(texts)), "problem"))}
			}
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

func sayProblems(cmd *cobra.Command, texts []string, given int) {
	for _, text := range texts {
		fmt.Fprintln(cmd.OutOrStdout(), text)
	}
	if len(texts) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "The settings are good: %s given, the others have their defaults ('eventflow config' lists all).\n", counted(int64(given), "setting"))
	}
}

// problems returns all that keeps a server from starting with the settings, as far as
// the settings tell.
func (p *program) problems(s *settings, environ []string) []error {
	cfg, problems := s.read(environ)
	problems = append(problems, cfg.problems()...)
	for _, check := range []func(Config) error{
		Config.validateSecret, Config.checkCertificate, Config.checkRedis, Config.checkSMTP, p.checkStore,
	} {
		if err := check(cfg); err != nil {
			problems = append(problems, err)
		}
	}
	return append(problems, telemetryProblems(environ)...)
}

// problems returns all that validate has to say, which stops at the first. Settings
// that are wrong get their defaults, so that it goes on to what comes next; whoever
// adds a check there has it here, too.
func (c Config) problems() (all []error) {
	for range reflect.TypeFor[Config]().NumField() {
		err := c.validate()
		if err == nil {
			return all
		}
		all = append(all, err)
		setting, named := errors.AsType[*settingError](err)
		if !named {
			return all
		}
		c = c.without(setting.names)
	}
	return all
}

// without returns the settings with the defaults of some of them.
func (c Config) without(names []string) Config {
	defaults := bindConfig(pflag.NewFlagSet("", pflag.ContinueOnError)).config
	for field := range reflect.TypeFor[Config]().Fields() {
		for _, name := range names {
			if field.Tag.Get("name") == name {
				reflect.ValueOf(&c).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(*defaults).FieldByIndex(field.Index))
			}
		}
	}
	return c
}

// checkCertificate reads the files of a pair. Half a pair is told by validate.
func (c Config) checkCertificate() error {
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		return wrong("tls-cert and tls-key", err.Error())
	}
	return nil
}

// checkRedis reads the URL of Redis. It does not connect.
func (c Config) checkRedis() error {
	if c.Redis == "" {
		return nil
	}
	limiter, err := redislimit.Open(c.Redis, redislimit.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return wrong("redis", err.Error())
	}
	return limiter.Close()
}

// checkSMTP reads the URL of the mail server. It does not connect.
func (c Config) checkSMTP() error {
	if c.SMTP == "" || c.MailFrom == "" {
		return nil
	}
	mailer, err := smtp.Open(c.SMTP, c.MailFrom, slog.New(slog.DiscardHandler))
	if err != nil {
		return wrong("smtp", err.Error())
	}
	return mailer.Close()
}

// checkStore refuses a store that this build does not know. What is no URL is told by
// validate.
func (p *program) checkStore(c Config) error {
	if _, err := storeURL(c.Store); err != nil {
		return nil //nolint:nilerr // see above
	}
	_, _, err := p.opener(c)
	return err
}
