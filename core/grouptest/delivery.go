package grouptest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// deliverySteps is the length of a random history.
const deliverySteps = 300

// RunDelivery does random things to consumer groups on the log and the store: append,
// poll, ack, nack, extend, commit, reset, replay, wait and crash. It compares every
// answer with a simple model. Each event is handed out until it is settled or a dead
// letter, to one consumer at a time, and in order where the group is ordered; in a group
// with an ordering key, the events of one key are in order and one at a time. The dead
// letters are exactly the events that had their attempts. A seed other than zero
// repeats a history.
func RunDelivery(t *testing.T, open func(t *testing.T) (core.EventLog, core.GroupStore), seed uint64) {
	t.Helper()
	for _, kind := range []kind{{mode: core.Ordered}, {mode: core.Shared}, {core.Shared, ordering}} {
		for _, seeks := range []bool{false, true} {
			name := string(kind.mode)
			if kind.ordering != "" {
				name += " by key"
			}
			if seeks {
				name += " with resets"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				log, store := open(t)
				seed := seed
				if seed == 0 {
					seed = rand.Uint64()
				}
				handOut(t, log, store, kind, seeks, seed)
			})
		}
	}
}

// kind is a kind of group.
type kind struct {
	mode     core.Mode
	ordering string
}

// ordering is the ordering key of the groups that have one.
const ordering = "payload.k"

// handOut plays one history, and then hands out and settles the rest.
func handOut(t *testing.T, log core.EventLog, store core.GroupStore, kind kind, seeks bool, seed uint64) {
	w := newWorld(t, log, store, seed)
	w.seeks = seeks
	step := 0
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("step %d of the history was %s; seed %d repeats it", step, w.doing, seed)
		}
	})
	w.append(1 + w.random.IntN(20))
	w.create(kind, 1+w.random.IntN(4))
	for ; step < deliverySteps; step++ {
		w.step()
		w.lapse()
		w.checkStatus()
	}
	w.drain()
}

// step does one random thing. The numbers are percentages.
func (w *world) step() {
	switch choice := w.random.IntN(100); {
	case choice < 10:
		w.append(1 + w.random.IntN(15))
	case choice < 40:
		w.poll(1 + w.random.IntN(12))
	case choice < 55:
		w.ack()
	case choice < 68:
		w.nack()
	case choice < 74:
		w.commit()
	case choice < 80:
		w.extend()
	case choice < 90:
		w.now = w.now.Add(time.Duration(w.random.Int64N(int64(4 * time.Second)))).Truncate(time.Microsecond)
		w.says("wait")
	case choice < 92:
		w.now = w.now.Add(20 * time.Second)
		w.says("wait for leases to expire")
	case choice < 94:
		w.stale()
	case choice < 96:
		w.says("crash of a server")
		w.nodes[w.random.IntN(len(w.nodes))] = w.newNode()
	case w.seeks:
		w.seek()
	default:
		w.replay()
	}
}

// poll asks for events and checks them, or that there were none to come.
func (w *world) poll(limit int) {
	w.Helper()
	w.lapse()
	w.says("poll %d", limit)
	d, err := w.node().Consumers.Poll(w.Context(), who, "orders", "mail", core.Poll{Limit: limit})
	w.must(err)
	if len(d.Events) == 0 {
		w.checkNothing()
		return
	}
	if len(d.Events) > limit {
		w.Fatalf("%s: %d events came", w.doing, len(d.Events))
	}
	if w.group.Mode == core.Ordered && len(w.leases) > 0 {
		w.Fatalf("%s: an ordered group has two runs in flight", w.doing)
	}
	l := &lease{id: d.Lease, until: d.ExpiresAt}
	for i := range d.Events {
		w.receive(l, d.Events[i].Offset, d.Attempts[i])
	}
	w.leases = append(w.leases, l)
	if w.group.Mode == core.Ordered {
		w.checkOrder(l)
	}
}

