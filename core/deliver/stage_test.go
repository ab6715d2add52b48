package deliver

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// stage is where a transcript is played: one group, its clock, and the end of its
// stream.
type stage struct {
	*testing.T
	state  *groupState
	group  *core.Group
	now    time.Time
	head   core.Offset
	chance float64
	// keys are the events' keys by their hashes, and hashes those of all events, in a
	// group with an ordering key.
	keys   map[uint64]string
	hashes []uint64
	// serial counts the leases, which are named A, B, C and so on.
	serial byte
	// words are those of the current command behind its name, answers what it says.
	words   []string
	answers []string
}

var commands = map[string]func(*stage){
	"group": (*stage).begin, "append": (*stage).append, "poll": (*stage).poll, "expire": (*stage).expire, "pass": (*stage).pass,
	"ack": (*stage).ack, "nack": (*stage).nack, "extend": (*stage).extend, "commit": (*stage).commit, "seek": (*stage).seek,
	"trim": (*stage).trim, "miss": (*stage).miss, "replay": (*stage).replay, "refuse-everything": (*stage).refuseEverything,
	"state": (*stage).show, "trace": (*stage).trace,
}

func (s *stage) says(format string, args ...any) {
	s.answers = append(s.answers, fmt.Sprintf(format, args...))
}

// did says that a command was refused, where it was.
func (s *stage) did(err error) {
	if err != nil {
		s.says("refused: %v", err)
	}
}

func (s *stage) random() float64 { return s.chance }

// begin starts a new group at offset 0 of an empty stream, at noon.
func (s *stage) begin() {
	s.state, s.now, s.head, s.chance, s.serial = &groupState{}, leaseStart, 0, 1, 0
	s.keys, s.hashes = map[uint64]string{}, nil
	s.group = &core.Group{
		Mode: core.Mode(s.words[0]), Visibility: core.DefaultVisibility, MaxAttempts: core.DefaultMaxAttempts,
		Backoff: core.Backoff{Initial: core.DefaultBackoffInitial, Max: core.DefaultBackoffMax},
	}
	for _, word := range s.words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "visibility":
			s.group.Visibility = core.Seconds(s.duration(value))
		case "attempts":
			s.group.MaxAttempts = int(s.number(value))
		case "backoff":
			initial, longest, _ := strings.Cut(value, "..")
			s.group.Backoff = core.Backoff{Initial: core.Seconds(s.duration(initial)), Max: core.Seconds(s.duration(longest))}
		case "key":
			s.group.OrderingKey = value
		case "chance":
			s.chance = float64(s.number(value))
		default:
			s.Fatalf("a group has no %q", name)
		}
	}
}

func (s *stage) append() {
	if s.group.OrderingKey == "" {
		s.head += s.number(s.words[0])
		return
	}
	for _, word := range s.words {
		key, times, repeated := strings.Cut(word, "*")
		n := core.Offset(1)
		if repeated {
			n = s.number(times)
		}
		if key == "-" {
			key = ""
		}
		s.keys[hashOf(key)] = key
		s.hashes = append(s.hashes, slices.Repeat([]uint64{hashOf(key)}, int(n))...)
		s.head += n
	}
}

func (s *stage) pass() {
	s.now = s.now.Add(s.duration(s.words[0]))
	s.says("it is %s", clock(s.now))
}

func (s *stage) poll() {
	spans := s.state.take(s.now, s.group, s.head, int(s.number(s.words[0])), keys{0, s.hashes})
	if len(spans) == 0 {
		s.says("nothing%s", until(s.state.wake(s.now)))
		return
	}
	s.state.hold(core.ID{'A' + s.serial}, s.now.Add(s.group.Visibility.Duration()), spans)
	s.serial++
	s.says("%s", leaseLine(s.state.Leases[len(s.state.Leases)-1]))
}

func (s *stage) expire() { s.fates(s.state.expire(s.now, s.group, s.random)) }

func (s *stage) ack() {
	done, err := s.state.ack(s.now, s.lease(0), s.offsets(1))
	s.did(err)
	s.done(done)
}

func (s *stage) nack() {
	r := refusal{action: core.NackRetry, delay: -1}
	var reason []string
	for _, word := range s.words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "retry", "park", "skip":
			r.action = core.NackAction(name)
		case "delay":
			r.delay = s.duration(value)
		default:
			reason = append(reason, word)
		}
	}
	r.reason = strings.Join(reason, " ")
	var refusals []refusal
	for _, offset := range s.offsets(1) {
		r.offset = offset
		refusals = append(refusals, r)
	}
	all, err := s.state.nack(s.now, s.group, s.lease(0), refusals, s.random)
	s.did(err)
	s.fates(all)
}

func (s *stage) extend() {
	until, err := s.state.extend(s.now, s.lease(0), s.duration(s.words[1]))
	if s.did(err); err == nil {
		s.says("until %s", clock(until))
	}
}

func (s *stage) commit() {
	done, err := s.state.commit(s.now, s.number(s.words[0]), s.lease(1))
	s.did(err)
	s.done(done)
}

func (s *stage) seek() { s.state.seek(s.now, s.number(s.words[0])) }

func (s *stage) trim() { s.state.trim(s.number(s.words[0])) }

func (s *stage) miss() {
	i, err := s.state.held(s.lease(0), s.now)
	if s.did(err); err == nil {
		gone := s.offsets(1)
		s.state.miss(i, gone[0], gone[len(gone)-1]+1, s.now)
		s.state.release(i)
	}
}

func (s *stage) replay() {
	offset := s.number(s.words[0])
	s.state.replay(&core.DeadLetter{ID: letterID(offset), Event: core.Event{Offset: offset}}, s.now)
}

