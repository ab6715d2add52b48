package rest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// hopeless reports whether trying again cannot help.
func hopeless(err error) bool {
	switch core.CodeOf(err) {
	case core.CodeUnauthorized, core.CodeForbidden, core.CodeNotFound, core.CodeValidation:
		return true
	}
	return false
}

// pause waits longer with each attempt, up to ten seconds.
func pause(ctx context.Context, attempt int) {
	longest := min(100*time.Millisecond<<min(attempt, 10), 10*time.Second)
	timer := time.NewTimer(longest/2 + rand.N(longest/2)) //nolint:gosec // consumers must not come back all at once, that is all
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
