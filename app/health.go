package app

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// health asks the dependencies how they are.
type health struct {
	storage core.Storage
	catalog core.Catalog
	relaxed bool
	now     func() time.Time
}

func newHealth(cfg Config, storage core.Storage, catalog core.Catalog, now func() time.Time) *health {
	return &health{storage: storage, catalog: catalog, relaxed: cfg.AllowRelaxedDurability, now: now}
}

// checkTimeout bounds one look at the dependencies: a probe must get an answer.
const checkTimeout = 3 * time.Second

func (h *health) report(ctx context.Context) rest.Health {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report := rest.Health{Status: rest.StatusOK, Checks: map[string]string{}, Timestamp: h.now().UTC()}
	for name, err := range map[string]error{"store": h.storage.Check(ctx), "catalog": h.catalog.Check(ctx)} {
		relaxed := errors.Is(err, core.ErrRelaxedDurability)
		switch {
		case err == nil:
			report.Checks[name] = rest.StatusOK
		case relaxed && h.relaxed:
			report.Checks[name] = "ok, but acknowledged events may be lost in a crash: " + err.Error()
		case relaxed:
			report.Checks[name] = err.Error()
			report.Status = rest.StatusUnavailable
		default:
			report.Checks[name] = "unreachable"
			report.Status = rest.StatusUnavailable
		}
	}
	return report
}
