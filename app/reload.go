package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// holding returns what holds the settings by which a server runs.
func holding(cfg Config) *atomic.Pointer[Config] {
	held := &atomic.Pointer[Config]{}
	held.Store(&cfg)
	return held
}

// reloader has a running server take settings over that have changed.
type reloader struct {
	parts reloaded
	// mu is held from the comparison with the settings in force to their replacement,
	// so that two reloads do not mix.
	mu sync.Mutex
}

// reloaded is what can be set while the server runs.
type reloaded struct {
	fx.In

	Settings *atomic.Pointer[Config]
	Level    *slog.LevelVar
	Shares   *eventlog.Shares
	Server   *server.Server
	Pair     *keyPair
	Logger   *slog.Logger
}

func newReloader(parts reloaded) *reloader { return &reloader{parts: parts} }

// reload takes over what it can. Nothing has changed where it returns an error.
func (r *reloader) reload(cfg Config) error {
	if err := errors.Join(cfg.validate(), cfg.validateSecret()); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	running := r.parts.Settings.Load()
	next, taken, left := running.with(cfg)
	if r.parts.Pair != nil {
		if err := r.parts.Pair.use(next); err != nil { // the one that can fail comes first
			return err
		}
	}
	r.parts.Shares.SetGeneral(next.shares())
	r.parts.Server.SetRates(next.rates())
	r.parts.Level.Set(next.level())
	r.parts.Settings.Store(&next)
	r.parts.Logger.Info("the settings were read again", "changed", taken)
	for _, name := range left {
		r.parts.Logger.Warn("a setting has changed and needs a restart; the server goes on with the former value", "setting", name)
	}
	return nil
}

// with returns the settings of a server that runs by c and is told others: those that
// it takes over are theirs. taken and left are the names of what differs.
func (c Config) with(other Config) (next Config, taken, left []string) {
	next, taken = c, []string{} // none is not null in a log
	for field := range reflect.TypeFor[Config]().Fields() {
		from, to := reflect.ValueOf(other).FieldByIndex(field.Index), reflect.ValueOf(&next).Elem().FieldByIndex(field.Index)
		name := field.Tag.Get("name")
		switch {
		case to.Equal(from):
		case !reloads(name), isTLS(name) && (c.TLSCert == "") != (other.TLSCert == ""):
			left = append(left, name)
		default:
			to.Set(from)
			taken = append(taken, name)
		}
	}
	return next, taken, left
}

// isTLS reports whether a setting is about the certificate. Another one can be served
// while the server runs, but a port cannot change from HTTP to HTTPS.
func isTLS(name string) bool { return name == "tls-cert" || name == "tls-key" }

// follow reads the settings again with each signal, until ctx ends.
func (r *reloader) follow(ctx context.Context, signals <-chan os.Signal, s *settings) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		cfg, err := s.again().load(os.Environ())
		if err == nil {
			err = r.reload(cfg)
		}
		if err != nil {
			r.parts.Logger.Error("the settings cannot be taken over; the server goes on with the former ones", "error", err)
		}
	}
}
