package catalogtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var sources = []guarantee{
	{"a source is found as it was stored", storedSource},
	{"a source with the least in every field is found", leastSource},
	{"a source's name is taken in its organization only", takenSource},
	{"sources are listed by id, of one organization or of all", listedSources},
	{"a source changes by its revision", changedSource},
	{"of many changes at once one is made", racedSource},
	{"another organization's source is not there", foreignSource},
	{"refusals are listed newest first and go with their source", refusals},
	{"the oldest refusals make room", boundedRefusals},
	{"what a source fetches is found as it was stored", storedFeed},
	{"feeds that run are listed, of live streams", runningFeeds},
	{"the sources of a deleted stream are gone, and their names are free", sourcesOfADeletedStream},
	{"the notes about a feed are the last ones of each node", feedNotes},
}

// newSource makes up a source with something in every field.
func newSource(stream core.Stream, name string) core.Source {
	source := core.Source{
		ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: name, Preset: core.PresetHMAC,
		SourceSettings: core.SourceSettings{
			Map:       core.SourceMap{Type: `payload."a.b".c`, ID: "header.X-Id", Time: "payload.at", Subject: "payload.user's"},
			Headers:   []string{"X-One", "X-Two"},
			Signature: &core.SourceSignature{Header: "X-Signature", Algorithm: core.SHA256, Encoding: core.InHex, Prefix: `"sha256'=`},
		},
		State: core.SourceRunning, Masked: "in_…abcd", Sealed: []byte("\x00\x01sealed\xff"), CreatedBy: newID(start), Revision: 1,
		CreatedAt: start, UpdatedAt: start.Add(time.Microsecond),
	}
	_, _ = rand.Read(source.Hash[:]) // never fails
	return source
}

func (s *suite) createdSource(stream core.Stream, name string) core.Source {
	s.Helper()
	source := newSource(stream, name)
	s.must(s.catalog.CreateSource(context.Background(), source), "CreateSource")
	return source
}

// hasSource checks that a source is found as it was stored.
func (s *suite) hasSource(want core.Source) {
	s.Helper()
	got, err := s.catalog.Source(context.Background(), want.Org, want.ID)
	s.must(err, "Source")
	s.sameSource(got, want)
	got, err = s.catalog.SourceByHash(context.Background(), want.Hash)
	s.must(err, "SourceByHash")
	s.sameSource(got, want)
}

