package history_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// finding is a violation without its words.
type finding struct {
	rule   string
	offset int64
}

// faults break one promise each, in orders behind the clean traffic, which ends
// at offset 9.
var faults = map[string]struct {
	plant func(*server)
	want  []finding
}{
	"acknowledged before it was stored": {func(s *server) {
		s.invoke(0, orders, s.event("")).Acked([]history.Receipt{{ID: "lost", Offset: 10}})
	}, []finding{{history.RuleMissing, 10}}},
	"acknowledged, lost in a crash, its offset given again": {func(s *server) {
		s.invoke(0, orders, s.event("")).Acked([]history.Receipt{{ID: "lost", Offset: 10}})
		s.send(1, orders, s.event(""))
	}, []finding{{history.RuleMissing, 10}}},
	"acknowledged on a stream that is empty": {func(s *server) {
		s.invoke(0, "other", s.event("")).Acked([]history.Receipt{{ID: "lost", Offset: 0}})
	}, []finding{{history.RuleMissing, 0}}},
	"one of a batch lost": {func(s *server) {
		events := s.events(3)
		op := s.invoke(0, orders, events...)
		receipts := s.store(orders, events[:2]...)
		op.Acked(append(receipts, history.Receipt{ID: "lost", Offset: 12}))
	}, []finding{{history.RuleMissing, 12}}},
	"acknowledged as the duplicate of another event": {func(s *server) {
		s.send(0, orders, s.event("same"))
	}, []finding{{history.RuleMissing, 4}}},
	"no key, sent twice, one stored for both": {func(s *server) {
		e := s.event("")
		receipts := s.send(0, orders, e)
		s.invoke(0, orders, e).Acked(receipts)
	}, []finding{{history.RuleMissing, 10}}},

	"acknowledged with the receipt of an event whose own answer was lost": {func(s *server) {
		a, b := s.event(""), s.event("")
		s.invoke(1, orders, b).Unknown()
		s.invoke(0, orders, a).Acked(s.store(orders, b))
	}, []finding{{history.RuleMissing, 10}}},
	"acknowledged with the receipt of an event that is stored twice": {func(s *server) {
		a, b := s.event(""), s.event("")
		opA, opB := s.invoke(0, orders, a), s.invoke(1, orders, b)
		receipts := s.store(orders, b)
		s.append(orders, b)
		opA.Acked(receipts)
		opB.Acked(receipts)
	}, []finding{{history.RuleMissing, 10}, {history.RuleStoredTwice, 11}}},

	"acknowledged at another offset": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		receipt := s.append(orders, e)
		receipt.Offset++
		op.Acked([]history.Receipt{receipt})
		s.send(0, orders, s.event(""))
	}, []finding{{history.RuleMisplaced, 10}}},
	"acknowledged with another id": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		s.append(orders, e)
		op.Acked([]history.Receipt{{ID: "another", Offset: 10}})
	}, []finding{{history.RuleMisplaced, 10}}},
	"receipts of a batch in another order": {func(s *server) {
		events := s.events(2)
		op := s.invoke(0, orders, events...)
		receipts := s.store(orders, events...)
		op.Acked([]history.Receipt{receipts[1], receipts[0]})
	}, []finding{{history.RuleMisplaced, 10}, {history.RuleMisplaced, 11}}},
	"a duplicate that names another offset": {func(s *server) {
		e := s.event("key")
		s.send(0, orders, e)
		s.invoke(0, orders, e).Acked([]history.Receipt{{ID: "orders-9", Offset: 9, Duplicate: true}})
	}, []finding{{history.RuleMisplaced, 10}}},

	"one call stored twice": {func(s *server) {
		e := s.event("")
		s.send(0, orders, e)
		s.append(orders, e)
	}, []finding{{history.RuleStoredTwice, 11}}},
	"stored twice, the second acknowledged": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		s.append(orders, e)
		op.Acked(s.store(orders, e))
	}, []finding{{history.RuleStoredTwice, 10}}},
	"unknown and stored twice": {func(s *server) {
		e := s.event("")
		s.invoke(0, orders, e).Unknown()
		s.store(orders, e, e)
	}, []finding{{history.RuleStoredTwice, 11}}},
	"no key, sent twice, stored three times": {func(s *server) {
		e := s.event("")
		s.invoke(0, orders, e).Unknown()
		s.store(orders, e)
		s.send(0, orders, e)
		s.append(orders, e)
	}, []finding{{history.RuleStoredTwice, 12}}},
	"a retry with a key stored again": {func(s *server) {
		e := s.event("key")
		s.invoke(0, orders, e).Unknown()
		s.append(orders, e)
		s.invoke(0, orders, e).Acked([]history.Receipt{s.append(orders, e)})
	}, []finding{{history.RuleStoredTwice, 10}}},
	"two acknowledgements of a key at two offsets": {func(s *server) {
		e := s.event("key")
		s.invoke(0, orders, e).Acked([]history.Receipt{s.append(orders, e)})
		s.invoke(0, orders, e).Acked([]history.Receipt{s.append(orders, e)})
	}, []finding{{history.RuleStoredTwice, 11}}},
	"one of a batch stored before it, too": {func(s *server) {
		a, b := s.event(""), s.event("")
		op := s.invoke(0, orders, a, b)
		s.append(orders, b)
		op.Acked(s.store(orders, a, b))
	}, []finding{{history.RuleStoredTwice, 10}}},
	"two events with one key": {func(s *server) {
		a, b := s.event("key"), s.event("key")
		s.invoke(0, orders, a).Acked([]history.Receipt{s.append(orders, a)})
		s.invoke(0, orders, b).Acked([]history.Receipt{s.append(orders, b)})
	}, []finding{{history.RuleStoredTwice, 11}}},

	"a gap": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		s.append(orders, e)
		s.logs[orders][10].Offset = 11
		op.Acked([]history.Receipt{{ID: "orders-10", Offset: 11}})
	}, []finding{{history.RuleOffsets, 11}}},
	"a log that starts late": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, "other", e)
		s.append("other", e)
		s.logs["other"][0].Offset = 1
		op.Acked([]history.Receipt{{ID: "other-0", Offset: 1}})
	}, []finding{{history.RuleOffsets, 1}}},
	"disorder": {func(s *server) {
		s.logs[orders][8], s.logs[orders][9] = s.logs[orders][9], s.logs[orders][8]
	}, []finding{{history.RuleOffsets, 8}, {history.RuleOffsets, 9}}},
	"an offset given twice": {func(s *server) {
		a, b := s.event(""), s.event("")
		opA, opB := s.invoke(0, orders, a), s.invoke(1, orders, b)
		opA.Acked([]history.Receipt{s.append(orders, a)})
		s.append(orders, b)
		s.logs[orders][11].Offset = 10
		opB.Acked([]history.Receipt{{ID: "orders-11", Offset: 10}})
	}, []finding{{history.RuleOffsets, 10}}},

	"payload serialised again": {func(s *server) {
		s.send(0, orders, s.event(""))
		s.logs[orders][10].Payload = strings.ReplaceAll(s.logs[orders][10].Payload, " ", "")
	}, []finding{{history.RuleAltered, 10}}},
	"number lost a digit, outcome unknown": {func(s *server) {
		e := s.event("")
		s.invoke(0, orders, e).Unknown()
		s.store(orders, e)
		s.logs[orders][10].Payload = strings.Replace(e.Payload, "1.50", "1.5", 1)
	}, []finding{{history.RuleAltered, 10}}},
	"altered, with a marker unlike the others": {func(s *server) {
		e := history.Sent{Marker: "unlike", Payload: `{"marker": "unlike"}`}
		s.invoke(0, orders, e).Unknown()
		s.store(orders, e)
		s.logs[orders][10].Payload = `{"marker":"unlike"}`
	}, []finding{{history.RuleAltered, 10}}},
	"payload of another event, from a buffer used again": {func(s *server) {
		s.send(0, orders, s.event(""))
		s.send(0, orders, s.event(""))
		s.logs[orders][10].Payload = s.logs[orders][11].Payload
	}, []finding{{history.RuleAltered, 10}}},
	"payload of an older event, from a buffer used again": {func(s *server) {
		s.send(0, orders, s.event(""))
		s.send(0, orders, s.event(""))
		s.logs[orders][11].Payload = s.logs[orders][10].Payload
	}, []finding{{history.RuleAltered, 11}}},
	"payload overwritten, no marker left": {func(s *server) {
		s.send(0, orders, s.event(""))
		s.logs[orders][10].Payload = "null"
	}, []finding{{history.RuleAltered, 10}}},
	"payload cut inside its marker": {func(s *server) {
		s.send(0, orders, s.events(20)...)
		s.logs[orders][25].Payload = s.logs[orders][25].Payload[:len(`{"marker": "m-1`)]
	}, []finding{{history.RuleAltered, 25}}},
	"stored under another key": {func(s *server) {
		s.send(0, orders, s.event("key"))
		s.logs[orders][10].Key = "another"
	}, []finding{{history.RuleAltered, 10}}},

	"refused and stored": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		s.store(orders, e)
		op.Refused()
	}, []finding{{history.RuleRefusedStored, 10}}},
	"refused with a key and stored": {func(s *server) {
		e := s.event("key")
		s.invoke(0, orders, e).Refused()
		s.invoke(0, orders, e).Refused()
		s.store(orders, e)
	}, []finding{{history.RuleRefusedStored, 10}}},
	"refused for its key and stored": {func(s *server) {
		s.send(0, orders, s.event("key"))
		e := s.event("key")
		s.invoke(0, orders, e).Refused()
		s.append(orders, e)
	}, []finding{{history.RuleRefusedStored, 11}}},
	"one of a batch refused and stored": {func(s *server) {
		events := s.events(2)
		op := s.invoke(0, orders, events...)
		receipts := s.store(orders, events...)
		op.Acked([]history.Receipt{receipts[0], {Refused: true}})
	}, []finding{{history.RuleRefusedStored, 11}}},

	"a producer's calls out of order": {func(s *server) {
		first, second := s.event(""), s.event("")
		later := s.store(orders, second, first)
		s.invoke(0, orders, first).Acked(later[1:])
		s.invoke(0, orders, second).Acked(later[:1])
	}, []finding{{history.RuleOutOfOrder, 10}}},
	"a producer's later call out of order, outcome unknown": {func(s *server) {
		first, second := s.event(""), s.event("")
		later := s.store(orders, second, first)
		s.invoke(0, orders, first).Acked(later[1:])
		s.invoke(0, orders, second).Unknown()
	}, []finding{{history.RuleOutOfOrder, 10}}},
	"two producers' calls, one after the other, out of order": {func(s *server) {
		first, second := s.event(""), s.event("")
		later := s.store(orders, second, first)
		s.invoke(0, orders, first).Acked(later[1:])
		s.invoke(1, orders, second).Acked(later[:1])
	}, []finding{{history.RuleOutOfOrder, 10}}},
	"sent after a follower had read past it": {func(s *server) {
		first, second := s.event(""), s.event("")
		op := s.invoke(0, orders, first)
		later := s.store(orders, second, first)
		s.rec.Observed(0, orders, s.read(orders, 10, 12))
		op.Unknown()
		s.invoke(1, orders, second).Acked(later[:1])
	}, []finding{{history.RuleOutOfOrder, 10}}},
	"a batch out of order": {func(s *server) {
		a, b := s.event(""), s.event("")
		op := s.invoke(0, orders, a, b)
		receipts := s.store(orders, b, a)
		op.Acked([]history.Receipt{receipts[1], receipts[0]})
	}, []finding{{history.RuleOutOfOrder, 10}}},
	"a batch of unknown outcome out of order": {func(s *server) {
		a, b := s.event(""), s.event("")
		s.invoke(0, orders, a, b).Unknown()
		s.store(orders, b, a)
	}, []finding{{history.RuleOutOfOrder, 10}}},

	"half a batch": {func(s *server) {
		events := s.events(4)
		s.invoke(0, orders, events...).Unknown()
		s.store(orders, events[1:3]...)
	}, []finding{{history.RuleHalfBatch, 10}}},
	"half a batch, never answered": {func(s *server) {
		events := s.events(2)
		s.invoke(0, orders, events...)
		s.store(orders, events[0])
	}, []finding{{history.RuleHalfBatch, 10}}},
	"half a batch with keys, retried as a whole": {func(s *server) {
		a, b := s.event("a"), s.event("b")
		s.invoke(0, orders, a, b).Unknown()
		s.store(orders, a)
		s.invoke(0, orders, a, b).Unknown()
	}, []finding{{history.RuleHalfBatch, 10}}},

	"an id given twice": {func(s *server) {
		e := s.event("")
		op := s.invoke(0, orders, e)
		s.append(orders, e)
		s.logs[orders][10].ID = "payments-1"
		op.Acked([]history.Receipt{{ID: "payments-1", Offset: 10}})
	}, []finding{{history.RuleIDReused, 1}}},

	"stored and never sent": {func(s *server) {
		s.append(orders, history.Sent{Payload: `{"marker": "x-1"}`})
	}, []finding{{history.RuleNeverSent, 10}}},
	"stored in another stream": {func(s *server) {
		e := s.event("")
		s.invoke(0, payments, e).Unknown()
		s.append(orders, e)
	}, []finding{{history.RuleNeverSent, 10}}},

	"follower saw an offset change": {func(s *server) {
		s.rec.Observed(1, orders, append(s.read(orders, 0, 2), history.Seen{Offset: 2, ID: "gone"}))
		s.rec.Observed(1, orders, s.read(orders, 2, 10))
	}, []finding{{history.RuleFollowerChanged, 2}}},
	"follower saw two events swapped": {func(s *server) {
		page := s.read(orders, 0, 10)
		page[4], page[5] = page[5], page[4]
		s.rec.Observed(1, orders, page)
	}, []finding{{history.RuleFollowerOrder, 4}}},
	"follower saw an event again": {func(s *server) {
		s.rec.Observed(1, orders, s.read(orders, 0, 5))
		s.rec.Observed(1, orders, s.read(orders, 4, 10))
	}, []finding{{history.RuleFollowerOrder, 4}}},
	"follower skipped an event": {func(s *server) {
		s.rec.Observed(1, orders, s.read(orders, 0, 5))
		s.rec.Observed(1, orders, s.read(orders, 6, 10))
	}, []finding{{history.RuleFollowerSkipped, 5}}},
	"follower skipped the first event": {func(s *server) {
		s.rec.Observed(1, orders, s.read(orders, 1, 10))
	}, []finding{{history.RuleFollowerSkipped, 0}}},
	"follower saw an id that is elsewhere": {func(s *server) {
		s.rec.Observed(1, orders, append(s.read(orders, 0, 2), history.Seen{Offset: 2, ID: "orders-3"}))
	}, []finding{{history.RuleFollowerDiverged, 2}}},
	"follower saw an event that was rolled back": {func(s *server) {
		s.rec.Observed(1, orders, append(s.read(orders, 0, 10), history.Seen{Offset: 10, ID: "gone"}))
	}, []finding{{history.RuleFollowerDiverged, 10}}},
}

