package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var ending = []guarantee{
	{"Check is honest about durability", check},
	{"calls after Close fail and do not panic", closed},
	{"Close waits for running calls", closeWaits},
	{"whoever tells of connections has none in use when nobody calls", givesConnectionsBack},
	{"whoever tells of a disk knows its room", knowsItsDisk},
}

var reopening = []guarantee{
	{"events, bounds and the clock survive", reopen},
	{"idempotency keys survive", reopenKeys},
	{"what was trimmed stays gone", reopenTrimmed},
	{"what was acknowledged while closing survives", reopenWhileWriting},
}

func check(s *suite) {
	err := s.storage.Check(context.Background())
	if s.features.Reopen != nil {
		s.must(err, "Check")
		return
	}
	s.check(errors.Is(err, core.ErrRelaxedDurability), "Check must wrap core.ErrRelaxedDurability when nothing survives Close, got %v", err)
}

func closed(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.entries(1)))
	s.must(s.storage.Close(), "Close")
	ctx := context.Background()
	for call, do := range map[string]func() error{
		"Append":   func() error { return s.storage.Append(ctx, s.at, []core.Batch{batch(stream, s.entries(1))}) },
		"Read":     func() error { _, err := s.storage.Read(ctx, stream, core.Scan{Limit: 1}); return err },
		"ReadAll":  func() error { _, err := s.storage.ReadAll(ctx, org, core.AllScan{Limit: 1}); return err },
		"Bounds":   func() error { _, err := s.storage.Bounds(ctx, []core.ID{stream}); return err },
		"OffsetAt": func() error { _, err := s.storage.OffsetAt(ctx, stream, s.at); return err },
		"Trim":     func() error { return s.storage.Trim(ctx, stream, s.at) },
		"Check": func() error {
			if err := s.storage.Check(ctx); !errors.Is(err, core.ErrRelaxedDurability) {
				return err
			}
			return nil
		},
	} {
		err := do()
		s.check(err != nil, "%s after Close must fail", call)
		s.check(!errors.Is(err, core.ErrUnknownOutcome), "%s after Close must fail for certain, got %v", call, err)
	}
	_ = s.storage.Close() // a second Close may fail, but must not panic
}

// writeUntilClosed appends from several goroutines, calls end once each has an
// acknowledgement, and returns what was acknowledged when all were refused.
func (s *suite) writeUntilClosed(stream core.ID, end func()) map[core.ID]core.Offset {
	storage := s.storage
	acknowledged := map[core.ID]core.Offset{}
	var closed atomic.Bool
	var mu sync.Mutex
	var running, writing sync.WaitGroup
	running.Add(4)
	for w := range 4 {
		own := &suite{T: s.T, at: s.at, count: w << 20}
		writing.Go(func() {
			started := sync.OnceFunc(running.Done)
			defer started()
			for {
				// Looked at before the call: a call that begins after Close must fail.
				ended := closed.Load()
				entries := own.entries(2)
				if storage.Append(context.Background(), own.at, []core.Batch{batch(stream, entries)}) != nil {
					return
				}
				if ended {
					s.Errorf("Append must fail after Close")
					return
				}
				mu.Lock()
				for i := range entries {
					acknowledged[entries[i].ID] = entries[i].Offset
				}
				mu.Unlock()
				started()
			}
		})
	}
	running.Wait()
	end()
	closed.Store(true)
	writing.Wait()
	return acknowledged
}

// closeWaits closes while others write. What was acknowledged must have been stored
// before Close returned, at an offset of its own.
func closeWaits(s *suite) {
	stream := s.newStream()
	acknowledged := s.writeUntilClosed(stream, func() {
		if err := s.storage.Close(); err != nil {
			s.Errorf("Close while calls run must wait for them: %v", err)
		}
	})
	taken := map[core.Offset]bool{}
	for _, offset := range acknowledged {
		taken[offset] = true
	}
	s.check(len(taken) == len(acknowledged), "%d events were acknowledged while closing, at %d offsets", len(acknowledged), len(taken))
}

// patience bounds the wait for connections, which may be given back behind the answer.
const patience = 10 * time.Second

