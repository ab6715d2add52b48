package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// health asks the dependencies how they are.
type health struct {
	ports   healthPorts
	relaxed bool
	low     int64 // bytes of a disk
	// short is set while a disk has less than that left, so that the log tells of it
	// once.
	short atomic.Bool
}

// healthPorts are what health is about.
type healthPorts struct {
	fx.In

	Storage core.Storage
	Catalog core.Catalog
	Chores  *chores
	Clock   *eventlog.SharedClock
	Logger  *slog.Logger
}

func newHealth(cfg Config, p healthPorts) *health {
	return &health{ports: p, relaxed: cfg.AllowRelaxedDurability, low: cfg.DiskLow}
}

// checkTimeout bounds one look at the dependencies: a probe must get an answer.
const checkTimeout = 3 * time.Second

func (h *health) report(ctx context.Context) rest.Health {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report := rest.Health{Status: rest.StatusOK, Checks: h.ports.Chores.checks(), Timestamp: h.ports.Clock.Now().UTC()}
	report.Checks["store"], report.Checks["catalog"] = h.check(h.ports.Storage.Check(ctx)), h.check(h.ports.Catalog.Check(ctx))
	report.Checks["clock"], report.Checks["migrations"] = h.checkClock(), h.checkMigrations(ctx)
	if disk, known := h.checkDisk(); known {
		report.Checks["disk"] = disk
	}
	if tier := archiveOf(h.ports.Storage); tier != nil {
		report.Checks["archive"] = h.check(tier.CheckArchive(ctx))
	}
	for _, check := range report.Checks {
		if check.Status == rest.StatusUnavailable || report.Status == rest.StatusOK {
			report.Status = check.Status
		}
	}
	return report
}

// checkClock compares this machine's clock with the database's.
func (h *health) checkClock() rest.Check {
	switch state, said := h.ports.Clock.State(); state {
	case eventlog.ClockOff:
		return rest.Check{Status: rest.StatusDegraded, Message: said}
	case eventlog.ClockWrong:
		return rest.Check{Status: rest.StatusUnavailable, Message: said}
	}
	return rest.Check{Status: rest.StatusOK}
}

// checkMigrations looks whether a newer program has changed the tables since they were
// opened, as in the middle of a rolling upgrade. This one goes on, and should be next.
func (h *health) checkMigrations(ctx context.Context) rest.Check {
	for _, part := range []struct {
		name string
		of   any
	}{{"events", h.ports.Storage}, {"catalog", h.ports.Catalog}} {
		tables, ok := part.of.(core.Migrated)
		if !ok {
			continue
		}
		at, known, err := tables.Schema(ctx)
		switch {
		case err != nil:
			h.ports.Logger.Warn("the version of the tables cannot be read", "part", part.name, "error", err)
			return rest.Check{Status: rest.StatusDegraded, Message: "the version of the tables of the " + part.name + " cannot be read"}
		case at != known:
			return rest.Check{Status: rest.StatusDegraded, Message: fmt.Sprintf(
				"the tables of the %s are at version %d and this server knows %d: update it, too", part.name, at, known)}
		}
	}
	return rest.Check{Status: rest.StatusOK}
}

// checkDisk says what is left on the disk of the data. known is false where it is no
// disk of this machine, or where that cannot be asked.
func (h *health) checkDisk() (check rest.Check, known bool) {
	load, known := emptiest(h.ports.Storage, h.ports.Catalog)
	if !known {
		return check, false
	}
	short := load.Free < h.low
	if was := h.short.Swap(short); short && !was {
		h.ports.Logger.Warn("the disk of the data is getting full; when it is, nothing more is stored", "free", byteText(load.Free), "size", byteText(load.Size))
	}
	if !short {
		return rest.Check{Status: rest.StatusOK}, true
	}
	text := byteText(load.Free) + " of " + byteText(load.Size) + " are free; when the disk is full, nothing more is stored"
	return rest.Check{Status: rest.StatusDegraded, Message: text}, true
}

// check is one dependency's answer in words that everybody may read.
func (h *health) check(err error) rest.Check {
	switch relaxed := errors.Is(err, core.ErrRelaxedDurability); {
	case err == nil:
		return rest.Check{Status: rest.StatusOK}
	case relaxed && h.relaxed:
		return rest.Check{Status: rest.StatusDegraded, Message: "acknowledged events may be lost in a crash: " + err.Error()}
	case relaxed:
		return rest.Check{Status: rest.StatusUnavailable, Message: err.Error() + "; set allow-relaxed-durability to serve anyway"}
	case errors.Is(err, core.ErrAlone):
		h.ports.Logger.Warn("a dependency stores nothing", "error", err)
		return rest.Check{Status: rest.StatusUnavailable, Message: err.Error()}
	case errors.Is(err, core.ErrDegraded):
		// Still ready: whoever reads is served, and no other server is better off.
		h.ports.Logger.Warn("a dependency is degraded", "error", err)
		return rest.Check{Status: rest.StatusDegraded, Message: err.Error()}
	}
	if refused, ok := errors.AsType[*core.Error](err); ok && errors.Is(err, core.ErrLost) {
		h.ports.Logger.Error("the store knows less than it had", "error", err)
		return rest.Check{Status: rest.StatusUnavailable, Message: refused.Message}
	}
	h.ports.Logger.Warn("a dependency does not answer", "error", err)
	return rest.Check{Status: rest.StatusUnavailable, Message: "unreachable"}
}
