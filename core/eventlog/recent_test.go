package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// tape is a log of one stream that counts how often it is asked, and that can
// be slow or broken.
type tape struct {
	mu           sync.Mutex
	events       []core.Event
	first        core.Offset
	reads, asked int
	slow         time.Duration
	broken       bool
}

// ReadAll and OffsetAt are there for the port: nobody follows a stream by them.
func (l *tape) ReadAll(context.Context, core.ID, core.AllScan) ([]core.Event, error) {
	return nil, errors.ErrUnsupported
}

func (l *tape) OffsetAt(context.Context, core.ID, time.Time) (core.Offset, error) {
	return 0, errors.ErrUnsupported
}

// record stores n events and returns them as a commit tells of them.
func (l *tape) record(n int, payload string) core.Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := core.Batch{Stream: core.ID{7}}
	for range n {
		event := core.Event{Offset: core.Offset(len(l.events)), Payload: []byte(payload), Type: fmt.Sprint("t", len(l.events))}
		l.events = append(l.events, event)
		batch.Entries = append(batch.Entries, core.Entry{Event: event})
	}
	return batch
}

// enter counts a question.
func (l *tape) enter(count *int) error {
	l.mu.Lock()
	*count++
	slow, broken := l.slow, l.broken
	l.mu.Unlock()
	time.Sleep(slow)
	if broken {
		return errors.New("the log is broken")
	}
	return nil
}

func (l *tape) Read(_ context.Context, _ core.ID, scan core.Scan) (events []core.Event, _ error) {
	if err := l.enter(&l.reads); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	held := 0
	for offset := max(scan.From, l.first); offset < min(scan.To, core.Offset(len(l.events))) && len(events) < scan.Limit && held < scan.Bytes; offset++ {
		events = append(events, l.events[offset])
		held += l.events[offset].Size()
	}
	return events, nil
}

func (l *tape) Bounds(_ context.Context, streams []core.ID) ([]core.Bounds, error) {
	if err := l.enter(&l.asked); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]core.Bounds, len(streams))
	for i := range all {
		all[i] = core.Bounds{First: l.first, Next: core.Offset(len(l.events))}
	}
	return all, nil
}

func (l *tape) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *tape) counts() (reads, asked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads, l.asked
}

// window is what a hub keeps of the stream: it has no gap, and it is what was
// stored.
func (l *tape) window(t *testing.T, r *Recent) (from, to core.Offset) {
	r.mu.RLock()
	f := r.streams[core.ID{7}]
	r.mu.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	held := 0
	for i := range f.events {
		offset := f.next - core.Offset(len(f.events)-i)
		if stored := &l.events[offset]; f.events[i].Offset != offset || f.events[i].Type != stored.Type || len(f.events[i].Payload) != len(stored.Payload) {
			require.Equal(t, stored, f.events[i], "no gap")
		}
		held += f.events[i].Size()
	}
	require.Equal(t, held, f.bytes)
	require.LessOrEqual(t, len(f.events), recentEvents)
	require.LessOrEqual(t, cap(f.events), 3*recentEvents)
	require.True(t, f.bytes <= recentBytes || len(f.events) == 1, "%d bytes", f.bytes)
	return f.next - core.Offset(len(f.events)), f.next
}

func following(t *testing.T, r *Recent) *Follower {
	f, err := r.Follow(t.Context(), core.ID{7})
	require.NoError(t, err)
	return f
}

// TestRecentKeepsTheNewest: followers at the head read memory, which holds the
// newest events without a gap and within its bounds.
func TestRecentKeepsTheNewest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		payload string
		batch   int
		kept    core.Offset
	}{
		"many": {`{}`, 700, recentEvents}, "one by one": {`{}`, 1, recentEvents},
		"large": {string(make([]byte, 100<<10)), 7, recentBytes / (100 << 10)}, "huge": {string(make([]byte, 5<<20)), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &tape{}
				log.record(5, `{}`)
				r := NewRecent(log, nil, quiet())
				f := following(t, r)
				defer f.Close()
				reads, _ := log.counts()
				for round := range min(8000/c.batch, 60*recentBytes/len(c.payload)/100+3) {
					batch := log.record(c.batch, c.payload)
					r.Committed([]core.Batch{batch})
					head, _ := f.Head()
					events := read(t, r, head-1, head, 100)
					require.Equal(t, head-1, events[0].Offset)
					if round%16 == 0 {
						log.window(t, r)
					}
				}
				after, _ := log.counts()
				require.Equal(t, reads, after, "no follower at the head costs a query")
				first, next := log.window(t, r)
				require.LessOrEqual(t, next-first, c.kept)
				require.GreaterOrEqual(t, next-first, min(c.kept/2, next-5))
			})
		})
	}
}