func givesConnectionsBack(s *suite) {
	pooled, tells := s.storage.(core.Pooled)
	if !tells {
		return
	}
	stream := s.newStream()
	s.append(batch(stream, s.entries(3)))
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := s.storage.Read(context.Background(), stream, core.Scan{Limit: 2}); err != nil {
				s.Errorf("Read: %v", err)
			}
		})
	}
	calls.Wait()
	pool := pooled.Pool()
	if s.features.Shards != nil && pool == (core.PoolLoad{}) {
		return // of shards that reach their engines otherwise
	}
	for late := time.Now().Add(patience); pool.InUse > 0 && time.Now().Before(late); pool = pooled.Pool() {
		runtime.Gosched()
	}
	s.check(pool.InUse == 0, "no connection must be in use when nobody calls, got %+v", pool)
	s.check(pool.Idle > 0 && (pool.Limit == 0 || pool.Idle <= pool.Limit), "those that were used must be idle, and no more than there may be, got %+v", pool)
	s.check(pool.Waits >= 0 && pool.Waited >= 0, "nobody can have waited less than not at all, got %+v", pool)
}

func knowsItsDisk(s *suite) {
	housed, tells := s.storage.(core.Housed)
	if !tells {
		return
	}
	disk, err := housed.Disk()
	s.must(err, "Disk")
	s.check(disk.Free >= 0 && disk.Free <= disk.Size, "a disk must have no more room than its size, got %+v", disk)
}

// reopen closes the storage and opens it again.
func (s *suite) reopen() {
	s.Helper()
	s.storage = s.closing(s.features.Reopen(s.T, s.storage))
}

func reopen(s *suite) {
	a, b := s.newStream(), s.newStream()
	entries := s.entries(3)
	entries[0].Payload, entries[1].Context = []byte(" { \"a\" : 1.10 } "), []byte(`{"trace_id":"x"}`)
	want := s.append(batch(a, entries))
	s.at = s.at.Add(2 * day)
	want = append(want, s.append(batch(a, s.entries(2)))...)
	other := s.append(batch(b, s.entries(1)))
	for range 2 {
		s.reopen()
		s.same(s.everything(a), want)
		s.same(s.everything(b), other)
		s.hasBounds(a, 0, 5, s.at)
		s.check(len(s.readAll(org, core.AllScan{Limit: all})) == 6, "ReadAll must show all events after opening again")
		s.offsetAt(a, start.Add(day), 3)
		s.must(s.storage.Check(context.Background()), "Check")
	}
	s.at = s.at.Add(-time.Second)
	s.refused(batch(a, s.entries(1)))
	s.at = s.at.Add(time.Minute)
	more := s.append(batch(a, s.entries(1)), batch(s.newStream(), s.entries(1)))
	s.check(more[0].Offset == 5 && more[1].Offset == 0, "offsets must go on at 5, and at 0 in a new stream, got %v", offsets(more))
}

func reopenKeys(s *suite) {
	stream := s.newStream()
	first := s.append(batch(stream, s.keyed("k", `1`)))[0]
	s.reopen()
	s.at = s.at.Add(time.Hour)
	same := s.keyed("k", `1`)
	s.append(batch(stream, same))
	s.isDuplicate(same[0], first)
	other := s.keyed("k", `2`)
	s.append(batch(stream, other))
	s.check(other[0].Outcome == core.Mismatch, "fingerprints must survive: a Mismatch, got outcome %d", other[0].Outcome)
	late := s.keyed("k", `2`)
	s.appendWithin(first.ReceivedAt.Add(time.Microsecond), stream, late)
	s.check(late[0].Outcome == core.Stored, "a key's time must survive: it was received before KeysSince, got outcome %d", late[0].Outcome)
}

func reopenTrimmed(s *suite) {
	stream, emptied := s.newStream(), s.newStream()
	s.append(batch(emptied, s.entries(3)))
	want := s.week(stream)
	s.trim(stream, want[12].ReceivedAt)
	s.trim(emptied, s.at)
	bounds := s.bounds(stream)
	s.reopen()
	s.hasBounds(stream, bounds.First, bounds.Next, bounds.Last)
	s.same(s.everything(stream), want[bounds.First:])
	s.hasBounds(emptied, 3, 3, start)
	more := s.append(batch(emptied, s.entries(1)))
	s.check(more[0].Offset == 3, "removed offsets must never be given again: the next event must be at 3, got %d", more[0].Offset)
}

func reopenWhileWriting(s *suite) {
	stream := s.newStream()
	acknowledged := s.writeUntilClosed(stream, s.reopen)
	got := s.everything(stream)
	s.gapless(got, 0)
	there := map[core.ID]core.Offset{}
	for i := range got {
		there[got[i].ID] = got[i].Offset
	}
	for id, offset := range acknowledged {
		at, ok := there[id]
		s.check(ok && at == offset, "an event acknowledged at %d while closing must be there, got offset %d, found %t", offset, at, ok)
	}
}
