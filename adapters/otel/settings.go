package otel

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The protocols of OTLP that there are here.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// Settings say whether there are traces, and where they go. Zero Settings are off.
type Settings struct {
	// Endpoint is the URL that spans are sent to; empty is nowhere.
	Endpoint string
	// Protocol is grpc or http/protobuf.
	Protocol string
	headers  map[string]string
	timeout  time.Duration
	gzip     bool
	// authority, certificate and key are files in PEM.
	authority, certificate, key string
	// sampler is a name of the standard's, or empty for the gate.
	sampler  string
	ratio    float64
	resource map[string]string
	batch    batching
	// unused are the variables that are set and have no meaning here.
	unused []string
}

// batching is how spans gather before they are sent.
type batching struct {
	delay, timeout time.Duration
	queue, most    int
}

// On reports whether there are traces.
func (s Settings) On() bool { return s.Endpoint != "" }

// String says in one line what the settings come to.
func (s Settings) String() string {
	if !s.On() {
		return "off; OTEL_EXPORTER_OTLP_ENDPOINT=http://host:4318 sends traces there"
	}
	return fmt.Sprintf("on; traces go to %s by %s, sampled: %s", s.place(), s.Protocol, s.sampled())
}

// Check reads the files that the settings name.
func (s Settings) Check() error {
	_, err := s.tls()
	return err
}

// place is the endpoint as everybody may see it.
func (s Settings) place() string {
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		return "" // cannot happen: it was read as a URL
	}
	return u.Redacted()
}

// sampled says which requests are followed.
func (s Settings) sampled() string {
	switch {
	case s.sampler == "":
		return fmt.Sprintf("up to %d traces a second of each route", gateRate)
	case strings.HasSuffix(s.sampler, "traceidratio"):
		return s.sampler + " " + strconv.FormatFloat(s.ratio, 'g', -1, 64)
	}
	return s.sampler
}

// ReadSettings reads the standard's variables from an environment, which is a list of
// NAME=value. A value that is not understood is an error, which names its variable; of
// several they are joined. As the standard has it, an empty value is none.
func ReadSettings(environ []string) (Settings, error) {
	v := variables{values: map[string]string{}, read: map[string]bool{}}
	for _, line := range environ {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "OTEL_") && value != "" {
			v.values[name] = strings.TrimSpace(value)
		}
	}
	s := v.settings()
	if len(v.wrongs) > 0 {
		return Settings{}, errors.Join(v.wrongs...)
	}
	for name := range v.values {
		if !v.read[name] {
			s.unused = append(s.unused, name)
		}
	}
	slices.Sort(s.unused)
	return s, nil
}

// variables are those of the standard that are set, and which of them were read.
type variables struct {
	values map[string]string
	read   map[string]bool
	// wrongs are the mistakes.
	wrongs []error
}

