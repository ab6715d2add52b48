// Package webhook sends events to URLs by HTTP. Its requests are those of the Standard
// Webhooks specification: they carry an id, a time and a signature, and any library of
// that specification verifies them.
package webhook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "webhook"

// Options are what an installation decides about all webhooks.
type Options struct {
	// AllowPrivate lets events be sent to private networks and to the machine itself.
	AllowPrivate bool
	// Ports are the ports that may be reached at public addresses; none stands for 80
	// and 443.
	Ports []uint16
	// RootCAs are who certificates are trusted from; nil stands for the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil stands for the system's.
	Resolver *net.Resolver
}

// New returns the connector of the type [Type]. It is a [core.SecretRotator].
func New(o Options) core.Connector {
	if len(o.Ports) == 0 {
		o.Ports = []uint16{80, 443}
	}
	return connector{o}
}

type connector struct{ options Options }

// reach says what a destination may reach.
func (c connector) reach(s *settings) reach.Options {
	return reach.Options{
		AllowPrivate: c.options.AllowPrivate && (s.AllowPrivate == nil || *s.AllowPrivate),
		Ports:        c.options.Ports,
		Resolver:     c.options.Resolver,
	}
}

// Check implements [core.Connector].
func (c connector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	said, err := read(given)
	if err != nil {
		return core.Destination{}, err
	}
	if said.AllowPrivate != nil && *said.AllowPrivate && !c.options.AllowPrivate {
		return core.Destination{}, core.Invalid("allow_private", "is not possible on this server: whoever runs it has not allowed private addresses")
	}
	reachable := c.reach(said)
	if _, err := reachable.Check("url", said.URL); err != nil {
		return core.Destination{}, err
	}
	before, kept, err := load(former)
	if err != nil {
		return core.Destination{}, err
	}
	if err := kept.change(said, before); err != nil {
		return core.Destination{}, err
	}
	return stored(said, kept)
}

// Rotate implements [core.SecretRotator].
func (c connector) Rotate(to core.Destination, now time.Time, grace time.Duration) (core.Destination, string, error) {
	s, secret, err := load(to)
	if err != nil {
		return core.Destination{}, "", err
	}
	secret.rotate(now, grace)
	rotated, err := stored(s, secret)
	return rotated, secret.Secret, err
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, _ core.Origin) (core.Sink, error) {
	s, secret, err := load(to)
	if err != nil {
		return nil, err
	}
	return newSink(s, secret, newTransport(c, s))
}