// TestRecentOwnsWhatItKeeps: an event in memory keeps no request's buffer.
func TestRecentOwnsWhatItKeeps(t *testing.T) {
	t.Parallel()
	log := &tape{}
	r := NewRecent(log, nil, quiet())
	f := following(t, r)
	defer f.Close()
	batch := log.record(2, `"kept"`)
	r.Committed([]core.Batch{batch})
	copy(batch.Entries[0].Payload, `"gone"`)
	events := read(t, r, 0, 1, 1)
	require.JSONEq(t, `"kept"`, string(events[0].Payload))
}

// read reads as a consumer does: from memory, or else the log.
func read(t *testing.T, r *Recent, from, to core.Offset, limit int) []core.Event {
	if events, kept := r.Recall(core.ID{7}, from, to, limit); kept {
		return events
	}
	events, err := r.log.Read(t.Context(), core.ID{7}, core.Scan{From: from, To: to, Limit: limit, Bytes: 1 << 20})
	require.NoError(t, err)
	return events
}

// TestRecentFetchesAGapOnce: what other nodes stored in between is read once
// for all followers, who then hear of all of it.
func TestRecentFetchesAGapOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{slow: 10 * time.Millisecond}
		log.record(3, `{}`)
		r := NewRecent(log, nil, quiet())
		var followers sync.WaitGroup
		for range 100 {
			followers.Go(func() {
				f := following(t, r)
				defer f.Close()
				head, changed := f.Head()
				require.Equal(t, core.Offset(3), head)
				<-changed
				head, _ = f.Head()
				require.Equal(t, core.Offset(56), head)
				events := read(t, r, 3, 56, 100)
				require.Len(t, events, 53)
			})
		}
		time.Sleep(time.Second)
		log.record(50, `{}`)
		r.Committed([]core.Batch{log.record(1, `{}`)})
		r.Committed([]core.Batch{log.record(2, `{}`)}) // while the gap is being read
		followers.Wait()
		reads, _ := log.counts()
		require.LessOrEqual(t, reads, 2)
		first, next := log.window(t, r)
		require.Equal(t, []core.Offset{3, 56}, []core.Offset{first, next})
	})
}

// TestRecentIgnoresRepeats: what comes twice, late or was not stored changes
// nothing.
func TestRecentIgnoresRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{}
		r := NewRecent(log, nil, quiet())
		f := following(t, r)
		defer f.Close()
		one, two, three := log.record(2, `1`), log.record(2, `2`), log.record(2, `3`)
		duplicate := core.Batch{Stream: core.ID{7}, Entries: []core.Entry{{Event: core.Event{Offset: 1}, Outcome: core.Duplicate}, {Event: core.Event{Offset: 99}, Outcome: core.Mismatch}}}
		r.Committed([]core.Batch{three, two, {Stream: core.ID{7}}, {Stream: core.ID{8}, Entries: one.Entries}})
		r.Committed([]core.Batch{one, one, duplicate})
		synctest.Wait()
		first, next := log.window(t, r)
		require.Equal(t, []core.Offset{0, 6}, []core.Offset{first, next})
		head, _ := f.Head()
		require.Equal(t, core.Offset(6), head)
	})
}

// TestRecentSkipsWhatIsTooMuch: of a long gap it keeps the newest, and of one
// that retention has removed nothing.
func TestRecentSkipsWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	for _, removed := range []core.Offset{0, 20_000, 29_000, 30_000} {
		synctest.Test(t, func(t *testing.T) {
			log := &tape{}
			r := NewRecent(log, nil, quiet())
			f := following(t, r)
			defer f.Close()
			log.record(30_000, `{}`)
			log.set(func() { log.first = removed })
			r.heard(context.Background(), core.ID{7})
			r.heard(context.Background(), core.ID{9}) // nobody follows it
			first, next := log.window(t, r)
			require.Equal(t, []core.Offset{max(28_000, removed), 30_000}, []core.Offset{first, next})
			r.Committed([]core.Batch{log.record(1, `{}`)})
			_, next = log.window(t, r)
			require.Equal(t, core.Offset(30_001), next)
			reads, _ := log.counts()
			require.LessOrEqual(t, reads, 2)
		})
	}
}

