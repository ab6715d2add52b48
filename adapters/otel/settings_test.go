package otel_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/otel"
)

const (
	endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT="
	protocol = "OTEL_EXPORTER_OTLP_PROTOCOL="
)

// What the variables come to. Without a word about a collector there is none.
func TestSettings(t *testing.T) {
	t.Parallel()
	const offText = "off; OTEL_EXPORTER_OTLP_ENDPOINT=http://host:4318 sends traces there"
	const gated = "sampled: up to 100 traces a second of each route"
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{nil, offText},
		{[]string{"OTEL_SERVICE_NAME=x", protocol + "grpc", endpoint, "PATH=/bin"}, offText},
		{[]string{endpoint + "http://c:4318", "OTEL_TRACES_EXPORTER=none"}, offText},
		{[]string{endpoint + "http://c:4318", "OTEL_SDK_DISABLED=True"}, offText},
		{[]string{"OTEL_TRACES_EXPORTER=otlp"}, "on; traces go to http://localhost:4318/v1/traces by http/protobuf, " + gated},
		{[]string{"OTEL_TRACES_EXPORTER=otlp", protocol + "grpc"}, "on; traces go to http://localhost:4317 by grpc, " + gated},
		{[]string{endpoint + "https://c/otlp/"}, "on; traces go to https://c/otlp/v1/traces by http/protobuf, " + gated},
		{[]string{endpoint + "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://d/x"}, "on; traces go to http://d/x by http/protobuf, " + gated},
		{[]string{endpoint + "c:4317", protocol + "grpc"}, "on; traces go to https://c:4317 by grpc, " + gated},
		{[]string{endpoint + "c:4317", protocol + "grpc", "OTEL_EXPORTER_OTLP_INSECURE=true"}, "on; traces go to http://c:4317 by grpc, " + gated},
		{[]string{endpoint + "http://user:hush@c:1"}, "on; traces go to http://user:xxxxx@c:1/v1/traces by http/protobuf, " + gated},
		{[]string{endpoint + "http://c", "OTEL_TRACES_SAMPLER=always_on"}, "on; traces go to http://c/v1/traces by http/protobuf, sampled: always_on"},
		{
			[]string{endpoint + "http://c", "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.25"},
			"on; traces go to http://c/v1/traces by http/protobuf, sampled: parentbased_traceidratio 0.25",
		},
	} {
		settings, err := otel.ReadSettings(c.variables)
		require.NoError(t, err, c.variables)
		require.Equal(t, c.want, settings.String(), c.variables)
		require.Equal(t, c.want != offText, settings.On())
	}
}

// A value that is not understood is named, and a secret is not quoted.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for variable, says := range map[string]string{
		endpoint + "collector:4318":                  "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://localhost:4318",
		endpoint + "ftp://c":                         "must be a URL",
		endpoint + "http://c:99999":                  "must be a URL",
		endpoint + "http://c:0":                      "must be a URL",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=c":       "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL",
		protocol + "http/json":                       "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, grpc; others are not supported",
		"OTEL_TRACES_EXPORTER=zipkin":                "OTEL_TRACES_EXPORTER must be otlp, none",
		"OTEL_SDK_DISABLED=yes":                      "OTEL_SDK_DISABLED must be true or false",
		"OTEL_TRACES_SAMPLER=jaeger_remote":          "OTEL_TRACES_SAMPLER must be always_on, always_off",
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":             "OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number, 1 or more, of milliseconds",
		"OTEL_EXPORTER_OTLP_HEADERS=hush":            "OTEL_EXPORTER_OTLP_HEADERS must be pairs like key=value",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=hush%2": "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be pairs",
		"OTEL_EXPORTER_OTLP_COMPRESSION=zstd":        "OTEL_EXPORTER_OTLP_COMPRESSION must be none, gzip",
		"OTEL_EXPORTER_OTLP_CLIENT_KEY=key.pem":      "go together",
		"OTEL_BSP_MAX_QUEUE_SIZE=0":                  "OTEL_BSP_MAX_QUEUE_SIZE must be a whole number, 1 or more",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096":        "must be no more than OTEL_BSP_MAX_QUEUE_SIZE",
		"OTEL_PROPAGATORS=tracecontext,b3":           "OTEL_PROPAGATORS must be tracecontext",
		"OTEL_RESOURCE_ATTRIBUTES=x":                 "OTEL_RESOURCE_ATTRIBUTES must be pairs",
	} {
		_, err := otel.ReadSettings([]string{variable})
		require.ErrorContains(t, err, "setting OTEL_", variable)
		require.ErrorContains(t, err, says, variable)
		require.NotContains(t, err.Error(), "hush")
	}
	for _, arg := range []string{"2", "-0.1", "NaN", "x"} {
		_, err := otel.ReadSettings([]string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=" + arg})
		require.ErrorContains(t, err, "from 0 to 1", arg)
	}
}

// A variable of the standard that means nothing here is named once, in the log.
func TestUnusedSettings(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	openWith(t, &logged, "OTEL_METRICS_EXPORTER=otlp", "OTEL_PROPAGATORS=tracecontext,baggage", "OTEL_EXPORTER_OTLP_HEADERS=a=b")
	require.Regexp(t, `^[^\n]*"a variable of OpenTelemetry is set that has no meaning here" name=OTEL_METRICS_EXPORTER\n$`, logged.String())
}