// receive checks one event of a poll.
func (w *world) receive(l *lease, offset core.Offset, attempt int) {
	w.Helper()
	f := w.fate(offset)
	switch {
	case f.settled:
		w.Fatalf("%s: event %d is settled and comes again", w.doing, offset)
	case f.lease != nil:
		w.Fatalf("%s: event %d comes while another consumer has it", w.doing, offset)
	case attempt != f.attempts+1:
		w.Fatalf("%s: event %d comes as attempt %d after %d", w.doing, offset, attempt, f.attempts)
	case attempt > w.group.MaxAttempts:
		w.Fatalf("%s: event %d comes a %d. time", w.doing, offset, attempt)
	case w.now.Before(f.due):
		w.Fatalf("%s: event %d comes before its delay is over", w.doing, offset)
	}
	w.checkKey(offset)
	f.attempts, f.lease, f.waits, f.due = attempt, l, false, time.Time{}
	l.offsets = append(l.offsets, offset)
}

// checkOrder checks that a run of an ordered group is in the order of offsets, and
// that it overtakes nothing.
func (w *world) checkOrder(l *lease) {
	w.Helper()
	if !slices.IsSorted(l.offsets) {
		w.Fatalf("%s: the run %v is not in order", w.doing, l.offsets)
	}
	for offset := range w.fates {
		if offset := core.Offset(offset); offset < l.offsets[len(l.offsets)-1] && !w.fates[offset].settled && w.fates[offset].lease == nil {
			w.Fatalf("%s: the run %v overtakes event %d", w.doing, l.offsets, offset)
		}
	}
}

// checkKey checks that no other event of an event's key is on its way, and that no
// earlier one is open. A replayed letter has no order.
func (w *world) checkKey(offset core.Offset) {
	w.Helper()
	for other := range w.fates {
		if w.blocks(core.Offset(other), offset) {
			w.Fatalf("%s: event %d comes, and %d of its key %q is not done with", w.doing, offset, other, w.keys[offset])
		}
	}
}

// blocks reports whether an event may not go out because of another one of its key.
func (w *world) blocks(other, offset core.Offset) bool {
	f := &w.fates[other]
	return w.group.OrderingKey != "" && w.replays[offset] == nil && w.keys[offset] != "" && w.keys[other] == w.keys[offset] &&
		other != offset && !f.settled && (other < offset || f.lease != nil || f.waits)
}

// checkNothing checks that an empty answer hides nothing. The model does not know when
// a backoff ends, so it expects only events that were never handed out.
func (w *world) checkNothing() {
	w.Helper()
	if w.group.Mode == core.Ordered && len(w.leases) > 0 || len(w.replays) > 0 {
		return
	}
	for offset := range w.fates {
		f := &w.fates[offset]
		if f.settled {
			continue
		}
		if f.waits && w.group.Mode == core.Ordered {
			return // everything after it waits too
		}
		blocked := false
		for other := range w.fates {
			blocked = blocked || w.blocks(core.Offset(other), core.Offset(offset))
		}
		if f.lease == nil && !f.waits && !blocked {
			w.Fatalf("%s: nothing comes, and event %d was never handed out", w.doing, offset)
		}
	}
}

// lease picks a live lease, or nil.
func (w *world) lease() *lease {
	if len(w.leases) == 0 {
		return nil
	}
	return w.leases[w.random.IntN(len(w.leases))]
}

// some picks a part of a lease's offsets, at least one.
func (w *world) some(l *lease) (offsets []core.Offset) {
	for _, offset := range l.offsets {
		if w.random.IntN(3) == 0 {
			offsets = append(offsets, offset)
		}
	}
	if offsets == nil {
		offsets = append(offsets, l.offsets[w.random.IntN(len(l.offsets))])
	}
	return offsets
}

