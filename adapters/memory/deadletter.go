package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

func ownLetter(letter core.DeadLetter) core.DeadLetter {
	letter.Event, letter.Attempts, letter.ParkedAt = clone(letter.Event), ownAttempts(letter.Attempts), utc(letter.ParkedAt)
	return letter
}

// scan returns the letters that a scan is about, in its order and without its
// limit. They are still the catalog's own.
func (c *Catalog) scan(org core.ID, scan core.LetterScan) []core.DeadLetter {
	all := sorted(c.letters, func(letter core.DeadLetter) bool {
		return letter.Org == org && c.streams[letter.Stream].DeletedAt == nil && selects(scan.Filter, letter) && within(scan, letter)
	}, func(a, b core.DeadLetter) int { return byID(a.ID, b.ID) })
	if scan.Backward {
		slices.Reverse(all)
	}
	return all
}

func selects(f core.LetterFilter, l core.DeadLetter) bool {
	return (f.Stream.IsZero() || f.Stream == l.Stream) && (f.Group.IsZero() || f.Group == l.Group) &&
		(f.Reason == "" || f.Reason == l.Reason) && (f.Type == "" || f.Type == l.Event.Type) &&
		(f.State == "" || f.State == l.State) && (f.Offset == nil || *f.Offset == l.Event.Offset)
}

func within(scan core.LetterScan, l core.DeadLetter) bool {
	return (len(scan.Streams) == 0 || slices.Contains(scan.Streams, l.Stream)) &&
		(scan.After.IsZero() || byID(l.ID, scan.After) > 0) && (scan.Before.IsZero() || byID(l.ID, scan.Before) < 0)
}

// DeadLetters implements [core.DeadLetters].
func (c *Catalog) DeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.DeadLetter, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	return page(c.scan(org, scan), scan.Limit, ownLetter), nil
}

// DeadLetter implements [core.DeadLetters].
func (c *Catalog) DeadLetter(ctx context.Context, org, id core.ID) (core.DeadLetter, error) {
	if err := c.enter(ctx); err != nil {
		return core.DeadLetter{}, err
	}
	defer c.mu.Unlock()
	letter, ok := c.letters[id]
	if !ok || letter.Org != org || c.streams[letter.Stream].DeletedAt != nil {
		return core.DeadLetter{}, missing("dead letter")
	}
	return ownLetter(letter), nil
}

// CountDeadLetters implements [core.DeadLetters].
func (c *Catalog) CountDeadLetters(ctx context.Context, org core.ID, scan core.LetterScan) ([]core.LetterCount, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	counted := map[core.LetterCount]int64{} // by a count of zero
	for _, letter := range c.scan(org, scan) {
		counted[core.LetterCount{Stream: letter.Stream, Group: letter.Group, Reason: letter.Reason}]++
	}
	counts := make([]core.LetterCount, 0, len(counted))
	for count, n := range counted {
		count.Count = n
		counts = append(counts, count)
	}
	slices.SortFunc(counts, func(a, b core.LetterCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), byID(a.Stream, b.Stream), byID(a.Group, b.Group), strings.Compare(a.Reason, b.Reason))
	})
	return counts[:min(len(counts), scan.Limit)], nil
}
