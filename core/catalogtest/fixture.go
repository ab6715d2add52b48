package catalogtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// start is when everything was created, unless a test says otherwise.
var start = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

// suite is one running test.
type suite struct {
	*testing.T
	catalog core.Catalog
	// place makes room for other data and returns what opens it.
	place func(*testing.T) func(*testing.T) core.Catalog
	// open opens the data; in [Run] each call opens other data.
	open func(*testing.T) core.Catalog
}

// again opens the data once more, and closes it when the test ends. Tests may
// close it before.
func (s *suite) again() core.Catalog {
	s.Helper()
	opened := s.open(s.T)
	s.Cleanup(func() { _ = opened.Close() })
	return opened
}

// must ends the test when a call that cannot fail does.
func (s *suite) must(err error, call string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: unexpected error: %v", call, err)
	}
}

// check ends the test when the contract does not hold.
func (s *suite) check(holds bool, broken string, args ...any) {
	s.Helper()
	if !holds {
		s.Fatalf(broken, args...)
	}
}

// refused checks that a call failed with a code.
func (s *suite) refused(err error, code core.Code, call string) {
	s.Helper()
	s.check(core.CodeOf(err) == code, "%s must be refused with %s, got error %v", call, code, err)
}

// newID is a random id of a time.
func newID(at time.Time) core.ID {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return core.NewID(at, random[:])
}

// organization makes an organization of a name that no other has.
func (s *suite) organization() core.ID {
	s.Helper()
	id := newID(start)
	org := core.Organization{ID: id, Name: "organization " + id.String(), CreatedAt: start}
	stored, err := s.catalog.EnsureOrganization(context.Background(), org)
	s.must(err, "EnsureOrganization")
	return stored.ID
}

// newStream makes up a stream with something in every field.
func newStream(org core.ID, name string) core.Stream {
	return core.Stream{
		ID: newID(start), Org: org, Name: name, Description: "of " + name, RetentionDays: 30, RetentionBytes: 5 << 40, RetentionEvents: 7, HotDays: 5,
		IdempotencyWindowSeconds: 3600,
		Schema:                   json.RawMessage(" {\"type\" : \"object\", \"maxProperties\":1.0e2} \n"), Revision: 1,
		Enforcement: core.EnforceQuarantine, SchemaVersions: 3,
		Shard: 5, Moving: &core.ShardMove{ID: newID(start), To: 7, StartedAt: start.Add(time.Microsecond)},
		CreatedAt: start, UpdatedAt: start.Add(time.Microsecond),
	}
}

// created stores a new stream.
func (s *suite) created(org core.ID, name string) core.Stream {
	s.Helper()
	stream := newStream(org, name)
	s.must(s.catalog.CreateStream(context.Background(), stream), "CreateStream")
	return stream
}

// update replaces a stream by what change makes of its next revision, and
// returns that.
func (s *suite) update(stream core.Stream, change func(*core.Stream)) core.Stream {
	s.Helper()
	stream.Revision++
	change(&stream)
	s.must(s.catalog.UpdateStream(context.Background(), stream), "UpdateStream")
	return stream
}

// remove deletes a stream and returns it as it must be from then on.
func (s *suite) remove(stream core.Stream) core.Stream {
	s.Helper()
	return s.update(stream, func(stream *core.Stream) { stream.DeletedAt = new(start.Add(time.Hour)) })
}

// has checks that a stream is found as it was stored.
func (s *suite) has(want core.Stream) {
	s.Helper()
	byID, err := s.catalog.Stream(context.Background(), want.Org, want.ID)
	s.must(err, "Stream")
	s.sameStream(byID, want)
	byName, err := s.catalog.StreamNamed(context.Background(), want.Org, want.Name)
	s.must(err, "StreamNamed")
	s.sameStream(byName, want)
}

// gone checks that a stream is not found by its id.
func (s *suite) gone(org, id core.ID) {
	s.Helper()
	_, err := s.catalog.Stream(context.Background(), org, id)
	s.refused(err, core.CodeNotFound, "Stream of a stream that is not there")
}

