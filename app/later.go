package app

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/fx"
)

// maxLater is how much work may wait for its turn after the answer, laterTimeout
// bounds one piece of it.
const (
	maxLater     = 1000
	laterTimeout = 20 * time.Second
)

// newLater returns what does work after an answer: one piece after the other,
// and before the server has stopped. Where too much waits it is done at once:
// nothing is lost, and only a flood can tell.
func newLater(lc fx.Lifecycle, logger *slog.Logger) func(context.Context, func(context.Context) error) {
	queue := make(chan func(), maxLater)
	background(lc, func(ctx context.Context) {
		for {
			select {
			case work := <-queue:
				work()
			case <-ctx.Done():
				for range len(queue) {
					(<-queue)()
				}
				return
			}
		}
	})
	return func(ctx context.Context, work func(context.Context) error) {
		bounded := func() {
			ctx, cancel := context.WithTimeout(ctx, laterTimeout)
			defer cancel()
			if err := work(ctx); err != nil {
				logger.Error("work left for after the answer failed", "error", err)
			}
		}
		select {
		case queue <- bounded:
		default:
			bounded()
		}
	}
}
