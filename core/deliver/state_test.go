package deliver

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
)

var leaseStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// where is what has become of one offset.
type where struct {
	kind     byte // of "new", "leased", "waiting", "queued", "settled" the first letter
	lease    core.ID
	attempts int
	due      time.Time
}

// leaseModel is a group's state beside what must be true of each offset.
type leaseModel struct {
	*rapid.T
	state  *groupState
	group  *core.Group
	now    time.Time
	head   core.Offset
	serial byte
	fates  map[core.Offset]where
	// keys are those of all events, in a group with an ordering key; 0 is none.
	keys []uint64
	// missed is how many offsets were removed before they were settled.
	missed int64
}

func newLeaseModel(t *rapid.T) *leaseModel {
	m := &leaseModel{
		T: t, state: &groupState{}, now: leaseStart, fates: map[core.Offset]where{},
		group: &core.Group{
			Mode: rapid.SampledFrom([]core.Mode{core.Ordered, core.Shared}).Draw(t, "mode"), MaxAttempts: rapid.IntRange(1, 4).Draw(t, "attempts"),
			Backoff: core.Backoff{Initial: core.Seconds(time.Second), Max: core.Seconds(4 * time.Second)}, Visibility: core.Seconds(10 * time.Second),
		},
	}
	if m.group.Mode == core.Shared && rapid.Bool().Draw(t, "keyed") {
		m.group.OrderingKey = core.OrderingSubject
	}
	return m
}

func (m *leaseModel) random() float64 { return rapid.Float64Range(0, 0.999).Draw(m.T, "random") }

// id makes the next id, which is no other's.
func (m *leaseModel) id() core.ID {
	m.serial++
	return core.ID{0: m.serial, 15: 1}
}

func (m *leaseModel) append(*rapid.T) {
	m.head += core.Offset(rapid.IntRange(1, 30).Draw(m.T, "events"))
	for m.group.OrderingKey != "" && len(m.keys) < int(m.head) {
		m.keys = append(m.keys, uint64(rapid.IntRange(0, 4).Draw(m.T, "key")))
	}
}

func (m *leaseModel) pass(*rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 15_000).Draw(m.T, "ms")) * time.Millisecond)
}

// take hands out what is due and new, and nothing else.
func (m *leaseModel) take(*rapid.T) {
	limit := rapid.IntRange(1, 12).Draw(m.T, "limit")
	next := m.state.Next
	spans := m.state.take(m.now, m.group, m.head, limit, m.known())
	require.LessOrEqual(m, sizeOf(spans), limit)
	for offset := next; offset < m.state.Next && m.group.OrderingKey != ""; offset++ {
		m.fates[offset] = where{kind: 'q'} // unless it was handed out, which follows
	}
	if len(spans) == 0 {
		m.nothingIsFree(limit, spans)
		return
	}
	id := m.id()
	m.state.hold(id, m.now.Add(m.group.Visibility.Duration()), spans)
	last := core.Offset(-1)
	for _, part := range spans {
		for offset := part.From; offset < part.To; offset++ {
			was, known := m.fates[offset]
			require.True(m, !known || was.kind == 'q' || was.kind == 'w' && !m.now.Before(was.due), "%d comes: %+v", offset, was)
			m.isTheFirst(offset)
			require.Equal(m, was.attempts+1, part.Attempts)
			require.True(m, m.group.Mode == core.Shared || offset > last, "in order")
			last = offset
			m.fates[offset] = where{kind: 'l', lease: id, attempts: part.Attempts}
		}
	}
	m.nothingIsFree(limit, spans)
	if m.group.Mode == core.Ordered {
		require.Len(m, m.state.Leases, 1)
		require.GreaterOrEqual(m, m.state.committed(), spans[0].From, "nothing is overtaken")
	}
}

// known returns the keys that the next take is told, which may be fewer than there are.
func (m *leaseModel) known() keys {
	if m.group.OrderingKey == "" {
		return keys{}
	}
	from := rapid.IntRange(0, int(m.state.Next)).Draw(m.T, "known from")
	to := int(m.head)
	if rapid.Bool().Draw(m.T, "not all is known") {
		to = rapid.IntRange(from, to).Draw(m.T, "known to")
	}
	return keys{core.Offset(from), m.keys[from:to]}
}

// isTheFirst holds an event that is about to go out to the order of its key: nothing
// before it is open, and no other one is on its way.
func (m *leaseModel) isTheFirst(offset core.Offset) {
	if m.group.OrderingKey == "" || m.keys[offset] == 0 {
		return
	}
	for other, fate := range m.fates {
		if m.keys[other] == m.keys[offset] && other != offset {
			require.True(m, fate.kind == 's' || fate.kind == 'q' && other > offset, "%d overtakes %d or comes beside it: %+v", offset, other, fate)
		}
	}
}

