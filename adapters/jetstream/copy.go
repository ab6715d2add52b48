package jetstream

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Copyable = (*Storage)(nil)

// logTries is how often Logs looks again because somebody stored something meanwhile.
const logTries = 10

// Logs implements [core.Copyable]. The bounds are of one moment if nobody stores
// anything in one of ten looks. Otherwise those of one partition are, and those of two
// are as far apart as the last look took.
func (s *Storage) Logs(ctx context.Context) (logs []core.StreamLog, err error) {
	leave, err := s.calls.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for range logTries {
		before, err := s.extent(ctx)
		if err != nil {
			return nil, err
		}
		if logs, err = s.logs(ctx); err != nil {
			return nil, err
		}
		after, err := s.extent(ctx)
		if err != nil || slices.Equal(before, after) {
			return logs, err
		}
	}
	return logs, nil
}

// extent is the last sequence of each partition.
func (s *Storage) extent(ctx context.Context) ([]uint64, error) {
	last := make([]uint64, len(s.partitions))
	return last, each(s.partitions, func(p *partition) error {
		state, err := p.whole(ctx, nil)
		last[p.number] = state.State.LastSeq
		return err
	})
}

func (s *Storage) logs(ctx context.Context) ([]core.StreamLog, error) {
	all, err := s.owned(ctx, core.ID{})
	if err != nil {
		return nil, err
	}
	logs := make([]core.StreamLog, len(all))
	at := make([]int, len(all))
	for i := range at {
		at[i] = i
	}
	err = each(at, func(i int) error {
		found, err := s.endsOf(ctx, all[i].p, all[i].stream)
		if err == nil && found != nil {
			bounds := core.Bounds{First: found.offset, Next: found.last.next(), Last: found.last.last}
			logs[i] = core.StreamLog{Org: all[i].org, Stream: all[i].stream, Bounds: bounds}
		}
		return err
	})
	logs = slices.DeleteFunc(logs, func(l core.StreamLog) bool { return l.Next == 0 })
	slices.SortFunc(logs, func(a, b core.StreamLog) int { return bytes.Compare(a.Stream[:], b.Stream[:]) })
	return logs, err
}

// Entries implements [core.Copyable].
func (s *Storage) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	ctx, end, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	p, err := s.partitionOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	events, err := s.read(ctx, p, stream, scan)
	if err != nil {
		return nil, err
	}
	return s.withFingerprints(ctx, p, stream, events)
}

func (s *Storage) withFingerprints(ctx context.Context, p *partition, stream core.ID, events []core.Event) ([]core.Entry, error) {
	entries := make([]core.Entry, len(events))
	var subjects []string
	for i := range events {
		entries[i].Event = events[i]
		if key := events[i].IdempotencyKey; key != "" {
			subjects = append(subjects, p.key(stream, key))
		}
	}
	found, err := p.lasts(ctx, subjects, p.known())
	if err != nil {
		return nil, err
	}
	for i := range entries {
		m := found[p.key(stream, entries[i].IdempotencyKey)]
		if entries[i].IdempotencyKey == "" || m == nil {
			continue
		}
		known, err := decodeKey(m)
		if err != nil {
			return nil, err
		}
		if known.offset == entries[i].Offset {
			entries[i].Fingerprint = known.fingerprint
		}
	}
	return entries, nil
}

// Put implements [core.Copyable].
func (s *Storage) Put(ctx context.Context, stretch core.Stretch) error {
	leave, err := s.calls.enter()
	if err != nil {
		return err
	}
	defer leave()
	p, err := s.partitionOf(ctx, stretch.Stream)
	if err != nil {
		return err
	}
	if err := p.trust(ctx); err != nil {
		return err
	}
	found, err := s.endsOf(ctx, p, stretch.Stream)
	if err != nil {
		return err
	}
	last, bounds := &block{org: stretch.Org, stream: stretch.Stream}, core.Bounds{}
	if found != nil {
		last = found.last
		bounds = core.Bounds{First: found.offset, Next: last.next(), Last: last.last}
	}
	if err := stretch.Of(last.org); err != nil {
		return err
	}
	known, fresh, err := stretch.Split(bounds)
	if err != nil {
		return err
	}
	if err := s.comparePut(ctx, p, &stretch, known); err != nil {
		return err
	}
	if err := s.add(ctx, p, &stretch, last, fresh); err != nil {
		return err
	}
	return s.beginAt(ctx, p, stretch.Stream, stretch.First)
}