// nameless checks that no stream is found by a name.
func (s *suite) nameless(org core.ID, name string) {
	s.Helper()
	_, err := s.catalog.StreamNamed(context.Background(), org, name)
	s.refused(err, core.CodeNotFound, "StreamNamed of a name that no live stream has")
}

// list returns the streams of an organization in pages of limit.
func (s *suite) list(org core.ID, limit int) []core.Stream {
	s.Helper()
	var all []core.Stream
	for after := ""; ; after = all[len(all)-1].Name {
		page, err := s.catalog.Streams(context.Background(), org, after, limit)
		s.must(err, "Streams")
		s.check(len(page) <= limit, "Streams must return at most %d streams, got %d", limit, len(page))
		s.check(len(page) == 0 || page[0].Name > after, "Streams must return names greater than %q, got %q", after, names(page))
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
	}
}

// everything is a limit that no test reaches.
const everything = 1000

func (s *suite) sameStream(got, want core.Stream) {
	s.Helper()
	if len(got.Schema) == 0 && len(want.Schema) == 0 {
		got.Schema, want.Schema = nil, nil
	}
	s.check(reflect.DeepEqual(got, want), "the stream must come back as it was stored, times in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

func (s *suite) sameStreams(got, want []core.Stream) {
	s.Helper()
	s.check(slices.Equal(names(got), names(want)), "these streams must be listed, in this order:\nwant %q\ngot  %q", names(want), names(got))
	for i := range want {
		s.sameStream(got[i], want[i])
	}
}

// show returns a value as text, with the fields that its JSON leaves out.
func show(value any) string {
	fields := map[string]any{}
	v := reflect.ValueOf(value)
	for i := range v.NumField() {
		fields[v.Type().Field(i).Name] = v.Field(i).Interface()
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func names(streams []core.Stream) []string {
	list := make([]string, len(streams))
	for i := range streams {
		list[i] = streams[i].Name
	}
	return list
}

func byName(a, b core.Stream) int { return strings.Compare(a.Name, b.Name) }

// race makes n calls at once and returns their errors.
func race(n int, call func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-begin
			errs[i] = call(i)
		})
	}
	close(begin)
	running.Wait()
	return errs
}

// won checks that of many calls one succeeded and the others were refused with
// a code, and returns the one.
func (s *suite) won(errs []error, code core.Code, call string) (winner int) {
	s.Helper()
	winner = -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			s.Fatalf("of %d calls of %s at once one must succeed, got %d and %d", len(errs), call, winner, i)
		default:
			s.refused(err, code, call+" that comes too late")
		}
	}
	s.check(winner >= 0, "of %d calls of %s at once one must succeed, got none", len(errs), call)
	return winner
}

// oddNames are names that a careless query, index or comparison trips over. No
// two are the same name.
var oddNames = []string{
	"'", `"`, "`", `\`, `\'`, "''", "it's", `say "it"`, "' or '1'='1", "'; drop table streams; --", `"; drop table streams; --`, "x') or 1=1 --", "/* */",
	"%", "%%", "_", "__", "a%", "a_", "a_b", "axb", "*", "?", "??", "$1", ":name", "@name", "{}", "[a]", "<&>", "&amp;", "#", ";", "--",
	"null", "NULL", "true", "0", "00", "-1", "1e3", "0x1", "a b", "a  b", "a\u00a0b", "a", "A", "aa", "Aa",
	"\u00e9", "e\u0301", "stra\u00dfe", "strasse", "\u0130", "\u0131", "i", "I", "\u017f", "s", "\uff41", // one letter in several forms
	"\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\u202eabc", "abc\u202e", "abc", "a\u200bbc", "\ufeffabc", // right to left, and unseen
	"\u65e5\u672c\u8a9e", "\U0001f389", "\U0001f469\u200d\U0001f467", "\uffff", "\U0010ffff", "\ufffd",
	strings.Repeat("x", 254), strings.Repeat("x", 255), strings.Repeat("\u754c", 255), strings.Repeat("\U0001f389", 255),
}