// nothingIsFree holds a take that had room for more to having handed out the first open
// event of each key, unless that was tried before and waits.
func (m *leaseModel) nothingIsFree(limit int, spans []span) {
	if m.group.OrderingKey == "" || sizeOf(spans) >= limit || slices.ContainsFunc(spans, func(s span) bool { return s.Lost > 0 }) {
		return
	}
	busy := map[uint64]bool{}
	for offset, fate := range m.fates {
		if fate.kind == 'l' || fate.kind == 'w' {
			require.True(m, fate.kind == 'l' || m.now.Before(fate.due), "%d is due", offset)
			busy[m.keys[offset]] = true
		}
	}
	for offset, fate := range m.fates {
		require.True(m, fate.kind != 'q' || m.keys[offset] != 0 && busy[m.keys[offset]], "%d waits behind nothing", offset)
	}
}

// failed holds what became of failed attempts to the model.
func (m *leaseModel) failed(all []ended, soonest, latest time.Duration) {
	for _, one := range all {
		for offset := one.From; offset < one.To; offset++ {
			was := m.fates[offset]
			require.Equal(m, byte('l'), was.kind, "%d failed once", offset)
			require.Equal(m, was.attempts, one.Attempts)
			if m.fates[offset] = (where{kind: 's'}); one.outcome == core.Skipped || one.park {
				require.True(m, one.outcome == core.Skipped || was.attempts == m.group.MaxAttempts, "parked with its last attempt only")
				continue
			}
			i := slices.IndexFunc(m.state.Waiting, func(w waiting) bool { return w.From <= offset && offset < w.To })
			require.GreaterOrEqual(m, i, 0, "%d waits", offset)
			due := m.state.Waiting[i].Due
			require.WithinRange(m, due, one.at.Add(soonest-time.Millisecond), one.at.Add(latest))
			m.fates[offset] = where{kind: 'w', attempts: was.attempts, due: due}
		}
	}
}

func (m *leaseModel) expire(*rapid.T) {
	m.failed(m.state.expire(m.now, m.group, m.random), 500*time.Millisecond, 4*time.Second)
	for _, l := range m.state.Leases {
		require.True(m, m.now.Before(l.ExpiresAt))
	}
}

// held picks a lease that is held and some of its offsets.
func (m *leaseModel) held() (id core.ID, offsets []core.Offset) {
	m.expire(m.T)
	if len(m.state.Leases) == 0 {
		m.Skip("nobody holds anything")
	}
	l := rapid.SampledFrom(m.state.Leases).Draw(m.T, "lease")
	for _, part := range l.Spans {
		for offset := part.From; offset < part.To; offset++ {
			if rapid.Bool().Draw(m.T, "this") {
				offsets = append(offsets, offset)
			}
		}
	}
	return l.ID, offsets
}

// settle notes that offsets are done with.
func (m *leaseModel) settle(of func(core.Offset, where) bool) {
	for offset, fate := range m.fates {
		if of(offset, fate) {
			m.fates[offset] = where{kind: 's'}
		}
	}
}

func (m *leaseModel) ack(*rapid.T) {
	id, offsets := m.held()
	_, err := m.state.ack(m.now, id, offsets)
	require.NoError(m, err)
	m.settle(func(offset core.Offset, fate where) bool {
		return fate.lease == id && (offsets == nil || slices.Contains(offsets, offset))
	})
}

func (m *leaseModel) nack(*rapid.T) {
	id, offsets := m.held()
	delay := time.Duration(rapid.IntRange(0, 3).Draw(m.T, "delay")) * time.Second
	action := rapid.SampledFrom([]core.NackAction{core.NackRetry, core.NackSkip}).Draw(m.T, "action")
	refusals := make([]refusal, len(offsets))
	for i, offset := range offsets {
		refusals[i] = refusal{offset: offset, action: action, delay: delay}
	}
	all, err := m.state.nack(m.now, m.group, id, refusals, m.random)
	require.NoError(m, err)
	require.Len(m, all, len(offsets))
	m.failed(all, delay, delay)
	for _, one := range all {
		if m.group.Mode == core.Ordered && m.fates[one.From].kind == 'w' {
			m.untake(id, one.From)
		}
	}
}

// untake notes that offsets went back untouched.
func (m *leaseModel) untake(id core.ID, from core.Offset) {
	for offset, fate := range m.fates {
		if fate.lease == id && offset >= from {
			m.fates[offset] = where{kind: 'w', attempts: fate.attempts - 1, due: m.now.Truncate(time.Millisecond)}
		}
	}
}

func (m *leaseModel) extend(*rapid.T) {
	id, _ := m.held()
	longer := time.Duration(rapid.IntRange(0, 2).Draw(m.T, "longer")) * time.Minute
	until, err := m.state.extend(m.now, id, longer)
	require.NoError(m, err)
	require.Equal(m, m.now.Add(longer), until)
	if longer == 0 {
		m.untake(id, 0)
	}
}