// refuseEverything polls until nothing comes, and has every event wait for an hour
// and as many milliseconds as its offset, so that no two of them are due together.
func (s *stage) refuseEverything() {
	came := 0
	for {
		spans := s.state.take(s.now, s.group, s.head, core.MaxPageSize, keys{0, s.hashes})
		if len(spans) == 0 {
			s.says("%d came and wait, in less than 4 MiB: %t", came, len(s.state.encode()) < 4<<20)
			return
		}
		came += sizeOf(spans)
		s.state.hold(core.ID{1}, s.now.Add(time.Minute), spans)
		var refusals []refusal
		for offset := spans[0].From; offset < spans[0].To; offset++ {
			refusals = append(refusals, refusal{offset: offset, action: core.NackRetry, delay: time.Hour + time.Duration(offset)*time.Millisecond})
		}
		_, err := s.state.nack(s.now, s.group, core.ID{1}, refusals, nil)
		require.NoError(s, err)
	}
}

// show prints the state, of what waits the beginning.
func (s *stage) show() {
	const shown = 5
	s.says("settled below %d, next %d, missed %d", s.state.committed(), s.state.Next, s.state.Missed)
	for _, l := range s.state.Leases {
		s.says("%s", leaseLine(l))
	}
	for i, w := range s.state.Waiting {
		if i == shown {
			s.says("and %d more wait", len(s.state.Waiting)-shown)
			break
		}
		s.says("%s waits%s", spanText(w.span), until(w.Due))
	}
	for i := range s.state.Queues {
		q := &s.state.Queues[i]
		texts := make([]string, 0, shown)
		for _, one := range q.Runs[:min(len(q.Runs), shown)] {
			texts = append(texts, runText(one.From, one.To))
		}
		if more := len(q.Runs) - shown; more > 0 {
			texts = append(texts, fmt.Sprintf("and %d more runs", more))
		}
		s.says("%s: %s behind", s.keys[q.Key], strings.Join(texts, ", "))
	}
}

func (s *stage) trace() {
	state, at := s.state.trace(s.number(s.words[0]), nil)
	if at == nil {
		at = &time.Time{}
	}
	s.says("%s%s", state, until(*at))
}

// fates says what became of failed attempts. Neighbours with one fate are one line.
func (s *stage) fates(all []ended) {
	for i := 0; i < len(all); i++ {
		one := all[i]
		fate := s.fate(one)
		for i+1 < len(all) && all[i+1].From == one.To && one.Attempts == all[i+1].Attempts && s.fate(all[i+1]) == fate {
			i++
			one.To = all[i].To
		}
		s.says("%s %s", spanText(one.span), fate)
	}
}

func (s *stage) fate(one ended) string {
	fate := string(one.outcome)
	if one.reason != "" && one.outcome != core.Expired {
		fate += fmt.Sprintf(" (%s)", one.reason)
	}
	if one.park {
		return fate + ", parked"
	}
	i := slices.IndexFunc(s.state.Waiting, func(w waiting) bool {
		return w.Letter == one.Letter && w.From <= one.From && one.From < w.To
	})
	if i < 0 {
		return fate
	}
	return fate + ", waits" + until(s.state.Waiting[i].Due)
}

// done says which dead letters are gone because their replays succeeded.
func (s *stage) done(letters []core.ID) {
	for _, id := range letters {
		s.says("letter %d is done with", binary.BigEndian.Uint64(id[8:]))
	}
}

// lease reads the name of a lease, which may be left out.
func (s *stage) lease(word int) core.ID {
	if word >= len(s.words) {
		return core.ID{}
	}
	return core.ID{s.words[word][0]}
}

// offsets reads a list such as 3,5..7, which may be left out.
func (s *stage) offsets(word int) (all []core.Offset) {
	if word >= len(s.words) {
		return nil
	}
	for run := range strings.SplitSeq(s.words[word], ",") {
		first, last, ranges := strings.Cut(run, "..")
		if !ranges {
			last = first
		}
		for offset := s.number(first); offset <= s.number(last); offset++ {
			all = append(all, offset)
		}
	}
	return all
}

func (s *stage) number(word string) core.Offset {
	n, err := strconv.ParseInt(word, 10, 64)
	require.NoError(s, err)
	return core.Offset(n)
}

func (s *stage) duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	require.NoError(s, err)
	return d
}

// letterID names the dead letter of an event.
func letterID(offset core.Offset) (id core.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(offset))
	id[0] = 'L'
	return id
}

func leaseLine(l lease) string {
	texts := make([]string, len(l.Spans))
	for i, part := range l.Spans {
		texts[i] = spanText(part)
	}
	return fmt.Sprintf("lease %c until %s: %s", l.ID[0], clock(l.ExpiresAt), strings.Join(texts, ", "))
}

func spanText(s span) string {
	text := runText(s.From, s.To)
	if !s.ofLog() {
		text = "letter " + text
	}
	switch {
	case s.Attempts == 0:
		return text + " (no attempt)"
	case s.Lost > 0:
		return text + fmt.Sprintf(" (attempt %d, lost %d)", s.Attempts, s.Lost)
	}
	return text + fmt.Sprintf(" (attempt %d)", s.Attempts)
}

func runText(from, to core.Offset) string {
	if to-from > 1 {
		return fmt.Sprintf("%d..%d", from, to-1)
	}
	return fmt.Sprint(int64(from))
}

func until(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " until " + clock(at)
}

func clock(at time.Time) string { return at.Format("15:04:05.999999") }
