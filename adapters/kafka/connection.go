package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// connection is what people say about the brokers, whether events go to them or come from
// them.
type connection struct {
	Brokers []string `json:"brokers" destination:"place"`
	TLS     bool     `json:"tls"`
	// TLSCA has certificates in PEM that the brokers' ones are checked against, in the
	// place of the system's.
	TLSCA    string `json:"tls_ca,omitempty"`
	SASL     string `json:"sasl,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty" destination:"secret"`
}

// How a client tells the brokers who it is.
const (
	saslPlain = "plain"
	saslSHA2  = "scram-sha-256"
	saslSHA5  = "scram-sha-512"
)

// The bounds of a connection.
const (
	maxBrokers    = 20
	maxCALength   = 64 << 10
	maxNameLength = 255
	maxDial       = 10 * time.Second
)

// check refuses what is wrong, and brings the rest into one form.
func (c *connection) check(judge destination.Judge) (err error) {
	if len(c.Brokers) == 0 || len(c.Brokers) > maxBrokers {
		return core.Invalid("brokers", "must be a list of 1 to %d addresses like broker.example.com:9092", maxBrokers)
	}
	for i, broker := range c.Brokers {
		if c.Brokers[i], err = judge.HostPort("brokers", broker); err != nil {
			return err
		}
	}
	switch {
	case c.TLSCA == "":
		return nil
	case !c.TLS:
		return core.Invalid("tls_ca", "has no meaning without tls")
	case len(c.TLSCA) > maxCALength || !x509.NewCertPool().AppendCertsFromPEM([]byte(c.TLSCA)):
		return core.Invalid("tls_ca", "must be certificates in PEM, of %d bytes at most", maxCALength)
	}
	return nil
}

// checkAccount checks who the client says it is.
func (c *connection) checkAccount() error {
	switch c.SASL {
	case "":
		if c.Username != "" || c.Password != "" {
			return core.Invalid("sasl", "must be given with a username and a password: %q, %q or %q", saslPlain, saslSHA2, saslSHA5)
		}
		return nil
	case saslPlain, saslSHA2, saslSHA5:
		if err := core.CheckText("username", c.Username, 1, maxNameLength); err != nil {
			return err
		}
		return core.CheckText("password", c.Password, 1, maxNameLength)
	}
	return core.Invalid("sasl", "must be %q, %q or %q, or be left out", saslPlain, saslSHA2, saslSHA5)
}

// options are those of a client that connects. It tells reached how that goes.
func (c *connection) options(dial destination.Dial, reached *reached) []kgo.Opt {
	options := []kgo.Opt{
		kgo.ClientID("eventflow"), kgo.SeedBrokers(c.Brokers...), kgo.WithHooks(reached), kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return c.dial(ctx, dial, network, address)
		}),
	}
	if account := c.account(); account != nil {
		options = append(options, kgo.SASL(account))
	}
	return options
}

func (c *connection) account() sasl.Mechanism {
	switch c.SASL {
	case saslPlain:
		return plain.Auth{User: c.Username, Pass: c.Password}.AsMechanism()
	case saslSHA2:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha256Mechanism()
	case saslSHA5:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha512Mechanism()
	}
	return nil
}

// dial connects to a broker and, where the settings say so, has it show who it is.
func (c *connection) dial(ctx context.Context, dial destination.Dial, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, maxDial)
	defer cancel()
	conn, err := dial(ctx, network, address)
	if err != nil || !c.TLS {
		return conn, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(c.TLSCA))
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", address, err)
	}
	return secured, nil
}

// reached knows whether a broker could be reached last. The client keeps trying and, in the
// end, only says that the time was up.
type reached struct {
	// mu guards err, which is nil after a broker was reached.
	mu  sync.Mutex
	err error
}

// OnBrokerConnect implements [kgo.HookBrokerConnect]. It keeps why a broker could not be
// reached or did not let the client in, or that one did.
func (r *reached) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	// That the client itself gave up says nothing about the broker.
	if errors.Is(err, context.Canceled) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// refused says why the brokers cannot be used, in words for people, or returns nil. err is
// what the client says besides.
func (r *reached) refused(err error) error {
	r.mu.Lock()
	last := r.err
	r.mu.Unlock()
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(last, kerr.SaslAuthenticationFailed):
		return errors.New("the brokers refuse the username or the password")
	case errors.Is(last, io.EOF):
		return errors.New("the brokers end the connection before anything is sent: are tls, sasl, username and password right?")
	case last != nil:
		return fmt.Errorf("no broker can be reached: %w", destination.Plain(last))
	}
	return nil
}