func (m *leaseModel) commit(*rapid.T) {
	id, offsets := m.held()
	if len(offsets) == 0 {
		m.Skip("nothing to commit")
	}
	offset := offsets[len(offsets)-1]
	_, err := m.state.commit(m.now, offset, rapid.SampledFrom([]core.ID{{}, id}).Draw(m.T, "receipt"))
	require.NoError(m, err)
	m.settle(func(o core.Offset, fate where) bool { return fate.lease == id && o <= offset })
	if m.group.Mode == core.Ordered {
		require.Greater(m, m.state.committed(), offset)
	}
}

// seek starts anew at an offset.
func (m *leaseModel) seek(*rapid.T) {
	to := core.Offset(rapid.IntRange(0, int(m.head)).Draw(m.T, "to"))
	m.state.seek(m.now, to)
	clear(m.fates)
	for offset := range to {
		m.fates[offset] = where{kind: 's'}
	}
}

// trim removes what is below an offset, of what no consumer holds.
func (m *leaseModel) trim(*rapid.T) {
	first := core.Offset(rapid.IntRange(0, int(m.head)).Draw(m.T, "first"))
	m.state.trim(first)
	for offset := range first {
		if fate, known := m.fates[offset]; !known || fate.kind == 'w' || fate.kind == 'q' {
			m.fates[offset] = where{kind: 's'}
			m.missed++
		}
	}
}

// check holds the state to the model: leases, waiting spans and what is
// settled share the offsets below next between them.
func (m *leaseModel) check(*rapid.T) {
	seen, committed := map[core.Offset]where{}, m.state.Next
	note := func(part span, fate where) {
		require.Less(m, part.From, part.To, "no empty span")
		committed = min(committed, part.From)
		for offset := part.From; offset < part.To; offset++ {
			require.NotContains(m, seen, offset, "one fate")
			seen[offset] = fate
		}
	}
	for _, l := range m.state.Leases {
		require.NotEmpty(m, l.Spans)
		for _, part := range l.Spans {
			note(part, where{kind: 'l', lease: l.ID, attempts: part.Attempts})
		}
	}
	for _, w := range m.state.Waiting {
		note(w.span, where{kind: 'w', attempts: w.Attempts, due: w.Due})
	}
	for _, q := range m.state.Queues {
		require.NotEmpty(m, q.Runs)
		for _, one := range q.Runs {
			note(span{From: one.From, To: one.To, Key: q.Key}, where{kind: 'q'})
		}
	}
	for offset := range m.state.Next {
		if _, open := seen[offset]; !open {
			seen[offset] = where{kind: 's'}
		}
	}
	require.Equal(m, m.fates, seen)
	require.True(m, slices.IsSortedFunc(m.state.Waiting, func(a, b waiting) int { return int(a.From - b.From) }))
	require.Equal(m, committed, m.state.committed())
	require.Equal(m, m.missed, m.state.Missed)
	again, err := openState(m.state.encode())
	require.NoError(m, err)
	require.Equal(m, m.state.encode(), again.encode())
	require.Equal(m, m.state.clone(), m.state)
}

// TestLeaseRules does random things to a group's state: every offset below
// next is leased, waiting or settled, and comes from there to where it must.
func TestLeaseRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newLeaseModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "append": m.append, "pass": m.pass, "take": m.take, "take more": m.take, "expire": m.expire, "ack": m.ack,
			"nack": m.nack, "extend": m.extend, "commit": m.commit, "seek": m.seek, "trim": m.trim,
		})
	})
}

// In a copy of an installation nobody holds anything. What was held goes out again at
// once and in order, with the attempts that it had before, and its receipts are lost.
func TestACopiedGroupHoldsNoLeases(t *testing.T) {
	t.Parallel()
	group := &core.Group{Mode: core.Shared, MaxAttempts: 5}
	s := &groupState{}
	first, second := core.ID{1}, core.ID{2}
	s.hold(first, leaseStart.Add(time.Hour), s.take(leaseStart, group, 20, 10, keys{}))
	s.hold(second, leaseStart.Add(time.Hour), s.take(leaseStart, group, 20, 10, keys{}))
	_, err := s.ack(leaseStart, first, []core.Offset{0, 1})
	require.NoError(t, err)
	raw, err := Unleased(s.encode(), leaseStart)
	require.NoError(t, err)
	copied, err := openState(raw)
	require.NoError(t, err)
	require.Empty(t, copied.Leases)
	require.EqualValues(t, 2, copied.committed())
	leased, waits := copied.counts()
	require.Zero(t, leased)
	require.EqualValues(t, 18, waits)
	_, err = copied.ack(leaseStart, second, nil)
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
	again := copied.take(leaseStart, group, 20, 100, keys{})
	require.Equal(t, 18, sizeOf(again))
	require.Equal(t, 1, again[0].Attempts, "the time before does not count")
	same, err := Unleased(raw, leaseStart)
	require.NoError(t, err)
	require.Equal(t, raw, same, "nothing to give back, nothing changes")
	_, err = Unleased([]byte(`{`), leaseStart)
	require.ErrorContains(t, err, "damaged")
}