// TestRecentSurvivesABrokenLog: followers hear of what cannot be read, and it
// is fetched when the log is there again.
func TestRecentSurvivesABrokenLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{broken: true}
		r := NewRecent(log, nil, quiet())
		_, err := r.Follow(t.Context(), core.ID{7})
		require.Error(t, err)
		log.set(func() { log.broken = false })
		f := following(t, r)
		defer f.Close()
		log.record(3, `{}`)
		log.set(func() { log.broken = true })
		_, changed := f.Head()
		r.Committed([]core.Batch{log.record(1, `{}`)})
		<-changed
		head, _ := f.Head()
		require.Equal(t, core.Offset(4), head)
		r.heard(context.Background(), core.ID{7})
		log.set(func() { log.broken = false })
		r.Committed([]core.Batch{log.record(1, `{}`)})
		synctest.Wait()
		first, next := log.window(t, r)
		require.Equal(t, []core.Offset{0, 5}, []core.Offset{first, next})
	})
}

// wire is a notifier that breaks down at times.
type wire struct {
	mu     sync.Mutex
	told   [][]core.ID
	broken bool
	slow   time.Duration
	heard  func(core.ID)
}

func (w *wire) Notify(_ context.Context, streams []core.ID) error {
	time.Sleep(w.slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, streams)
	if w.broken {
		return errors.New("the wire is broken")
	}
	return nil
}

func (w *wire) Listen(ctx context.Context, heard func(core.ID)) {
	w.mu.Lock()
	w.heard = heard
	w.mu.Unlock()
	<-ctx.Done()
}

// TestRecentTellsAndHears: many commits are told of at once, news from others
// shows at once, and without news it takes a second.
func TestRecentTellsAndHears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, line := &tape{}, &wire{slow: 10 * time.Millisecond, broken: true}
		r := NewRecent(log, line, quiet())
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		f := following(t, r)
		for range 100 {
			r.Committed([]core.Batch{log.record(1, `{}`), {Stream: core.ID{8}, Entries: make([]core.Entry, 1)}})
		}
		time.Sleep(100 * time.Millisecond)
		line.mu.Lock()
		require.LessOrEqual(t, len(line.told), 2, "a hundred commits, one message or two")
		require.ElementsMatch(t, []core.ID{{7}, {8}}, line.told[len(line.told)-1])
		heard := line.heard
		line.mu.Unlock()

		log.record(1, `{}`)
		_, changed := f.Head()
		heard(core.ID{7})
		<-changed
		log.record(1, `{}`)
		_, changed = f.Head()
		begun := time.Now()
		<-changed
		require.LessOrEqual(t, time.Since(begun), RecheckInterval)
		f.Close()
		stop()
		running.Wait()
	})
}

// TestRecentForgets: a stream is kept for ten seconds after its last follower
// left, and costs nothing after that.
func TestRecentForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{}
		r := NewRecent(log, nil, quiet())
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		for range 5 {
			following(t, r).Close()
			time.Sleep(lingering - time.Second)
		}
		_, asked := log.counts()
		r.Committed([]core.Batch{log.record(10, `{}`)})
		f := following(t, r)
		first, next := log.window(t, r)
		require.Equal(t, []core.Offset{0, 10}, []core.Offset{first, next}, "it was followed all the time")
		_, again := log.counts()
		require.Equal(t, asked, again)
		time.Sleep(time.Minute)
		require.NotEmpty(t, r.all())
		f.Close()
		time.Sleep(lingering + time.Second)
		require.Empty(t, r.all())
		_, asked = log.counts()
		time.Sleep(time.Minute)
		_, again = log.counts()
		require.Equal(t, asked, again, "nothing is asked of what nobody follows")
		stop()
		running.Wait()
	})
}

// backTo takes away what follows an offset, as when a standby is promoted that does not have
// it yet.
func (l *tape) backTo(offset core.Offset) {
	l.set(func() { l.events = append([]core.Event{}, l.events[:offset]...) })
}

