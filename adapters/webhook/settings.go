package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// settings are what everybody may read of a webhook. As they are stored, the secrets
// among them are masked.
type settings struct {
	URL    string `json:"url"`
	Format format `json:"format"`
	// Batch is how many events a request has at most.
	Batch *int `json:"batch"`
	// Headers go with every request, and so do SecretHeaders, which nobody reads again.
	Headers       map[string]string `json:"headers,omitempty"`
	SecretHeaders map[string]string `json:"secret_headers,omitempty"`
	// Secret signs. One is made if none is given.
	Secret string `json:"secret"`
	// FormerSecretUntil is set by a rotation and cannot be given.
	FormerSecretUntil string `json:"former_secret_until,omitempty"`
	// Timeout is how long the receiver has for its answer.
	Timeout core.Seconds `json:"timeout"`
	// Parallel is how many requests are under way at once.
	Parallel int `json:"parallel"`
	// AllowPrivate is what the installation says if it is not given.
	AllowPrivate *bool `json:"allow_private,omitempty"`
}

const (
	maxBatch        = 1000
	defaultBatch    = 100
	minTimeout      = core.Seconds(time.Second)
	maxTimeout      = core.Seconds(30 * time.Second)
	defaultTimeout  = core.Seconds(15 * time.Second)
	maxParallel     = 256
	defaultParallel = 16
	// maxHeaders bounds the headers of both kinds together.
	maxHeaders                    = 20
	maxHeaderName, maxHeaderValue = 100, 1024
	minSecretHeader               = 8
)

// read reads what somebody says about a webhook.
func read(given json.RawMessage) (*settings, error) {
	s := &settings{Format: formatPlain, Timeout: defaultTimeout, Parallel: defaultParallel}
	if err := destination.Read(given, Type, s); err != nil {
		return nil, err
	}
	if err := s.checkBatch(); err != nil {
		return nil, err
	}
	switch {
	case s.Timeout < minTimeout || s.Timeout > maxTimeout:
		return nil, core.Invalid("timeout", "must be %v to %v seconds", minTimeout.Duration().Seconds(), maxTimeout.Duration().Seconds())
	case s.Parallel < 1 || s.Parallel > maxParallel:
		return nil, core.Invalid("parallel", "must be 1 to %d", maxParallel)
	}
	if err := s.checkHeaders(); err != nil {
		return nil, err
	}
	return s, nil
}

// checkBatch settles how many events a request has.
func (s *settings) checkBatch() error {
	shape, known := formats[s.Format]
	if !known {
		return core.Invalid("format", "must be one of: %s", strings.Join(formatNames(), ", "))
	}
	if s.Batch == nil {
		batch := 1
		if shape.alwaysMany {
			batch = defaultBatch
		}
		s.Batch = &batch
	}
	switch {
	case *s.Batch < 1 || *s.Batch > maxBatch:
		return core.Invalid("batch", "must be 1 to %d", maxBatch)
	case *s.Batch > 1 && !shape.many:
		return core.Invalid("batch", "must be 1 for the format %s, in which a request has one event; %s and %s take more", s.Format, formatPlain, formatBatched)
	}
	return nil
}

// reserved are headers that this package or HTTP itself sets. Those that begin with one
// of reservedPrefixes are, too.
var (
	reserved = []string{
		"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "date", "expect", "host", "idempotency-key", "keep-alive",
		"te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-idempotency-key",
	}
	reservedPrefixes = []string{"webhook-", "ce-", "proxy-", "svix-", "sec-"}
)

// checkHeaders settles the names of the headers of both kinds.
func (s *settings) checkHeaders() error {
	taken := map[string]bool{}
	for field, headers := range map[string]map[string]string{"headers": s.Headers, "secret_headers": s.SecretHeaders} {
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			if err := checkHeaderName(field, name); err != nil {
				return err
			}
			canonical := textproto.CanonicalMIMEHeaderKey(name)
			if taken[canonical] {
				return core.Invalid(field+"."+name, "is given twice")
			}
			taken[canonical] = true
			masked := field == "secret_headers" && strings.HasPrefix(headers[name], maskStart)
			if err := checkHeaderValue(field+"."+name, headers[name]); err != nil && !masked {
				return err
			}
		}
	}
	if len(taken) > maxHeaders {
		return core.Invalid("headers", "must be at most %d, together with secret_headers", maxHeaders)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if looksSecret(name, s.Headers[name]) {
			return core.Invalid("headers."+name, "looks like a secret, and everybody may read this: give it in secret_headers")
		}
	}
	return nil
}

func checkHeaderName(field, name string) error {
	const marks = "!#$%&'*+-.^_`|~"
	foreign := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
	}
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > maxHeaderName || strings.ContainsFunc(name, foreign):
		return core.Invalid(field, "must have names of 1 to %d letters, digits and hyphens", maxHeaderName)
	case slices.Contains(reserved, lower), slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }):
		return core.Invalid(field+"."+name, "is set by the server")
	}
	return nil
}

func checkHeaderValue(field, value string) error {
	foreign := func(r rune) bool { return r < ' ' || r > '~' }
	switch {
	case value == "" || len(value) > maxHeaderValue:
		return core.Invalid(field, "must have 1 to %d characters", maxHeaderValue)
	case strings.TrimSpace(value) != value:
		return core.Invalid(field, "must not begin or end with a space")
	case strings.ContainsFunc(value, foreign):
		return core.Invalid(field, "must be printable ASCII")
	}
	return nil
}

// looksSecret reports whether a header is probably a credential.
func looksSecret(name, value string) bool {
	name, value = strings.ToLower(name), strings.ToLower(value)
	for _, part := range []string{"auth", "token", "secret", "password", "passwd", "api-key", "apikey", "access-key", "credential", "cookie", "signature"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasPrefix(value, "bearer ") || strings.HasPrefix(value, "basic ") || strings.HasPrefix(value, secretPrefix)
}

// stored returns the destination of settings and secrets.
func stored(s *settings, secret *secrets) (core.Destination, error) {
	shown := *s
	shown.Secret = maskSecret(secret.Secret)
	shown.SecretHeaders = map[string]string{}
	for name, value := range secret.Headers {
		shown.SecretHeaders[name] = destination.Mask(value)
	}
	shown.FormerSecretUntil = ""
	if secret.FormerUntil != nil {
		shown.FormerSecretUntil = secret.FormerUntil.Format(time.RFC3339)
	}
	to := core.Destination{Type: Type}
	var err, also error
	to.Settings, err = json.Marshal(&shown)
	to.Secrets, also = json.Marshal(secret)
	return to, errors.Join(err, also)
}

// load reads a destination that was stored; of a new one, nothing.
func load(from core.Destination) (*settings, *secrets, error) {
	s, secret := &settings{}, &secrets{}
	if len(from.Settings) == 0 {
		return s, secret, nil
	}
	if err := json.Unmarshal(from.Settings, s); err != nil {
		return nil, nil, fmt.Errorf("the stored settings of a webhook cannot be read: %w", err)
	}
	if json.Unmarshal(from.Secrets, secret) != nil { // its text would quote a part of them
		return nil, nil, errors.New("the stored secrets of a webhook cannot be read")
	}
	return s, secret, nil
}
