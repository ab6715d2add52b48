package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// health asks the dependencies how they are.
type health struct {
	storage core.Storage
	catalog core.Catalog
	relaxed bool
	logger  *slog.Logger
	clock   *eventlog.SharedClock
}

func newHealth(cfg Config, storage core.Storage, catalog core.Catalog, clock *eventlog.SharedClock, logger *slog.Logger) *health {
	return &health{storage: storage, catalog: catalog, relaxed: cfg.AllowRelaxedDurability, clock: clock, logger: logger}
}

// checkTimeout bounds one look at the dependencies: a probe must get an answer.
const checkTimeout = 3 * time.Second

func (h *health) report(ctx context.Context) rest.Health {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report := rest.Health{Status: rest.StatusOK, Checks: map[string]rest.Check{}, Timestamp: h.clock.Now().UTC()}
	report.Checks["store"], report.Checks["catalog"] = h.check(h.storage.Check(ctx)), h.check(h.catalog.Check(ctx))
	report.Checks["clock"] = h.checkClock()
	for _, check := range report.Checks {
		if check.Status == rest.StatusUnavailable || report.Status == rest.StatusOK {
			report.Status = check.Status
		}
	}
	return report
}

// checkClock compares this machine's clock with the database's.
func (h *health) checkClock() rest.Check {
	switch state, said := h.clock.State(); state {
	case eventlog.ClockOff:
		return rest.Check{Status: rest.StatusDegraded, Message: said}
	case eventlog.ClockWrong:
		return rest.Check{Status: rest.StatusUnavailable, Message: said}
	}
	return rest.Check{Status: rest.StatusOK}
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
	case errors.Is(err, core.ErrDegraded):
		// Still ready: whoever reads is served, and no other server is better off.
		h.logger.Warn("a dependency is degraded", "error", err)
		return rest.Check{Status: rest.StatusDegraded, Message: err.Error()}
	}
	h.logger.Warn("a dependency does not answer", "error", err)
	return rest.Check{Status: rest.StatusUnavailable, Message: "unreachable"}
}