// TestRecentGoesBackWithTheLog: what only a lost primary had is not handed out after
// the standby has taken over, whoever stores the next event and whatever is heard first.
func TestRecentGoesBackWithTheLog(t *testing.T) {
	t.Parallel()
	store := func(log *tape, n byte) core.Batch {
		batch := log.record(1, `"new"`)
		batch.Entries[0].ID = core.ID{n}
		log.set(func() { log.events[batch.Entries[0].Offset].ID = core.ID{n} })
		return batch
	}
	for name, after := range map[string]func(*tape, *Recent){
		"nothing is stored":              func(_ *tape, r *Recent) { r.heard(context.Background(), core.ID{7}) },
		"this node stores before a look": func(log *tape, r *Recent) { r.Committed([]core.Batch{store(log, 9)}) },
		"this node stores after a look": func(log *tape, r *Recent) {
			r.heard(context.Background(), core.ID{7})
			r.Committed([]core.Batch{store(log, 9)})
		},
		"another stores less": func(log *tape, r *Recent) { store(log, 9); r.heard(context.Background(), core.ID{7}) },
		"another stores as much, and it was away": func(log *tape, r *Recent) {
			log.set(func() { log.broken = true })
			r.heard(context.Background(), core.ID{7})
			log.set(func() { log.broken = false })
			store(log, 9)
			store(log, 10)
			r.heard(context.Background(), core.ID{7})
		},
		"another stores more, and it was away": func(log *tape, r *Recent) {
			log.set(func() { log.broken = true })
			r.heard(context.Background(), core.ID{7})
			log.set(func() { log.broken = false })
			for n := range byte(5) {
				store(log, 9+n)
			}
			r.heard(context.Background(), core.ID{7})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &tape{}
				r := NewRecent(log, nil, quiet())
				f := following(t, r)
				defer f.Close()
				r.Committed([]core.Batch{store(log, 1), store(log, 2), store(log, 3), store(log, 4)})
				_, changed := f.Head()
				log.backTo(2)
				after(log, r)
				synctest.Wait()
				<-changed
				head, _ := f.Head()
				require.Equal(t, core.Offset(len(log.events)), head)
				log.window(t, r)
				events := read(t, r, 0, head, 10)
				require.Equal(t, log.events, events)
			})
		})
	}
}

// TestRecentForgetsWhatAFetchBeganWith: a fetch that read the former log keeps nothing.
func TestRecentForgetsWhatAFetchBeganWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{}
		r := NewRecent(log, nil, quiet())
		f := following(t, r)
		defer f.Close()
		log.record(3, `"lost"`)
		log.set(func() { log.slow = time.Second })
		go r.heard(context.Background(), core.ID{7}) // asks for a second, and reads for another one
		time.Sleep(1500 * time.Millisecond)
		log.set(func() { log.slow = 0 })
		f.doubt()
		r.heard(context.Background(), core.ID{7})
		synctest.Wait()
		time.Sleep(time.Second)
		first, next := log.window(t, r)
		require.Equal(t, []core.Offset{3, 3}, []core.Offset{first, next})
	})
}

// halved is a log whose stream 8 is on a shard that is away.
type halved struct{ *tape }

func (l halved) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	all, err := l.tape.Bounds(ctx, streams)
	away := &core.BoundsError{Bounds: all, Unknown: make([]bool, len(streams)), Err: errors.New("a shard is away")}
	for i, stream := range streams {
		if stream == (core.ID{8}) {
			away.Unknown[i], away.Bounds[i], err = true, core.Bounds{}, away
		}
	}
	return all, err
}

// TestRecentHearsOfOtherShards: followers of streams whose shard is there hear of what other
// nodes store, while followers of another one wait.
func TestRecentHearsOfOtherShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &tape{}
		r := NewRecent(log, nil, quiet())
		f, lost := following(t, r), &followed{stream: core.ID{8}, next: 1, known: 1, changed: make(chan struct{})}
		defer f.Close()
		r.streams[core.ID{8}] = lost
		r.log = halved{log}
		log.record(3, `{}`)
		r.recheck(t.Context(), r.all())
		head, _ := f.Head()
		require.Equal(t, core.Offset(3), head)
		require.Equal(t, core.Offset(1), lost.reached())
		require.True(t, lost.doubted)
	})
}
