package app

import (
	"context"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/adapters/kafka"
	"github.com/eventflow-go/eventflow/adapters/logsink"
	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/adapters/mirror"
	"github.com/eventflow-go/eventflow/adapters/objectstore"
	"github.com/eventflow-go/eventflow/adapters/otel"
	"github.com/eventflow-go/eventflow/adapters/pipeline"
	"github.com/eventflow-go/eventflow/adapters/smtp"
	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/process"
)

// connectors are the destinations of this server, beside other streams. What people
// name as a destination is dialled in one way, which goes to nobody's internal network.
func (p *program) connectors(c Config, logger *slog.Logger) map[string]core.Connector {
	rules := reach.Options{AllowPrivate: c.AllowPrivateDestinations}
	dial := reach.New(rules).Dial
	all := map[string]core.Connector{
		kafka.Type:       kafka.New(kafka.Options{Dial: dial, Judge: rules.Check}),
		mirror.Type:      mirror.New(mirror.Options{Dial: dial, Judge: rules.Check}),
		logsink.Type:     logsink.New(logsink.Options{Logger: logger}),
		objectstore.Type: objectstore.New(objectstore.Options{Dial: dial, Judge: rules.Check}),
		webhook.Type:     webhook.New(webhook.Options{AllowPrivate: c.AllowPrivateDestinations}),
	}
	for kind, open := range p.destinations {
		all[kind] = open(Outside{Dial: dial, Judge: rules.Check, Logger: logger})
	}
	return all
}

// feeds are the systems that sources can fetch from. They are dialled as destinations are.
func (c Config) feeds() map[core.Preset]core.FeedConnector {
	rules := reach.Options{AllowPrivate: c.AllowPrivateDestinations}
	return map[core.Preset]core.FeedConnector{
		core.PresetKafka: kafka.NewFeeds(kafka.Options{Dial: reach.New(rules).Dial, Judge: rules.Check}),
	}
}

func newProcessing(
	prog *program, cfg Config, p ports, t *otel.Telemetry, streams *eventlog.Streams, ingest *eventlog.Ingest, d *deliver.UseCases,
	m *metrics.Metrics, post mailer,
) *process.UseCases {
	return process.New(process.Ports{
		Store: p.Catalog, Definitions: p.Catalog, Groups: d.Groups, Workers: d.Workers, Letters: d.Letters, Streams: streams, Ingest: ingest,
		Log: p.Log, Compiler: pipeline.New(), Connectors: prog.connectors(cfg, p.Logger),
		Sealer: core.NewSealer([]byte(cfg.Secret), []byte(cfg.SecretPrevious)), Authorizer: p.Authorizer, Record: p.Record,
		DisableAfter: cfg.ProcessorDisableAfter, Disabled: post.disabled(cfg, p.Catalog, p.Logger), Watch: t.Sink, Observe: m.Processed,
		Logger: p.Logger, Now: p.Now,
	})
}

// mailer sends mail, if the settings say how. Otherwise the port in it is nil.
type mailer struct{ core.Mailer }

func newMailer(lc fx.Lifecycle, cfg Config, logger *slog.Logger) (mailer, error) {
	if cfg.SMTP == "" {
		return mailer{}, nil
	}
	opened, err := smtp.Open(cfg.SMTP, cfg.MailFrom, logger)
	if err != nil {
		return mailer{}, wrong("smtp", err.Error())
	}
	lc.Append(fx.StopHook(opened.Close))
	return mailer{opened}, nil
}

// disabled tells the admins of an organization that one of its processors was stopped.
func (m mailer) disabled(cfg Config, users core.UserReader, logger *slog.Logger) func(context.Context, core.Processor) {
	if m.Mailer == nil {
		return nil
	}
	return func(ctx context.Context, p core.Processor) {
		subject := fmt.Sprintf("The processor %s was disabled", p.Name)
		text := fmt.Sprintf("EventFlow has disabled the processor %q: %s.\n\nIts events wait, for as long as the stream keeps them. Look at it here:\n\n%s/processors/%s/%s\n",
			p.Name, p.Reason, cfg.links(), p.Stream, p.ID)
		for after := ""; ; {
			people, err := users.Users(ctx, p.Org, after, core.MaxPageSize)
			for i := range people {
				after = people[i].Email
				if people[i].Administers() {
					err = m.Send(ctx, people[i].Email, subject, text)
				}
			}
			if err != nil {
				logger.Warn("the admins could not be told that a processor was disabled", "processor_id", p.ID, "error", err)
			}
			if err != nil || len(people) < core.MaxPageSize {
				return
			}
		}
	}
}
