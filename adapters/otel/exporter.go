package otel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// newSender returns what sends spans to the collector. It connects when there are some.
// All that the settings say is passed on, so that nothing is read twice, in two ways.
func newSender(ctx context.Context, s Settings) (sdk.SpanExporter, error) {
	secured, err := s.tls()
	if err != nil {
		return nil, err
	}
	if s.Protocol == protocolGRPC {
		options := []otlptracegrpc.Option{
			otlptracegrpc.WithEndpointURL(s.Endpoint), otlptracegrpc.WithHeaders(s.headers), otlptracegrpc.WithTimeout(s.timeout),
		}
		if s.gzip {
			options = append(options, otlptracegrpc.WithCompressor("gzip"))
		}
		if secured != nil {
			options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(secured)))
		}
		return otlptracegrpc.New(ctx, options...)
	}
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(s.Endpoint), otlptracehttp.WithHeaders(s.headers), otlptracehttp.WithTimeout(s.timeout),
	}
	if s.gzip {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	if secured != nil {
		options = append(options, otlptracehttp.WithTLSClientConfig(secured))
	}
	return otlptracehttp.New(ctx, options...)
}

// tls returns how the connection is secured, or nil where it is not.
func (s Settings) tls() (*tls.Config, error) {
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Scheme != "https" {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.authority != "" {
		text, err := os.ReadFile(s.authority)
		if err != nil {
			return nil, fmt.Errorf("setting OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("setting OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate (PEM)", s.authority)
		}
	}
	if s.certificate != "" {
		own, err := tls.LoadX509KeyPair(s.certificate, s.key)
		if err != nil {
			return nil, fmt.Errorf("setting OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// exporter sends spans, and tells people once when the collector is lost and once when
// it is back. It reports no failure to the library, whose own complaint would come with
// every batch.
type exporter struct {
	sdk.SpanExporter
	endpoint string
	logger   *slog.Logger
	// ctx ends when there is no more time for sending.
	ctx    context.Context
	giveUp context.CancelFunc
	lost   atomic.Bool
	// dropped counts the spans that were lost since then.
	dropped atomic.Int64
}

func newExporter(sender sdk.SpanExporter, endpoint string, logger *slog.Logger) *exporter {
	e := &exporter{SpanExporter: sender, endpoint: endpoint, logger: logger}
	e.ctx, e.giveUp = context.WithCancel(context.Background()) //nolint:gosec // it is called when the time for the last sending is over
	return e
}

// ExportSpans implements [sdk.SpanExporter].
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.dropped.Add(int64(len(spans)))
		if !e.lost.Swap(true) {
			e.logger.WarnContext(ctx, "the collector cannot be reached: spans are dropped until it is back; requests are served as ever",
				"endpoint", e.endpoint, "error", err)
		}
		return nil
	}
	if e.lost.Swap(false) {
		e.logger.InfoContext(ctx, "the collector is back", "endpoint", e.endpoint, "dropped_spans", e.dropped.Swap(0))
	}
	return nil
}