// ack settles some or all of a lease.
func (w *world) ack() {
	w.Helper()
	l := w.lease()
	if l == nil {
		return
	}
	offsets := w.some(l)
	settled := offsets
	if w.random.IntN(2) == 0 {
		offsets, settled = nil, slices.Clone(l.offsets)
	}
	w.says("ack %v", offsets)
	w.must(w.node().Consumers.Ack(w.Context(), who, "orders", "mail", l.id, offsets))
	for _, offset := range settled {
		l.drop(offset)
		w.settle(offset)
	}
	w.tidy()
}

// nack refuses some of a lease, in all ways there are.
func (w *world) nack() {
	w.Helper()
	l := w.lease()
	if l == nil {
		return
	}
	var nacks []core.Nack
	for _, offset := range w.some(l) {
		nack := core.Nack{Offset: offset, Reason: "no", Action: []core.NackAction{"", core.NackRetry, core.NackRetry, core.NackPark, core.NackSkip}[w.random.IntN(5)]}
		if delay := core.Seconds(5 * time.Second); (nack.Action == "" || nack.Action == core.NackRetry) && w.random.IntN(2) == 0 {
			nack.Delay = &delay
		}
		nacks = append(nacks, nack)
	}
	w.says("nack %v", nacks)
	w.must(w.node().Consumers.Nack(w.Context(), who, "orders", "mail", l.id, nacks))
	lowest := core.Offset(-1)
	for _, nack := range nacks {
		l.drop(nack.Offset)
		switch nack.Action {
		case core.NackPark:
			w.park(nack.Offset)
		case core.NackSkip:
			w.settle(nack.Offset)
		default:
			if w.refused(nack) && (lowest < 0 || nack.Offset < lowest) {
				lowest = nack.Offset
			}
		}
	}
	if w.group.Mode == core.Ordered && lowest >= 0 {
		w.untake(l, lowest)
	}
	w.tidy()
}

// refused notes a refusal and reports whether the event is tried again.
func (w *world) refused(nack core.Nack) bool {
	w.failed(nack.Offset)
	f := w.fate(nack.Offset)
	if f.settled || !f.waits {
		return false
	}
	if nack.Delay != nil {
		f.due = w.now.Add(nack.Delay.Duration()).Truncate(time.Millisecond)
	}
	return true
}

// untake notes that the offsets of a lease from one on went back untouched.
func (w *world) untake(l *lease, from core.Offset) {
	for _, offset := range slices.Clone(l.offsets) {
		if offset >= from {
			l.drop(offset)
			f := w.fate(offset)
			f.attempts--
			f.lease, f.waits = nil, f.attempts > 0
		}
	}
}

// commit settles the beginning of a lease, with or without its receipt. While letters
// are replayed, an offset may be held twice and the model cannot tell which is meant.
func (w *world) commit() {
	w.Helper()
	l := w.lease()
	if l == nil || len(w.replays) > 0 {
		return
	}
	offset := l.offsets[w.random.IntN(len(l.offsets))]
	w.says("commit %d", offset)
	receipt := l.id
	if w.random.IntN(2) == 0 {
		receipt = core.ID{}
	}
	_, err := w.node().Consumers.Commit(w.Context(), who, "orders", "mail", offset, receipt)
	w.must(err)
	for _, settled := range slices.Clone(l.offsets) {
		if settled <= offset {
			l.drop(settled)
			w.settle(settled)
		}
	}
	w.tidy()
}

// extend gives a lease more time, or gives it back.
func (w *world) extend() {
	w.Helper()
	l := w.lease()
	if l == nil {
		return
	}
	longer := core.Seconds(w.random.Int64N(4)) * core.Seconds(10*time.Second)
	w.says("extend by %v", longer.Duration())
	until, err := w.node().Consumers.Extend(w.Context(), who, "orders", "mail", l.id, &longer)
	w.must(err)
	if longer == 0 {
		w.untake(l, 0)
		w.tidy()
		return
	}
	l.until = until
}
