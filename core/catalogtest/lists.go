package catalogtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var lists = []guarantee{
	{"streams are listed by name in byte order", listedInOrder},
	{"pages of any size make up the list", pages},
	{"a page begins after a name, whether it is there or not", afterAnyName},
	{"all streams are listed by id, deleted ones too", listedAll},
	{"streams made in one millisecond are listed once each", listedTies},
}

// all returns the streams of all organizations in pages of limit.
func (s *suite) all(limit int) []core.Stream {
	s.Helper()
	var all []core.Stream
	for after := (core.ID{}); ; after = all[len(all)-1].ID {
		page, err := s.catalog.AllStreams(context.Background(), after, limit)
		s.must(err, "AllStreams")
		s.check(len(page) <= limit, "AllStreams must return at most %d streams, got %d", limit, len(page))
		s.check(len(page) == 0 || bytes.Compare(page[0].ID[:], after[:]) > 0, "AllStreams must return ids greater than %s", after)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
	}
}

func byID(a, b core.Stream) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// several creates streams in no order and returns them by name.
func (s *suite) several(org core.ID, names ...string) []core.Stream {
	s.Helper()
	names = slices.Clone(names)
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	made := make([]core.Stream, len(names))
	for i, name := range names {
		made[i] = s.created(org, name)
	}
	slices.SortFunc(made, byName)
	return made
}

func numbered(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("stream ", i) // 10 comes before 2
	}
	return list
}

func listedInOrder(s *suite) {
	org := s.organization()
	s.sameStreams(s.list(org, everything), nil)
	s.sameStreams(s.all(everything), nil)
	want := s.several(org, oddNames...)
	s.sameStreams(s.list(org, everything), want)
	s.sameStreams(s.list(org, 3), want)
}

func pages(s *suite) {
	org := s.organization()
	want := s.several(org, numbered(23)...)
	for _, limit := range []int{1, 2, 7, 22, 23, 24, everything} {
		s.sameStreams(s.list(org, limit), want)
	}
}

func afterAnyName(s *suite) {
	org := s.organization()
	want := s.several(org, "B", "a", "aa", "b", "b%", "b_", "c", "\u00e9")
	for _, after := range []string{"", "A", "B", "a", "a\u00ff", "aa", "b", "b%", "bz", "c' or '1'='1", "zzz", "\u00e9", "\U0010ffff"} {
		page, err := s.catalog.Streams(context.Background(), org, after, everything)
		s.must(err, "Streams")
		rest := slices.DeleteFunc(slices.Clone(want), func(stream core.Stream) bool { return stream.Name <= after })
		s.sameStreams(page, rest)
	}
	s.remove(want[3])
	page, err := s.catalog.Streams(context.Background(), org, want[3].Name, 2)
	s.must(err, "Streams")
	s.sameStreams(page, want[4:6])
}

// listedAll creates ids in no order, some of them by far apart times, which
// are not those of the streams.
func listedAll(s *suite) {
	one, two := s.organization(), s.organization()
	var want []core.Stream
	for i, days := range rand.Perm(20) {
		stream := newStream([]core.ID{one, two}[i%2], fmt.Sprint(i/2))
		stream.ID = newID(start.Add(time.Duration(days*days*days) * 24 * time.Hour))
		stream.CreatedAt = start.Add(-time.Duration(days) * time.Hour)
		s.must(s.catalog.CreateStream(context.Background(), stream), "CreateStream")
		if i%3 == 0 {
			stream = s.remove(stream)
		}
		want = append(want, stream)
	}
	slices.SortFunc(want, byID)
	for _, limit := range []int{1, 3, 20, everything} {
		s.sameStreams(s.all(limit), want)
	}
	for _, after := range []core.ID{newID(start.Add(100 * 24 * time.Hour)), want[7].ID, want[19].ID, {0: 0xff}} {
		page, err := s.catalog.AllStreams(context.Background(), after, everything)
		s.must(err, "AllStreams")
		rest := slices.DeleteFunc(slices.Clone(want), func(stream core.Stream) bool { return bytes.Compare(stream.ID[:], after[:]) <= 0 })
		s.sameStreams(page, rest)
	}
}

func listedTies(s *suite) {
	org := s.organization()
	want := s.several(org, numbered(30)...)
	slices.SortFunc(want, byID)
	for _, limit := range []int{1, 4, 29, 30} {
		s.sameStreams(s.all(limit), want)
	}
}
