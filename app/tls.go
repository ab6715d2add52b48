package app

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// newKeyPair reads the certificate that the settings name. It is nil where they name
// none.
func newKeyPair(cfg Config, now func() time.Time, logger *slog.Logger) (*keyPair, error) {
	if cfg.TLSCert == "" {
		return nil, nil //nolint:nilnil // the server takes it for none
	}
	pair := &keyPair{now: now, logger: logger}
	if err := pair.use(cfg); err != nil {
		return nil, err
	}
	return pair, nil
}

// withTLS serves HTTPS where there is a certificate.
func withTLS(pair *keyPair, listener net.Listener) net.Listener {
	if pair == nil {
		return listener
	}
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.current})
}

// keyPair is a certificate and its key, read again where their files change:
// certificates are renewed more often than servers are started. Connections that
// are open stay as they are.
type keyPair struct {
	now    func() time.Time
	logger *slog.Logger
	served atomic.Pointer[tls.Certificate]

	mu        sync.Mutex // of what follows; who does not get it takes what is served
	cert, key string     // the files
	looked    time.Time
	seen      [2]os.FileInfo
}

// use serves the pair that the settings name from now on. One that cannot be served
// changes nothing.
func (p *keyPair) use(cfg Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return wrong("tls-cert and tls-key", err.Error())
	}
	p.served.Store(&pair)
	p.cert, p.key, p.looked = cfg.TLSCert, cfg.TLSKey, time.Time{}
	p.look()
	return nil
}

// lookEvery is how often the files are looked at, at most: a handshake must not
// wait for the disk each time.
const lookEvery = 2 * time.Second

// current is the pair for a handshake.
func (p *keyPair) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if p.mu.TryLock() {
		defer p.mu.Unlock()
		if p.look() {
			p.renew()
		}
	}
	return p.served.Load(), nil
}

// look reports whether the files are others than at the look before.
func (p *keyPair) look() bool {
	now := p.now()
	if since := now.Sub(p.looked); since >= 0 && since < lookEvery {
		return false
	}
	p.looked = now
	changed := false
	for i, path := range []string{p.cert, p.key} {
		info, _ := os.Stat(path) // a file that is gone has none, and reading it says so
		changed = changed || !sameFile(p.seen[i], info)
		p.seen[i] = info
	}
	return changed
}

func sameFile(one, other os.FileInfo) bool {
	if one == nil || other == nil {
		return one == nil && other == nil
	}
	return os.SameFile(one, other) && one.ModTime().Equal(other.ModTime()) && one.Size() == other.Size()
}

// renew serves the pair that is in the files. One that cannot be served is
// logged once, when it is first seen: the other half of it may be on its way.
func (p *keyPair) renew() {
	if err := p.load(); err != nil {
		p.logger.Error("the changed certificate cannot be served; the previous one is served until tls-cert and tls-key match", "error", err)
		return
	}
	p.logger.Info("the changed certificate is served", "not_after", p.served.Load().Leaf.NotAfter)
}

func (p *keyPair) load() error {
	pair, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err == nil {
		p.served.Store(&pair)
	}
	return err
}