func (s *Storage) comparePut(ctx context.Context, p *partition, stretch *core.Stretch, known []core.Entry) error {
	if len(known) == 0 {
		return nil
	}
	there, err := s.read(ctx, p, stretch.Stream, core.Scan{From: known[0].Offset, To: known[len(known)-1].Offset + 1, Limit: len(known)})
	if err != nil {
		return err
	}
	return stretch.SameEvents(known, there)
}

// add stores what is new of a stretch as one batch: blocks, each with its keys behind
// it. Where nothing is new and the stream ends before the stretch begins, it is an empty
// block, which says where the stream goes on.
func (s *Storage) add(ctx context.Context, p *partition, stretch *core.Stretch, last *block, fresh []core.Entry) error {
	made := split(stretch.Org, stretch.Stream, fresh)
	if len(fresh) == 0 {
		if last.next() >= stretch.First && (last.seq > 0 || stretch.First > 0) && !stretch.Last.After(last.last) || stretch.First == 0 && last.seq == 0 {
			return nil
		}
		at := stretch.Last
		if at.Before(last.last) {
			at = last.last
		}
		made = []*block{{org: stretch.Org, stream: stretch.Stream, offset: max(last.next(), stretch.First), first: at, last: at}}
	}
	all := putMessages(p, stretch, last, made)
	s.heads.doubt(stretch.Stream)
	first, err := p.settle(ctx, all)
	if err != nil {
		return err
	}
	p.saw(first + uint64(len(all)) - 1)
	return nil
}

func putMessages(p *partition, stretch *core.Stretch, last *block, made []*block) (all []outgoing) {
	var id core.ID
	_, _ = rand.Read(id[:]) // never fails: see the package's documentation
	expect := int64(last.seq)
	for _, b := range made {
		b.id = id
		all = append(all, outgoing{p.blocks(stretch.Stream), b.encode(), expect})
		expect = anything
		for i := range b.entries {
			if e := &b.entries[i]; e.Fingerprint != (core.Fingerprint{}) {
				r := remembered{0, e.ID, e.Offset, e.ReceivedAt, e.Fingerprint}
				all = append(all, outgoing{p.key(stretch.Stream, e.IdempotencyKey), r.encode(), anything})
			}
		}
	}
	if last.seq == 0 {
		all = append(all, p.mark(stretch.Org, stretch.Stream))
	}
	if begin := (floor{offset: stretch.First}); last.seq == 0 && begin.offset > 0 {
		all = append(all, outgoing{p.floor(stretch.Stream), begin.encode(), anything})
	}
	return all
}

// beginAt removes what is before an offset. Blocks are removed as a whole; the offset may
// be within one.
func (s *Storage) beginAt(ctx context.Context, p *partition, stream core.ID, offset core.Offset) error {
	found, err := s.endsOf(ctx, p, stream)
	if err != nil || found == nil || found.offset >= offset {
		return err
	}
	b, err := s.seek(ctx, p, stream, offsetGoal(offset))
	if err != nil {
		return err
	}
	if b != nil {
		return s.removeBefore(ctx, p, stream, place{seq: b.seq, offset: offset})
	}
	seq, err := s.endEmpty(ctx, p, found.last) // all goes
	if err != nil {
		return err
	}
	return s.removeBefore(ctx, p, stream, place{seq: seq, offset: offset})
}
