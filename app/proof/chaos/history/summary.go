package history

import "fmt"

// Counts is what a history holds. Acked, Duplicates, Refused and Unknown count
// events, once for each call that sent them.
type Counts struct {
	Calls      int
	Acked      int // with duplicates
	Duplicates int
	Refused    int
	Unknown    int
	Followers  int // a follower counts once for each of its streams
	Seen       int
}

// Summary counts a history.
func Summary(h *History) Counts {
	counts := Counts{Calls: len(h.calls), Followers: len(h.followers)}
	for _, c := range h.calls {
		for i := range c.events {
			counts.add(send{call: c, item: i})
		}
	}
	for _, f := range h.followers {
		counts.Seen += len(f.seen)
	}
	return counts
}

func (c *Counts) add(s send) {
	receipt, ok := s.receipt()
	switch {
	case s.refused():
		c.Refused++
	case !ok:
		c.Unknown++
	default:
		c.Acked++
		if receipt.Duplicate {
			c.Duplicates++
		}
	}
}

// String is the closing line of a test.
func (c Counts) String() string {
	return fmt.Sprintf("%d calls: %d events acknowledged (%d duplicates), %d refused, %d unknown; %d followers saw %d events",
		c.Calls, c.Acked, c.Duplicates, c.Refused, c.Unknown, c.Followers, c.Seen)
}
