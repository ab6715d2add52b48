package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core/internal/cache"
)

var errDown = errors.New("the catalog is down")

// Callers who want the same answer wait for the one who asks, each as long as its own
// time lasts. When the one fails, another one of them asks.
func TestCallersWaitAsLongAsTheirTimeLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New[string, int](time.Now, time.Second, 10)
		asked, begun := 0, time.Now()
		load := func(ctx context.Context) func(int) (int, error) {
			return func(int) (int, error) {
				asked++
				<-ctx.Done()
				return 0, errDown
			}
		}
		var all sync.WaitGroup
		for seconds, want := range map[int]error{20: errDown, 5: context.DeadlineExceeded, 25: errDown} {
			all.Go(func() {
				if seconds != 20 { // the one who asks comes first
					time.Sleep(time.Second)
				}
				ctx, cancel := context.WithDeadline(t.Context(), begun.Add(time.Duration(seconds)*time.Second))
				defer cancel()
				_, err := c.Get(ctx, "key", load(ctx), func(error) bool { return false })
				require.ErrorIs(t, err, want)
				require.Equal(t, time.Duration(seconds)*time.Second, time.Since(begun))
			})
		}
		all.Wait()
		require.Equal(t, 2, asked)
		got, err := c.Get(t.Context(), "key", func(int) (int, error) { return 7, nil }, nil)
		require.NoError(t, err)
		require.Equal(t, 7, got)
	})
}

// One answer serves all who come while it is asked for and within its time.
func TestOneAnswerServesAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New[string, int](time.Now, time.Second, 10)
		asked := 0
		get := func() {
			got, err := c.Get(t.Context(), "key", func(old int) (int, error) {
				asked++
				time.Sleep(100 * time.Millisecond) // the bubble's clock
				return old + 1, nil
			}, nil)
			require.NoError(t, err)
			require.Equal(t, asked, got)
		}
		for range 2 {
			var all sync.WaitGroup
			for range 50 {
				all.Go(get)
			}
			all.Wait()
			time.Sleep(2 * time.Second)
		}
		require.Equal(t, 2, asked)
	})
}
