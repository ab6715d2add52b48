package app

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// withTLS serves HTTPS where there is a certificate.
func withTLS(cfg Config, listener net.Listener, now func() time.Time, logger *slog.Logger) (net.Listener, error) {
	if cfg.TLSCert == "" {
		return listener, nil
	}
	pair := &keyPair{cert: cfg.TLSCert, key: cfg.TLSKey, now: now, logger: logger}
	pair.look()
	if err := pair.load(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.current}), nil
}

// keyPair is a certificate and its key, read again where their files change:
// certificates are renewed more often than servers are started. Connections that
// are open stay as they are.
type keyPair struct {
	cert, key string // the files
	now       func() time.Time
	logger    *slog.Logger
	served    atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // of what follows; who does not get it takes what is served
	looked time.Time
	seen   [2]os.FileInfo
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
