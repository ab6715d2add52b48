package grouptest

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// stale presents a receipt of a lease that never was: everything is refused.
func (w *world) stale() {
	w.Helper()
	w.says("a stale receipt")
	id := newID(w.random, w.now)
	c := w.node().Consumers
	w.refuse(c.Ack(w.Context(), who, "orders", "mail", id, nil), core.CodeConflict)
	w.refuse(c.Nack(w.Context(), who, "orders", "mail", id, []core.Nack{{Offset: 0}}), core.CodeConflict)
	_, err := c.Extend(w.Context(), who, "orders", "mail", id, nil)
	w.refuse(err, core.CodeConflict)
	_, err = c.Commit(w.Context(), who, "orders", "mail", core.Offset(len(w.fates)), core.ID{})
	w.refuse(err, core.CodeValidation)
	if highest := core.Offset(len(w.fates)) - 1; !w.fates[highest].settled {
		_, err = c.Commit(w.Context(), who, "orders", "mail", highest, id)
		w.refuse(err, core.CodeConflict)
	}
}

// refuse checks that an answer is a refusal with a code.
func (w *world) refuse(err error, code core.Code) {
	w.Helper()
	if core.CodeOf(err) != code {
		w.Fatalf("%s: the answer is %v, not %s", w.doing, err, code)
	}
}

// seek resets the group to a random offset. Every receipt is stale after that.
func (w *world) seek() {
	w.Helper()
	to := core.Offset(w.random.IntN(len(w.fates) + 1))
	w.says("reset to %d", to)
	at, err := w.node().Groups.Reset(w.Context(), who, "orders", "mail", core.Start{Offset: &to})
	w.must(err)
	if at != to {
		w.Fatalf("%s: it went to %d", w.doing, at)
	}
	for offset := range w.fates {
		w.fates[offset] = fate{settled: core.Offset(offset) < to}
	}
	old := w.leases
	w.leases, w.committed = nil, to-1
	for _, l := range old {
		w.refuse(w.node().Consumers.Ack(w.Context(), who, "orders", "mail", l.id, nil), core.CodeConflict)
	}
}

// replay gives one dead letter back, throws one away, or gives all back.
func (w *world) replay() {
	w.Helper()
	n := w.node()
	w.says("look at dead letters")
	page, err := n.Letters.List(w.Context(), who, core.LetterQuery{State: core.Parked, Limit: core.MaxPageSize})
	w.must(err)
	if len(page.Items) == 0 {
		return
	}
	letter := page.Items[w.random.IntN(len(page.Items))]
	offset := letter.Event.Offset
	switch w.random.IntN(4) {
	case 0:
		w.says("discard the dead letter of %d", offset)
		w.must(n.Letters.Discard(w.Context(), who, letter.ID.String()))
		w.dead[offset]--
	case 1:
		w.says("replay all dead letters")
		_, err := n.Letters.ReplayAll(w.Context(), who, core.ReplaySpec{})
		w.must(err)
		w.must(w.node().Replayer.Work(w.Context()))
		for _, letter := range page.Items {
			w.replays[letter.Event.Offset] = &fate{}
		}
	default:
		w.says("replay the dead letter of %d", offset)
		_, err := n.Letters.Replay(w.Context(), who, letter.ID.String(), nil)
		w.must(err)
		w.replays[offset] = &fate{}
		_, err = w.node().Letters.Replay(w.Context(), who, letter.ID.String(), nil)
		w.refuse(err, core.CodeConflict)
	}
}

// checkStatus compares the status of the group with the model.
func (w *world) checkStatus() {
	w.Helper()
	status, err := w.node().Groups.Status(w.Context(), who, "orders", "mail")
	w.must(err)
	if status.CommittedOffset < w.committed {
		w.Fatalf("%s: the committed offset went back from %d to %d", w.doing, w.committed, status.CommittedOffset)
	}
	w.committed = status.CommittedOffset
	for offset := range w.fates {
		if core.Offset(offset) <= w.committed && !w.fates[offset].settled {
			w.Fatalf("%s: event %d is not settled, and %d is committed", w.doing, offset, w.committed)
		}
	}
	if status.EndOffset != core.Offset(len(w.fates)) {
		w.Fatalf("%s: the stream ends at %d, not %d", w.doing, status.EndOffset, len(w.fates))
	}
}

// maxDrain bounds the polls that empty a group.
const maxDrain = 5000

// drain acknowledges until nothing is left, and then compares the fate of every event
// with the model.
func (w *world) drain() {
	w.Helper()
	for range maxDrain {
		w.now = w.now.Add(time.Minute)
		w.lapse()
		w.poll(1 + w.random.IntN(30))
		for len(w.leases) > 0 {
			l := w.leases[0]
			w.must(w.node().Consumers.Ack(w.Context(), who, "orders", "mail", l.id, nil))
			for _, offset := range append([]core.Offset(nil), l.offsets...) {
				l.drop(offset)
				w.settle(offset)
			}
			w.tidy()
		}
		status, err := w.node().Groups.Status(w.Context(), who, "orders", "mail")
		w.must(err)
		if status.Lag == 0 {
			w.settled()
			return
		}
	}
	w.Fatalf("the group does not get to the end of its stream")
}

// settled compares the end of a history with the model: every event is settled, and
// there are as many dead letters as there should be, with the events as they were.
func (w *world) settled() {
	w.Helper()
	for offset := range w.fates {
		if !w.fates[offset].settled {
			w.Errorf("event %d was neither settled nor parked, and the group is at its end", offset)
		}
	}
	letters := map[core.Offset]int{}
	page, err := w.store.DeadLetters(w.Context(), org, core.LetterScan{Limit: 100_000})
	w.must(err)
	for _, letter := range page {
		letters[letter.Event.Offset]++
		if want := w.payload(letter.Event.Offset); string(letter.Event.Payload) != want {
			w.Errorf("the dead letter of event %d holds the payload %s", letter.Event.Offset, letter.Event.Payload)
		}
		if len(letter.Attempts) == 0 || letter.State != core.Parked {
			w.Errorf("the dead letter of event %d is %s and has %d attempts", letter.Event.Offset, letter.State, len(letter.Attempts))
		}
	}
	for offset := range w.fates {
		if offset := core.Offset(offset); letters[offset] != w.dead[offset] {
			w.Errorf("event %d has %d dead letters, and %d times it had its attempts", offset, letters[offset], w.dead[offset])
		}
	}
}
