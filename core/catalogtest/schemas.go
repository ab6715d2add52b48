package catalogtest

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var schemas = []guarantee{
	{"a version is found as it was registered", registeredSchema},
	{"a registration is a change of the stream", registrationChangesStream},
	{"a version of a type is taken once", takenVersion},
	{"versions are listed by type and version", listedSchemas},
	{"a deleted stream takes its versions with it", schemasOfADeletedStream},
	{"reports are added and are no change of the stream", reported},
}

func newSchema(stream core.Stream, eventType string, version int32) core.SchemaVersion {
	return core.SchemaVersion{
		ID: newID(start), Org: stream.Org, Stream: stream.ID, EventType: eventType, Version: version,
		Schema: json.RawMessage(" {\"type\" : \"object\", \"maxProperties\":1.0e2} \n"), Compatibility: core.CompatibilityFullTransitive,
		CreatedAt: start.Add(time.Millisecond), CreatedBy: "ann",
	}
}

// registered registers a version, and returns it with the stream that it made.
func (s *suite) registered(stream core.Stream, eventType string, version int32) (core.Stream, core.SchemaVersion) {
	s.Helper()
	stream.Revision++
	stream.SchemaVersions++
	made := newSchema(stream, eventType, version)
	s.must(s.catalog.RegisterSchema(context.Background(), stream, made), "RegisterSchema")
	return stream, made
}

func (s *suite) hasSchemas(stream core.ID, want ...core.SchemaVersion) {
	s.Helper()
	got, err := s.catalog.Schemas(context.Background(), stream)
	s.must(err, "Schemas")
	s.check(len(got) == len(want) && (len(want) == 0 || reflect.DeepEqual(got, want)), "Schemas must be\n%v\nare\n%v", want, got)
}

func registeredSchema(s *suite) {
	stream := s.created(s.organization(), "orders")
	s.hasSchemas(stream.ID)
	stream, first := s.registered(stream, "order.paid", 1)
	s.hasSchemas(stream.ID, first)
	most := newSchema(stream, strings.Repeat("\U0001f389", core.MaxTypeLength), math.MaxInt32)
	filler := `{"title": "` + `\u0000\ud83c\udf89'` + "\u2028\U0001f389"
	most.Schema = json.RawMessage(filler + strings.Repeat("x", core.MaxSchemaBytes-len(filler)-2) + `"}`)
	most.CreatedBy = ""
	stream.Revision++
	s.must(s.catalog.RegisterSchema(context.Background(), stream, most), "RegisterSchema")
	s.hasSchemas(stream.ID, first, most)
	s.hasSchemas(newID(start))
}

func registrationChangesStream(s *suite) {
	ctx := context.Background()
	before := s.created(s.organization(), "orders")
	stream, version := s.registered(before, "a", 1)
	s.has(stream)
	late := newSchema(before, "a", 2)
	for _, revision := range []int64{0, 1, 2, 4} {
		other := before
		other.Revision = revision
		s.refused(s.catalog.RegisterSchema(ctx, other, late), core.CodePreconditionFailed, "RegisterSchema that does not follow the stored Revision")
	}
	foreign := stream
	foreign.Org, foreign.Revision = s.organization(), 3
	s.refused(s.catalog.RegisterSchema(ctx, foreign, late), core.CodeNotFound, "RegisterSchema of another organization's stream")
	s.has(stream)
	s.hasSchemas(stream.ID, version)
	errs := race(8, func(int) error {
		next := stream
		next.Revision++
		return s.catalog.RegisterSchema(ctx, next, newSchema(stream, "a", 2))
	})
	s.won(errs, core.CodePreconditionFailed, "RegisterSchema")
}

func takenVersion(s *suite) {
	stream, version := s.registered(s.created(s.organization(), "orders"), "a", 1)
	next := stream
	next.Revision++
	s.refused(s.catalog.RegisterSchema(context.Background(), next, newSchema(stream, "a", 1)), core.CodeConflict, "RegisterSchema of a version that is there")
	s.has(stream)
	s.hasSchemas(stream.ID, version)
	again := newSchema(stream, "a", 2)
	again.ID = version.ID
	s.check(s.catalog.RegisterSchema(context.Background(), next, again) != nil, "RegisterSchema with the id of another version must fail")
	s.has(stream)
	other, _ := s.registered(s.created(stream.Org, "payments"), "a", 1)
	s.has(other)
}

func listedSchemas(s *suite) {
	stream, other := s.created(s.organization(), "orders"), s.created(s.organization(), "orders")
	var want []core.SchemaVersion
	for _, of := range []struct {
		eventType string
		version   int32
	}{{"b", 2}, {"B", 1}, {"a", 10}, {"\u00e9", 1}, {"a", 9}, {"", 1}, {"\U0001f389", 1}, {"a_", 1}, {"a%", 1}, {"\uffff", 1}} {
		var made core.SchemaVersion
		stream, made = s.registered(stream, of.eventType, of.version)
		want = append(want, made)
		other, _ = s.registered(other, of.eventType, of.version)
	}
	slices.SortFunc(want, func(a, b core.SchemaVersion) int {
		if a.EventType == b.EventType {
			return int(a.Version - b.Version)
		}
		return strings.Compare(a.EventType, b.EventType)
	})
	s.hasSchemas(stream.ID, want...)
}

func schemasOfADeletedStream(s *suite) {
	stream, _ := s.registered(s.created(s.organization(), "orders"), "a", 1)
	stays, version := s.registered(s.created(stream.Org, "payments"), "a", 1)
	gone := s.remove(stream)
	s.hasSchemas(gone.ID)
	s.hasSchemas(stays.ID, version)
	gone.Revision++
	s.refused(s.catalog.RegisterSchema(context.Background(), gone, newSchema(gone, "a", 2)), core.CodeNotFound, "RegisterSchema of a deleted stream")
}

func reported(s *suite) {
	ctx, org := context.Background(), s.organization()
	one, two := s.created(org, "orders"), s.created(org, "payments")
	s.must(s.catalog.NoteReported(ctx, map[core.ID]int64{one.ID: 2, two.ID: 1 << 40, newID(start): 1}), "NoteReported")
	s.must(s.catalog.NoteReported(ctx, map[core.ID]int64{one.ID: 3}), "NoteReported")
	s.must(s.catalog.NoteReported(ctx, nil), "NoteReported")
	one.Reported, two.Reported = 5, 1<<40
	s.has(one)
	s.has(two)
	s.has(s.update(one, func(stream *core.Stream) { stream.Enforcement = core.EnforceReport }))
	unaware := two
	unaware.Revision, unaware.Reported = 2, 0
	s.must(s.catalog.UpdateStream(ctx, unaware), "UpdateStream")
	two.Revision = 2
	s.has(two)
}
