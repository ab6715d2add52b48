package app

import (
	"context"
	"log/slog"
	"os"
	"time"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/otel"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
)

// telemetrySettings reads OpenTelemetry's variables. They are the standard's, so they
// are no settings of ours: other programs beside this one read them, too.
func telemetrySettings() (otel.Settings, error) {
	settings, err := otel.ReadSettings(os.Environ())
	if err != nil {
		return settings, usageError{err}
	}
	return settings, nil
}

// telemetryProblems returns all that is wrong with the variables, and with the files that
// they name.
func telemetryProblems(environ []string) []error {
	settings, err := otel.ReadSettings(environ)
	if err == nil {
		err = settings.Check()
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

// openTelemetry returns the server's telemetry. All that it watches depends on it and
// so stops before it.
func openTelemetry(ctx context.Context, lc fx.Lifecycle, logger *slog.Logger) (*otel.Telemetry, error) {
	settings, err := telemetrySettings()
	if err != nil {
		return nil, err
	}
	telemetry, err := otel.Open(ctx, settings, Version, logger)
	if err != nil {
		return nil, usageError{err}
	}
	lc.Append(fx.StopHook(telemetry.Close))
	return telemetry, nil
}

// newTraces returns what follows requests.
func newTraces(telemetry *otel.Telemetry) server.TraceFunc {
	return func(method, route, parent, state string, at time.Time) server.Trace {
		if followed := telemetry.Request(method, route, parent, state, at); followed != nil {
			return followed
		}
		return nil
	}
}