func (v *variables) settings() (s Settings) {
	s.Endpoint, s.Protocol = v.endpoint()
	s.headers = v.pairs(v.otlp("HEADERS"))
	s.timeout = v.duration(v.otlp("TIMEOUT"), 10*time.Second)
	s.gzip = v.choice(v.otlp("COMPRESSION"), "none", "gzip") == "gzip"
	s.authority, s.certificate, s.key = v.text(v.otlp("CERTIFICATE")), v.text(v.otlp("CLIENT_CERTIFICATE")), v.text(v.otlp("CLIENT_KEY"))
	if (s.certificate == "") != (s.key == "") {
		v.wrong(v.otlp("CLIENT_CERTIFICATE"), "and "+v.otlp("CLIENT_KEY")+" go together: set both or neither")
	}
	s.sampler, s.ratio = v.sampler()
	s.resource = v.pairs("OTEL_RESOURCE_ATTRIBUTES")
	if name := v.text("OTEL_SERVICE_NAME"); name != "" {
		s.resource["service.name"] = name
	}
	s.batch = batching{
		delay: v.duration("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second), timeout: v.duration("OTEL_BSP_EXPORT_TIMEOUT", 30*time.Second),
		queue: v.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048), most: v.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
	}
	if s.batch.most > s.batch.queue {
		v.wrong("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "must be no more than OTEL_BSP_MAX_QUEUE_SIZE")
	}
	for propagator := range strings.SplitSeq(v.text("OTEL_PROPAGATORS"), ",") {
		switch strings.TrimSpace(propagator) {
		case "", "tracecontext", "baggage": // baggage means nothing to a server that reads none
		default:
			v.wrong("OTEL_PROPAGATORS", "must be tracecontext: EventFlow reads and writes the W3C trace context only")
		}
	}
	return s
}

// endpoint returns where spans go, and how. Without a word about it they go nowhere:
// the standard's default would be a collector on this machine, which few have.
func (v *variables) endpoint() (endpoint, protocol string) {
	protocol = v.choice(v.otlp("PROTOCOL"), protocolHTTP, protocolGRPC)
	exporter := v.choice("OTEL_TRACES_EXPORTER", "", "otlp", "none")
	disabled := v.flag("OTEL_SDK_DISABLED")
	insecure := v.flag(v.otlp("INSECURE"))
	name := v.otlp("ENDPOINT")
	endpoint = v.text(name)
	if disabled || exporter == "none" || exporter == "" && endpoint == "" {
		return "", protocol
	}
	if endpoint == "" {
		endpoint = map[string]string{protocolGRPC: "http://localhost:4317", protocolHTTP: "http://localhost:4318"}[protocol]
	}
	if protocol == protocolGRPC && !strings.Contains(endpoint, "://") { // as gRPC names its targets
		endpoint = map[bool]string{true: "http://", false: "https://"}[insecure] + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port()) {
		v.wrong(name, "must be a URL like http://localhost:4318, or http://localhost:4317 with OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
		return "", protocol
	}
	if protocol == protocolHTTP && name == "OTEL_EXPORTER_OTLP_ENDPOINT" { // of all signals, each with a path of its own
		u = u.JoinPath("v1", "traces")
	}
	return u.String(), protocol
}

// isPort reports whether a URL may end its host with it; nothing is the scheme's own.
func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && port > 0
}

// The samplers of the standard that there are here.
var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

func (v *variables) sampler() (name string, ratio float64) {
	name = v.choice("OTEL_TRACES_SAMPLER", append([]string{""}, samplers...)...)
	text := v.text("OTEL_TRACES_SAMPLER_ARG")
	if !strings.HasSuffix(name, "traceidratio") || text == "" {
		return name, 1
	}
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		v.wrong("OTEL_TRACES_SAMPLER_ARG", "must be the part of all traces that is kept, from 0 to 1, like 0.1")
	}
	return name, ratio
}

// otlp returns the name of an exporter's variable: the one for traces alone where it is
// set, and else the one for all signals. Both are read by that.
func (v *variables) otlp(name string) string {
	general, traces := "OTEL_EXPORTER_OTLP_"+name, "OTEL_EXPORTER_OTLP_TRACES_"+name
	v.read[general], v.read[traces] = true, true
	if v.values[traces] != "" {
		return traces
	}
	return general
}

func (v *variables) text(name string) string {
	v.read[name] = true
	return v.values[name]
}

// choice returns a value out of some, of which the first is the default.
func (v *variables) choice(name string, choices ...string) string {
	value := v.text(name)
	if value == "" {
		return choices[0]
	}
	if !slices.Contains(choices, value) {
		known := slices.DeleteFunc(slices.Clone(choices), func(c string) bool { return c == "" })
		v.wrong(name, "must be "+strings.Join(known, ", ")+"; others are not supported")
	}
	return value
}

func (v *variables) flag(name string) bool {
	value := strings.ToLower(v.text(name))
	if value != "" && value != "true" && value != "false" {
		v.wrong(name, "must be true or false")
	}
	return value == "true"
}

// duration reads milliseconds.
func (v *variables) duration(name string, otherwise time.Duration) time.Duration {
	return time.Duration(v.number(name, int(otherwise.Milliseconds()))) * time.Millisecond
}

func (v *variables) number(name string, otherwise int) int {
	value := v.text(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(value, 10, 31)
	if err != nil || n < 1 {
		what := "must be a whole number, 1 or more"
		if strings.HasSuffix(name, "TIMEOUT") || strings.HasSuffix(name, "DELAY") {
			what += ", of milliseconds"
		}
		v.wrong(name, what)
	}
	return int(n)
}

// pairs reads NAME=value,… as W3C Baggage writes it. Values may be secrets, so no error
// quotes them.
func (v *variables) pairs(name string) map[string]string {
	all := map[string]string{}
	for pair := range strings.SplitSeq(v.text(name), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !found || key == "" || err != nil {
			v.wrong(name, "must be pairs like key=value,other=value, with , = and % written as %2C %3D %25")
		}
		all[key] = value
	}
	return all
}

func (v *variables) wrong(name, reason string) {
	v.wrongs = append(v.wrongs, fmt.Errorf("setting %s %s", name, reason))
}