func TestCheckCatchesEachFaultByItsRule(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traffic(t)
			fault.plant(s)
			var found []finding
			violations := s.check()
			for _, v := range violations {
				found = append(found, finding{v.Rule, v.Offset})
				require.NotEmpty(t, v.Stream)
				require.NotEmpty(t, v.Detail)
			}
			require.Equal(t, fault.want, found, "%v", violations)
		})
	}
}

func TestEveryRuleHasAFault(t *testing.T) {
	t.Parallel()
	planted := map[string]bool{}
	for _, fault := range faults {
		planted[fault.want[0].rule] = true
	}
	require.Len(t, planted, 14)
}

// TestCheckAcceptsWhatIsAllowed has the cases that look like faults.
func TestCheckAcceptsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(*server){
		"nothing more": func(*server) {},
		"no key, sent twice, stored twice": func(s *server) {
			e := s.event("")
			s.invoke(0, orders, e).Unknown()
			s.store(orders, e)
			s.send(0, orders, e)
		},
		"refused, then acknowledged": func(s *server) {
			e := s.event("key")
			s.invoke(0, orders, e).Refused()
			s.send(0, orders, e)
			s.invoke(0, orders, e).Refused()
		},
		"stored at first, acknowledged by the retry after a later event": func(s *server) {
			e := s.event("key")
			s.invoke(0, orders, e).Unknown()
			s.store(orders, e)
			s.send(1, orders, s.event(""))
			s.send(0, orders, e)
		},
		"two calls at once in either order": func(s *server) {
			a, b := s.event(""), s.event("")
			opA, opB := s.invoke(0, orders, a), s.invoke(1, orders, b)
			receipts := s.store(orders, b, a)
			opA.Acked(receipts[1:])
			opB.Acked(receipts[:1])
		},
		"a batch with keys, one of them taken, outcome unknown": func(s *server) {
			taken, fresh := s.event("taken"), s.event("fresh")
			s.send(0, orders, taken)
			s.invoke(0, orders, taken, fresh).Unknown()
		},
		"a batch that comes late, its retried part stored before": func(s *server) {
			a, b := s.event("a"), s.event("b")
			op := s.invoke(0, orders, a, b)
			s.send(1, orders, b)
			op.Acked(s.store(orders, a, b))
		},
		"a batch retried in parts": func(s *server) {
			a, b := s.event("a"), s.event("b")
			s.invoke(0, orders, a, b).Unknown()
			s.send(0, orders, b)
		},
		"a key twice in one batch": func(s *server) {
			e := s.event("key")
			s.send(0, orders, e, s.event(""), e)
		},
		"a log that was read without keys": func(s *server) {
			s.send(0, orders, s.event("key"))
			for i := range s.logs[orders] {
				s.logs[orders][i].Key = ""
			}
		},
		"a payload that is not UTF-8": func(s *server) {
			e := s.event("")
			e.Payload += "\xff\x00"
			s.send(0, orders, e)
		},
		"a key refused for another payload": func(s *server) {
			s.send(0, orders, s.event("key"))
			s.invoke(0, orders, s.event("key")).Refused()
		},
		"a follower that is behind, and one that starts anew": func(s *server) {
			s.rec.Observed(1, orders, s.read(orders, 0, 3))
			s.rec.Observed(2, orders, s.read(orders, 0, 10))
			s.rec.Observed(2, orders, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traffic(t)
			play(s)
			require.Empty(t, s.check())
		})
	}
}
