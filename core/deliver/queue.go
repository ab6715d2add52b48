package deliver

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// This file keeps, in a group with an ordering key, the events that wait behind an
// earlier one of their key.

// queue holds the events of one key that the group has passed over, because an earlier
// event of the key is in a lease or waits to be tried again. That earlier event is in no
// queue. A queue is never empty.
type queue struct {
	Key  uint64 `json:"k"`
	Runs runs   `json:"r"`
}

// runs are runs of offsets in their order, which neither overlap nor touch. They are
// written as few bytes, two or three for each run, because a key that fails for an hour
// may have thousands.
type runs []run

// run is the offsets from From up to, not including, To.
type run struct{ From, To core.Offset }

// maxQueued bounds the runs of all queues together. A group that has passed over so
// many looks no further until a key goes on.
const maxQueued = 20_000

// MarshalText writes each run as its distance from the one before, and its length where
// that is not 1.
func (r runs) MarshalText() ([]byte, error) {
	var raw []byte
	var end core.Offset
	for _, one := range r {
		gap, more := uint64(one.From-end)<<1, uint64(one.To-one.From-1)
		if more == 0 {
			raw = binary.AppendUvarint(raw, gap)
		} else {
			raw = binary.AppendUvarint(binary.AppendUvarint(raw, gap|1), more)
		}
		end = one.To
	}
	return base64.RawStdEncoding.AppendEncode(nil, raw), nil
}

// errRuns answers for runs that nobody has written.
var errRuns = errors.New("a queue of offsets is damaged")

// UnmarshalText reads what MarshalText has written.
func (r *runs) UnmarshalText(text []byte) error {
	raw, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil || len(raw) == 0 {
		return errRuns
	}
	*r = nil
	for end := core.Offset(0); len(raw) > 0; {
		gap, n := binary.Uvarint(raw)
		if n <= 0 {
			return errRuns
		}
		raw = raw[n:]
		var more uint64
		if gap&1 != 0 {
			if more, n = binary.Uvarint(raw); n <= 0 {
				return errRuns
			}
			raw = raw[n:]
		}
		from := end + core.Offset(gap>>1)
		end = from + core.Offset(more) + 1
		if from < 0 || end <= from {
			return errRuns
		}
		*r = append(*r, run{from, end})
	}
	return nil
}

// size is how many offsets the queue holds.
func (q *queue) size() (n int64) {
	for _, one := range q.Runs {
		n += int64(one.To - one.From)
	}
	return n
}

// first is the offset that goes out next.
func (q *queue) first() core.Offset { return q.Runs[0].From }

// pop takes the first offset out. The queue may be empty then.
func (q *queue) pop() core.Offset {
	first := &q.Runs[0]
	offset := first.From
	if first.From++; first.From == first.To {
		q.Runs = q.Runs[1:]
	}
	return offset
}

// covers reports whether an offset is in the queue.
func (q *queue) covers(offset core.Offset) bool {
	return slices.ContainsFunc(q.Runs, func(r run) bool { return r.From <= offset && offset < r.To })
}

// queueOf finds the queue of a key, or the place of a new one: queues are in the order
// of keys.
func (s *groupState) queueOf(key uint64) (at int, found bool) {
	return slices.BinarySearchFunc(s.Queues, key, func(q queue, key uint64) int { return cmp.Compare(q.Key, key) })
}

// pass adds an offset behind all others of its key. room is how many more runs there may
// be; pass reports false, and adds nothing, where there would be too many.
func (s *groupState) pass(key uint64, offset core.Offset, room *int) bool {
	at, found := s.queueOf(key)
	if found {
		q := &s.Queues[at]
		if last := &q.Runs[len(q.Runs)-1]; last.To == offset {
			last.To++
			return true
		}
	}
	if *room <= 0 {
		return false
	}
	*room--
	if !found {
		s.Queues = slices.Insert(s.Queues, at, queue{Key: key})
	}
	s.Queues[at].Runs = append(s.Queues[at].Runs, run{offset, offset + 1})
	return true
}

// dropEmpty removes queues that have nothing left.
func (s *groupState) dropEmpty() {
	s.Queues = slices.DeleteFunc(s.Queues, func(q queue) bool { return len(q.Runs) == 0 })
	if len(s.Queues) == 0 {
		s.Queues = nil
	}
}

// trimQueues gives up what retention has removed, which is everything below first.
func (s *groupState) trimQueues(first core.Offset) {
	for i := range s.Queues {
		for q := &s.Queues[i]; len(q.Runs) > 0 && q.first() < first; {
			to := min(first, q.Runs[0].To)
			s.Missed += int64(to - q.Runs[0].From)
			if q.Runs[0].From = to; to == q.Runs[0].To {
				q.Runs = q.Runs[1:]
			}
		}
	}
	s.dropEmpty()
}

// cloneQueues copies queues with their runs, of which there may be many: they share one
// piece of memory.
func cloneQueues(queues []queue) []queue {
	if len(queues) == 0 {
		return nil
	}
	total := 0
	for i := range queues {
		total += len(queues[i].Runs)
	}
	room := make(runs, 0, total)
	copied := slices.Clone(queues)
	for i := range copied {
		from := len(room)
		room = append(room, copied[i].Runs...)
		copied[i].Runs = room[from:len(room):len(room)] // one that grows moves away from its neighbour
	}
	return copied
}

// queued returns how many runs all queues have together.
func (s *groupState) queued() (n int) {
	for i := range s.Queues {
		n += len(s.Queues[i].Runs)
	}
	return n
}