func (s *suite) sameSource(got, want core.Source) {
	s.Helper()
	s.check(reflect.DeepEqual(got, want), "the source must come back as it was stored, times in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

func storedSource(s *suite) {
	stream := s.created(s.organization(), "orders")
	first, second := s.createdSource(stream, "shop"), s.createdSource(stream, "bank")
	s.hasSource(first)
	s.hasSource(second)
	_, err := s.catalog.SourceByHash(context.Background(), core.KeyHash{1})
	s.refused(err, core.CodeNotFound, "SourceByHash of no source's hash")
	_, err = s.catalog.Source(context.Background(), stream.Org, newID(start))
	s.refused(err, core.CodeNotFound, "Source of an id that is not there")
	given := newSource(stream, "elsewhere")
	given.CreatedAt = start.Add(999 * time.Nanosecond).In(time.FixedZone("elsewhere", -3*3600))
	s.must(s.catalog.CreateSource(context.Background(), given), "CreateSource")
	given.CreatedAt = start
	s.hasSource(given)
}

func leastSource(s *suite) {
	stream := s.created(s.organization(), "orders")
	source := core.Source{
		ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: "x", Preset: core.PresetNone, State: core.SourcePaused,
		Hash: core.KeyHash{1}, Sealed: []byte{0}, Revision: 1, CreatedAt: start, UpdatedAt: start,
	}
	s.must(s.catalog.CreateSource(context.Background(), source), "CreateSource")
	s.hasSource(source)
}

func takenSource(s *suite) {
	ctx := context.Background()
	mine, theirs := s.created(s.organization(), "orders"), s.created(s.organization(), "orders")
	first := s.createdSource(mine, "shop")
	s.refused(s.catalog.CreateSource(ctx, newSource(mine, "shop")), core.CodeConflict, "CreateSource with a taken name")
	s.hasSource(first)
	s.hasSource(s.createdSource(theirs, "shop"))
	second := s.createdSource(mine, "Shop")
	taking := second
	taking.Revision, taking.Name = 2, "shop"
	s.refused(s.catalog.UpdateSource(ctx, taking), core.CodeConflict, "UpdateSource with a taken name")
	s.hasSource(second)
	s.must(s.catalog.DeleteSource(ctx, mine.Org, first.ID), "DeleteSource")
	s.must(s.catalog.UpdateSource(ctx, taking), "UpdateSource with a name that is free again")
	s.hasSource(taking)
}

func listedSources(s *suite) {
	ctx := context.Background()
	mine, theirs := s.created(s.organization(), "orders"), s.created(s.organization(), "orders")
	var own, all []core.ID
	for i := range 5 {
		source := s.createdSource(mine, fmt.Sprint(i))
		own, all = append(own, source.ID), append(all, source.ID)
		all = append(all, s.createdSource(theirs, fmt.Sprint(i)).ID)
	}
	for org, want := range map[core.ID][]core.ID{mine.Org: own, {}: all} {
		slices.SortFunc(want, func(a, b core.ID) int { return strings.Compare(a.String(), b.String()) })
		var got []core.ID
		for after := (core.ID{}); ; after = got[len(got)-1] {
			page, err := s.catalog.Sources(ctx, org, after, 2)
			s.must(err, "Sources")
			s.check(len(page) <= 2, "Sources must return at most 2 sources, got %d", len(page))
			for _, source := range page {
				got = append(got, source.ID)
			}
			if len(page) < 2 {
				break
			}
		}
		s.check(slices.Equal(got, want), "these sources must be listed, in this order:\nwant %v\ngot  %v", want, got)
	}
}

func changedSource(s *suite) {
	ctx := context.Background()
	source := s.createdSource(s.created(s.organization(), "orders"), "shop")
	before := source.Hash
	next := source
	next.Name, next.State, next.Masked, next.Hash, next.Sealed = "bank", core.SourcePaused, "in_…wxyz", core.KeyHash{7}, []byte("other")
	next.SourceSettings = core.SourceSettings{Map: core.SourceMap{Type: "fixed"}}
	next.Revision, next.UpdatedAt = 2, start.Add(time.Hour)
	sent := next
	sent.Stream, sent.Preset, sent.CreatedBy, sent.CreatedAt = newID(start), core.PresetNone, core.ID{}, start.Add(time.Minute)
	s.must(s.catalog.UpdateSource(ctx, sent), "UpdateSource")
	s.hasSource(next)
	_, err := s.catalog.SourceByHash(ctx, before)
	s.refused(err, core.CodeNotFound, "SourceByHash of the hash before a change")
	for _, revision := range []int64{0, 1, 2, 4} {
		stale := next
		stale.Revision, stale.Name = revision, "late"
		s.refused(s.catalog.UpdateSource(ctx, stale), core.CodePreconditionFailed, fmt.Sprintf("UpdateSource to revision %d of one at 2", revision))
	}
	s.hasSource(next)
}

func racedSource(s *suite) {
	source := s.createdSource(s.created(s.organization(), "orders"), "shop")
	name := func(i int) string { return fmt.Sprintf("by %d", i) }
	winner := s.won(race(8, func(i int) error {
		next := source
		next.Revision, next.Name = 2, name(i)
		return s.catalog.UpdateSource(context.Background(), next)
	}), core.CodePreconditionFailed, "UpdateSource")
	source.Revision, source.Name = 2, name(winner)
	s.hasSource(source)
	s.won(race(8, func(int) error {
		return s.catalog.CreateSource(context.Background(), newSource(core.Stream{ID: source.Stream, Org: source.Org}, "new"))
	}), core.CodeConflict, "CreateSource")
}

func foreignSource(s *suite) {
	ctx := context.Background()
	source, other := s.createdSource(s.created(s.organization(), "orders"), "shop"), s.organization()
	_, err := s.catalog.Source(ctx, other, source.ID)
	s.refused(err, core.CodeNotFound, "Source of another organization")
	taking := source
	taking.Org, taking.Revision = other, 2
	s.refused(s.catalog.UpdateSource(ctx, taking), core.CodeNotFound, "UpdateSource of another organization's source")
	s.refused(s.catalog.DeleteSource(ctx, other, source.ID), core.CodeNotFound, "DeleteSource of another organization's source")
	s.hasSource(source)
	s.must(s.catalog.DeleteSource(ctx, source.Org, source.ID), "DeleteSource")
	s.refused(s.catalog.DeleteSource(ctx, source.Org, source.ID), core.CodeNotFound, "DeleteSource again")
	s.refused(s.catalog.UpdateSource(ctx, source), core.CodeNotFound, "UpdateSource of a deleted source")
}

// newRefusal makes up the n-th refusal of a source.
func newRefusal(source core.ID, n int) core.SourceRefusal {
	at := start.Add(time.Duration(n) * time.Second)
	return core.SourceRefusal{
		ID: newID(at), Source: source, At: at, Code: core.CodeUnauthorized, Reason: fmt.Sprintf("no. %d: it's \"wrong\"", n),
		Address: "192.0.2.1", UserAgent: "curl", RequestID: "r", Size: n, Excerpt: "\u2028{'a'}\U0001f389",
	}
}

func (s *suite) refusalsOf(source core.ID, want ...core.SourceRefusal) {
	s.Helper()
	got, err := s.catalog.Refusals(context.Background(), source)
	s.must(err, "Refusals")
	s.check(len(got) == len(want), "there must be %d refusals, are %d", len(want), len(got))
	for i := range want {
		s.check(got[i] == want[i], "refusal %d must come back as it was stored:\nwant %+v\ngot  %+v", i, want[i], got[i])
	}
}

func refusals(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	source, other := s.createdSource(stream, "shop"), s.createdSource(stream, "bank")
	s.refusalsOf(source.ID)
	first, second, foreign := newRefusal(source.ID, 1), newRefusal(source.ID, 2), newRefusal(other.ID, 3)
	for _, refusal := range []core.SourceRefusal{second, foreign, first} {
		s.must(s.catalog.AddRefusal(ctx, refusal), "AddRefusal")
	}
	s.refusalsOf(source.ID, second, first)
	s.must(s.catalog.DeleteSource(ctx, source.Org, source.ID), "DeleteSource")
	s.refusalsOf(source.ID)
	s.refusalsOf(other.ID, foreign)
	s.must(s.catalog.AddRefusal(ctx, newRefusal(source.ID, 4)), "AddRefusal of a source that is gone")
	s.refusalsOf(source.ID)
}

func boundedRefusals(s *suite) {
	stream := s.created(s.organization(), "orders")
	source, other := s.createdSource(stream, "shop"), s.createdSource(stream, "bank")
	foreign := newRefusal(other.ID, 0)
	s.must(s.catalog.AddRefusal(context.Background(), foreign), "AddRefusal")
	var all []core.SourceRefusal
	for n := range core.MaxRefusals + 3 {
		all = append([]core.SourceRefusal{newRefusal(source.ID, n)}, all...)
		s.must(s.catalog.AddRefusal(context.Background(), all[0]), "AddRefusal")
	}
	s.refusalsOf(source.ID, all[:core.MaxRefusals]...)
	s.refusalsOf(other.ID, foreign)
}

// createdFeed makes a source that fetches.
func (s *suite) createdFeed(stream core.Stream, name string) core.Source {
	s.Helper()
	source := newSource(stream, name)
	source.Preset, source.Signature, source.Masked = core.PresetKafka, nil, ""
	source.From = &core.Destination{Type: "kafka", Settings: []byte(`{"a":["it's \"1\""],"b":true}`)}
	s.must(s.catalog.CreateSource(context.Background(), source), "CreateSource")
	return source
}

func storedFeed(s *suite) {
	source := s.createdFeed(s.created(s.organization(), "orders"), "shop")
	s.hasSource(source)
	next := source
	next.Revision, next.From = 2, &core.Destination{Type: "kafka", Settings: []byte(`{"a":[]}`)}
	s.must(s.catalog.UpdateSource(context.Background(), next), "UpdateSource")
	s.hasSource(next)
}

func runningFeeds(s *suite) {
	ctx := context.Background()
	stream, deleted := s.created(s.organization(), "orders"), s.created(s.organization(), "orders")
	s.createdSource(stream, "hook")
	feeds := []core.Source{s.createdFeed(stream, "a"), s.createdFeed(deleted, "b"), s.createdFeed(stream, "c"), s.createdFeed(stream, "d")}
	slices.SortFunc(feeds, func(a, b core.Source) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	listed := func(want ...core.Source) {
		s.Helper()
		var got []core.Source
		for after := (core.ID{}); ; after = got[len(got)-1].ID {
			page, err := s.catalog.RunningFeeds(ctx, after, 2)
			s.must(err, "RunningFeeds")
			for i := range page {
				if page[i].Org == stream.Org || page[i].Org == deleted.Org {
					got = append(got, page[i])
				}
			}
			if len(page) < 2 {
				break
			}
		}
		s.check(len(got) == len(want), "%d feeds run, got %d", len(want), len(got))
		for i := range want {
			s.sameSource(got[i], want[i])
		}
	}
	listed(feeds...)
	paused := &feeds[slices.IndexFunc(feeds, func(f core.Source) bool { return f.Name == "c" })]
	paused.State, paused.Revision = core.SourcePaused, 2
	s.must(s.catalog.UpdateSource(ctx, *paused), "UpdateSource")
	gone := deleted
	gone.Revision, gone.DeletedAt = deleted.Revision+1, new(start)
	s.must(s.catalog.UpdateStream(ctx, gone), "UpdateStream")
	listed(slices.DeleteFunc(feeds, func(f core.Source) bool { return f.Name == "b" || f.Name == "c" })...)
}

func sourcesOfADeletedStream(s *suite) {
	ctx, org := context.Background(), s.organization()
	stays, goes := s.created(org, "orders"), s.created(org, "clicks")
	shop, bank, other := s.createdSource(goes, "shop"), s.createdSource(goes, "bank"), s.createdSource(stays, "other")
	gone := goes
	gone.Revision, gone.DeletedAt = goes.Revision+1, new(start)
	s.must(s.catalog.UpdateStream(ctx, gone), "UpdateStream")
	for _, source := range []core.Source{shop, bank} {
		_, err := s.catalog.Source(ctx, org, source.ID)
		s.refused(err, core.CodeNotFound, "Source of a deleted stream")
		_, err = s.catalog.SourceByHash(ctx, source.Hash)
		s.refused(err, core.CodeNotFound, "SourceByHash of a source of a deleted stream")
		next := source
		next.Revision++
		s.refused(s.catalog.UpdateSource(ctx, next), core.CodeNotFound, "UpdateSource of a source of a deleted stream")
		s.refused(s.catalog.DeleteSource(ctx, org, source.ID), core.CodeNotFound, "DeleteSource of a source of a deleted stream")
	}
	listed, err := s.catalog.Sources(ctx, org, core.ID{}, 10)
	s.must(err, "Sources")
	s.check(len(listed) == 1 && listed[0].ID == other.ID, "the sources of live streams must be listed, and no others: got %d", len(listed))
	s.hasSource(s.createdSource(stays, "shop"))
	other.Revision, other.Name = 2, "bank"
	s.must(s.catalog.UpdateSource(ctx, other), "UpdateSource with the name of a source of a deleted stream")
	s.hasSource(other)
}

func feedNotes(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	source, other := s.createdFeed(stream, "shop"), s.createdFeed(stream, "bank")
	note := func(of core.Source, node core.ID, after time.Duration, lag int64) core.FeedNote {
		at := start.Add(after)
		made := core.FeedNote{Source: of.ID, Node: node, At: at, FeedLoad: core.FeedLoad{Parts: 3, Lag: lag}, FeedNews: core.FeedNews{
			LastAt: new(at.Add(time.Microsecond)), Error: "it's \"away\"", ErrorAt: new(at.Add(-time.Hour)),
		}}
		s.must(s.catalog.NoteFeed(ctx, made), "NoteFeed")
		return made
	}
	noted := func(of []core.ID, since time.Time, want ...core.FeedNote) {
		s.Helper()
		got, err := s.catalog.FeedNotes(ctx, of, since)
		s.must(err, "FeedNotes")
		sortNotes(got)
		sortNotes(want)
		s.check(len(got) == len(want) && (len(want) == 0 || reflect.DeepEqual(got, want)), "these notes must come back as they were stored:\nwant %+v\ngot  %+v", want, got)
	}
	one, two := newID(start), newID(start)
	note(source, one, 0, 1)
	first := note(source, one, time.Second, 2)
	second := note(source, two, time.Minute, 3)
	foreign := note(other, one, 0, 4)
	both := []core.ID{source.ID, other.ID}
	noted(both, start, first, second, foreign)
	noted(both, second.At, second)
	noted(both[1:], start, foreign)
	third := note(source, two, time.Second+core.FeedNoteFor, 5)
	noted(both[:1], start, first, third)
	fourth := note(source, two, time.Second+core.FeedNoteFor+time.Microsecond, 6)
	noted(both[:1], time.Time{}, fourth)
	least := core.FeedNote{Source: source.ID, Node: two, At: fourth.At}
	s.must(s.catalog.NoteFeed(ctx, least), "NoteFeed")
	noted(both[:1], start, least)
	s.must(s.catalog.DeleteSource(ctx, source.Org, source.ID), "DeleteSource")
	note(source, one, time.Hour, 7)
	noted(both, start, foreign)
}

func sortNotes(notes []core.FeedNote) {
	slices.SortFunc(notes, func(a, b core.FeedNote) int {
		return strings.Compare(a.Source.String()+a.Node.String(), b.Source.String()+b.Node.String())
	})
}
