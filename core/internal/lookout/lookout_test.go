package lookout_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// told reports whether a channel is closed.
func told(news <-chan struct{}) bool {
	select {
	case <-news:
		return true
	default:
		return false
	}
}

// A thousand who wait for one thing cost one look a second, and its news wakes all of
// them; who waits for something else hears nothing.
func TestOneLookForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lookout.New[string](time.Second)
		var looks atomic.Int64
		var news atomic.Bool
		look := func(context.Context) bool {
			looks.Add(1)
			return news.Load()
		}
		other := l.Join("other", func(context.Context) bool { return false })
		defer other.Leave()
		watches := make([]lookout.Watch[string], 1000)
		for i := range watches {
			watches[i] = l.Join("key", look)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		require.EqualValues(t, 10, looks.Load())
		heard := make([]<-chan struct{}, len(watches))
		for i := range watches {
			heard[i] = watches[i].News()
			require.False(t, told(heard[i]))
		}
		quiet := other.News()
		news.Store(true)
		time.Sleep(time.Second)
		for i := range watches {
			require.True(t, told(heard[i]))
			require.False(t, told(watches[i].News()), "it is for the next look")
		}
		require.False(t, told(quiet))
		for _, watch := range watches {
			watch.Leave()
		}
	})
}

// The looks end with the last who waits, one that is under way as well, and begin again
// with the next one.
func TestTheLastOneEndsTheLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lookout.New[int](time.Second)
		var looks, ended atomic.Int64
		look := func(ctx context.Context) bool {
			if looks.Add(1) == 3 {
				<-ctx.Done()
				ended.Add(1)
			}
			return true
		}
		first, second := l.Join(1, look), l.Join(1, look)
		time.Sleep(time.Second + time.Millisecond)
		first.Leave()
		time.Sleep(time.Minute)
		require.EqualValues(t, 3, looks.Load(), "one that takes long is not overtaken")
		second.Leave()
		synctest.Wait()
		require.EqualValues(t, 1, ended.Load())
		time.Sleep(time.Minute)
		require.EqualValues(t, 3, looks.Load())
		third := l.Join(1, look)
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualValues(t, 4, looks.Load())
		third.Leave()
		time.Sleep(time.Minute)
		require.EqualValues(t, 4, looks.Load())
	})
}

// A look that takes long holds nobody else's up.
func TestASlowLookIsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lookout.New[int](time.Second)
		slow := l.Join(1, func(ctx context.Context) bool {
			<-ctx.Done()
			return false
		})
		defer slow.Leave()
		var looks atomic.Int64
		quick := l.Join(2, func(context.Context) bool {
			looks.Add(1)
			return false
		})
		defer quick.Leave()
		time.Sleep(10*time.Second + time.Millisecond)
		require.EqualValues(t, 10, looks.Load())
	})
}
