package grouptest

import (
	"bytes"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// byID is the order in which letters are scanned.
func byID(a, b core.DeadLetter) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// letters reads letters of the first organization.
func (s *suite) letters(scan core.LetterScan) []core.DeadLetter {
	s.Helper()
	all, err := s.store.DeadLetters(s.Context(), org, scan)
	s.must(err)
	return all
}

// A letter outlives its event, so its copy is the event, byte for byte: white space,
// the order of keys, and characters that look like an end of text.
func storedLetters(s *suite) {
	group := s.created(s.id(), "mail")
	full, bare := s.letter(group, 1<<40, "no \"reason\" 'at' all"), s.letter(group, 0, "")
	bare.Event.Context, bare.Event.Subject, bare.Event.APIKeyID, bare.Event.IdempotencyKey = nil, "", core.ID{}, ""
	bare.Event.Payload = []byte(`"\u0000"`)
	s.must(s.step(group, 1, core.Step{Letters: []core.DeadLetter{full, bare}}))
	for _, want := range []core.DeadLetter{full, bare} {
		got, err := s.store.DeadLetter(s.Context(), org, want.ID)
		s.must(err)
		s.equal(got, want)
	}
	_, err := s.store.DeadLetter(s.Context(), org, s.id())
	s.refused(err, core.CodeNotFound)
}

// many stores n letters of a group and returns them by id.
func (s *suite) many(group core.Group, n int) []core.DeadLetter {
	s.Helper()
	all := make([]core.DeadLetter, n)
	for i := range all {
		all[i] = s.letter(group, core.Offset(i), "x")
	}
	s.must(s.step(group, 1, core.Step{Letters: all}))
	slices.SortFunc(all, byID)
	return all
}

// Letters are read in pages by id, in both directions. Both ends of a scan are open.
func scannedLetters(s *suite) {
	all := s.many(s.created(s.id(), "mail"), 1100)
	s.equal(s.letters(core.LetterScan{Limit: 2000}), all)
	s.equal(s.letters(core.LetterScan{Limit: 3}), all[:3])
	s.equal(s.letters(core.LetterScan{After: all[2].ID, Limit: 3}), all[3:6])
	s.equal(s.letters(core.LetterScan{After: all[2].ID, Before: all[5].ID, Limit: 10}), all[3:5])
	backward := slices.Clone(all)
	slices.Reverse(backward)
	s.equal(s.letters(core.LetterScan{Backward: true, Limit: 4}), backward[:4])
	s.equal(s.letters(core.LetterScan{Backward: true, Before: backward[3].ID, Limit: 2}), backward[4:6])
	s.equal(len(s.letters(core.LetterScan{After: all[1099].ID, Limit: 1})), 0)
}

// Filters are equalities, also where a value looks like a pattern or like SQL.
func selectedLetters(s *suite) {
	mail, bill := s.created(s.id(), "mail"), s.created(s.id(), "bill")
	one, two, three := s.letter(mail, 1, "slow"), s.letter(mail, 2, "50%_"), s.letter(bill, 1, "slow")
	two.Event.Type, two.State = "other", core.Replaying
	s.must(s.step(mail, 1, core.Step{Letters: []core.DeadLetter{one, two}}))
	s.must(s.step(bill, 1, core.Step{Letters: []core.DeadLetter{three}}))
	offset := core.Offset(1)
	for _, c := range []struct {
		scan core.LetterScan
		want []core.DeadLetter
	}{
		{core.LetterScan{Filter: core.LetterFilter{Stream: mail.Stream}}, []core.DeadLetter{one, two}},
		{core.LetterScan{Filter: core.LetterFilter{Group: bill.ID}}, []core.DeadLetter{three}},
		{core.LetterScan{Filter: core.LetterFilter{Reason: "slow"}}, []core.DeadLetter{one, three}},
		{core.LetterScan{Filter: core.LetterFilter{Reason: "50%_"}}, []core.DeadLetter{two}},
		{core.LetterScan{Filter: core.LetterFilter{Reason: "%"}}, []core.DeadLetter{}},
		{core.LetterScan{Filter: core.LetterFilter{Reason: "' or 1=1 --"}}, []core.DeadLetter{}},
		{core.LetterScan{Filter: core.LetterFilter{Type: "other"}}, []core.DeadLetter{two}},
		{core.LetterScan{Filter: core.LetterFilter{State: core.Replaying}}, []core.DeadLetter{two}},
		{core.LetterScan{Filter: core.LetterFilter{Offset: &offset}}, []core.DeadLetter{one, three}},
		{core.LetterScan{Filter: core.LetterFilter{Stream: mail.Stream, Offset: &offset}}, []core.DeadLetter{one}},
		{core.LetterScan{Streams: []core.ID{bill.Stream, s.id()}}, []core.DeadLetter{three}},
		{core.LetterScan{Streams: []core.ID{s.id()}}, []core.DeadLetter{}},
	} {
		c.scan.Limit = 10
		slices.SortFunc(c.want, byID)
		s.equal(append([]core.DeadLetter{}, s.letters(c.scan)...), c.want)
	}
}

// The most frequent reason comes first, because people look for that one.
func countedLetters(s *suite) {
	mail, bill := s.created(s.id(), "mail"), s.created(s.id(), "bill")
	var all []core.DeadLetter
	for i := range core.Offset(5) {
		all = append(all, s.letter(mail, i, "slow"))
	}
	all = append(all, s.letter(mail, 9, "bad"), s.letter(mail, 10, "bad"))
	s.must(s.step(mail, 1, core.Step{Letters: all}))
	s.must(s.step(bill, 1, core.Step{Letters: []core.DeadLetter{s.letter(bill, 1, "slow")}}))
	count := func(scan core.LetterScan) []core.LetterCount {
		counts, err := s.store.CountDeadLetters(s.Context(), org, scan)
		s.must(err)
		return counts
	}
	want := []core.LetterCount{
		{Stream: mail.Stream, Group: mail.ID, Reason: "slow", Count: 5},
		{Stream: mail.Stream, Group: mail.ID, Reason: "bad", Count: 2},
		{Stream: bill.Stream, Group: bill.ID, Reason: "slow", Count: 1},
	}
	s.equal(count(core.LetterScan{Limit: 10}), want)
	s.equal(count(core.LetterScan{Limit: 2}), want[:2])
	s.equal(count(core.LetterScan{Limit: 10, Filter: core.LetterFilter{Reason: "bad"}}), want[1:2])
	s.equal(count(core.LetterScan{Limit: 10, Streams: []core.ID{bill.Stream}}), want[2:])
}

// One organization's ids are worth nothing to another one.
func isolation(s *suite) {
	group := s.created(s.id(), "mail")
	letter, replay := s.many(group, 1)[0], s.replay()
	s.must(s.store.CreateReplay(s.Context(), replay))
	_, err := s.store.DeadLetter(s.Context(), other, letter.ID)
	s.refused(err, core.CodeNotFound)
	_, err = s.store.Replay(s.Context(), other, replay.ID)
	s.refused(err, core.CodeNotFound)
	foreign, err := s.store.DeadLetters(s.Context(), other, core.LetterScan{Limit: 10})
	s.must(err)
	s.equal(len(foreign), 0)
	counts, err := s.store.CountDeadLetters(s.Context(), other, core.LetterScan{Limit: 10})
	s.must(err)
	s.equal(len(counts), 0)
}
