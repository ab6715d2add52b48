package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

func ids(events []core.Event) []string {
	out := make([]string, len(events))
	for i := range events {
		out[i] = events[i].ID.String()
	}
	return out
}

func byPlace(a, b core.Event) int {
	if order := a.ReceivedAt.Compare(b.ReceivedAt); order != 0 {
		return order
	}
	if order := strings.Compare(string(a.Stream[:]), string(b.Stream[:])); order != 0 {
		return order
	}
	return int(a.Offset - b.Offset)
}

// drawn is what a property's writer has stored, in three streams.
type drawn struct {
	*coretest.Rig
	streams []core.ID
	stored  []core.Event
}

// store stores some events, later than what is there; they may share a time.
func (d *drawn) store(t *rapid.T) {
	d.Clock.Pass(time.Microsecond)
	for range rapid.IntRange(0, 5).Draw(t, "events") {
		payload := fmt.Sprintf(`{"of":[%d]}`, rapid.IntRange(0, 1).Draw(t, "of"))
		event := core.Event{Type: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "type"), Payload: []byte(payload)}
		d.stored = append(d.stored, d.Put(rapid.SampledFrom(d.streams).Draw(t, "stream"), event)...)
		d.Clock.Pass(time.Duration(rapid.IntRange(0, 1).Draw(t, "passed")) * time.Microsecond)
	}
}

// answer is what a query selects of the first so many events.
func (d *drawn) answer(first int, ref string, query core.EventQuery) []core.Event {
	want := slices.Clone(d.stored[:first])
	want = slices.DeleteFunc(want, func(e core.Event) bool {
		return query.Filter.Type != "" && e.Type != query.Filter.Type ||
			query.Payload != nil && string(e.Payload) != `{"of":[1]}` ||
			ref == "a" && e.Stream != d.streams[0] ||
			len(d.Who.Streams) > 0 && e.Stream == d.streams[2]
	})
	if slices.SortFunc(want, byPlace); query.Descending {
		slices.Reverse(want)
	}
	return want
}

// Whoever follows the cursors meets every event exactly once and in order,
// over one stream as over all, while others go on storing: forward those that
// came in between too, backward what there was at the first page.
func TestPagesHoldEveryEventOnceWhileOthersStore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &drawn{Rig: coretest.NewRig(t, nil)}
		for _, name := range []string{"a", "b", "c"} {
			d.streams = append(d.streams, d.Create(core.StreamSpec{Name: name}))
		}
		for range 4 {
			d.store(t)
		}
		query := core.EventQuery{Descending: rapid.Bool().Draw(t, "descending"), Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		query.Filter.Type = rapid.SampledFrom([]string{"", "x"}).Draw(t, "filter")
		if rapid.Bool().Draw(t, "payload") {
			query.Payload = []core.PayloadMatch{{Path: "of.0", Value: "1"}}
		}
		if rapid.Bool().Draw(t, "narrowed") {
			d.Who.Streams = d.streams[:2]
		}
		ref := rapid.SampledFrom([]string{"", "a"}).Draw(t, "ref")
		first, rounds := len(d.stored), 0
		got := d.All(ref, query, func() {
			if rounds++; rounds < 8 {
				d.store(t)
			}
		})
		if !query.Descending {
			first = len(d.stored)
		}
		require.Equal(t, ids(d.answer(first, ref, query)), ids(got))
	})
}

// match is a payload filter of pairs of path and value.
func match(pairs ...string) (all []core.PayloadMatch) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, core.PayloadMatch{Path: pairs[i], Value: pairs[i+1]})
	}
	return all
}

// fourEvents stores four events in a stream, a minute apart.
func fourEvents(r *coretest.Rig, stream core.ID) {
	for _, event := range []core.Event{
		{Type: "paid", Source: "till", Subject: "ann", Payload: []byte(`{"n":1,"list":["a",{"b":"é"}]}`)},
		{Type: "paid", Source: "web", Subject: "bob", Payload: []byte(`{"n":"1","list":[]}`)},
		{Type: "sent", Source: "till", Subject: "bob", Payload: []byte(`{"n":1.0,"deep":{"n":null},"x.y":{"z":7}}`)},
		{Type: "Paid", Source: "web", Payload: []byte(`"1"`)},
	} {
		r.Put(stream, event)
		r.Clock.Pass(time.Minute)
	}
}

// Every condition of a query leaves out what does not meet it, alone and with
// others, and means the same over one stream and over all.
func TestQueriesSelect(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	stream, began := r.Create(core.StreamSpec{Name: "a"}), r.Clock.Now()
	fourEvents(r, stream)
	minute := func(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }
	for name, tt := range map[string]struct {
		query core.EventQuery
		want  []core.Offset
	}{
		"everything":            {core.EventQuery{}, []core.Offset{0, 1, 2, 3}},
		"newest first":          {core.EventQuery{Descending: true}, []core.Offset{3, 2, 1, 0}},
		"type":                  {core.EventQuery{Filter: core.Filter{Type: "paid"}}, []core.Offset{0, 1}},
		"source":                {core.EventQuery{Filter: core.Filter{Source: "till"}}, []core.Offset{0, 2}},
		"subject":               {core.EventQuery{Filter: core.Filter{Subject: "bob"}}, []core.Offset{1, 2}},
		"all three":             {core.EventQuery{Filter: core.Filter{Type: "paid", Source: "web", Subject: "bob"}}, []core.Offset{1}},
		"nothing":               {core.EventQuery{Filter: core.Filter{Type: "paid", Source: "fax"}}, []core.Offset{}},
		"from, included":        {core.EventQuery{From: minute(2)}, []core.Offset{2, 3}},
		"from in between":       {core.EventQuery{From: minute(2).Add(time.Microsecond)}, []core.Offset{3}},
		"to, not included":      {core.EventQuery{To: minute(2)}, []core.Offset{0, 1}},
		"to in another zone":    {core.EventQuery{To: minute(2).In(time.FixedZone("", 7200))}, []core.Offset{0, 1}},
		"from and to, backward": {core.EventQuery{From: minute(1), To: minute(3), Descending: true}, []core.Offset{2, 1}},
		"an empty time":         {core.EventQuery{From: minute(1), To: minute(1)}, []core.Offset{}},
		"before all":            {core.EventQuery{To: began}, []core.Offset{}},
		"after all":             {core.EventQuery{From: minute(9)}, []core.Offset{}},
		"payload number":        {core.EventQuery{Payload: match("n", "1")}, []core.Offset{0, 1, 2}},
		"payload number, 1.0":   {core.EventQuery{Payload: match("n", "1.0")}, []core.Offset{0, 2}},
		"payload number, 1e0":   {core.EventQuery{Payload: match("n", "1e0")}, []core.Offset{0, 2}},
		"payload, a dotted key": {core.EventQuery{Payload: match(`"x.y".z`, "7")}, []core.Offset{2}},
		"payload, its parts":    {core.EventQuery{Payload: match(`x.y.z`, "7")}, []core.Offset{}},
		"payload in a list":     {core.EventQuery{Payload: match("list.1.b", "é")}, []core.Offset{0}},
		"payload null":          {core.EventQuery{Payload: match("deep.n", "null")}, []core.Offset{2}},
		"payloads, both":        {core.EventQuery{Payload: match("n", "1", "list.0", "a")}, []core.Offset{0}},
		"payload, no scalar":    {core.EventQuery{Payload: match("deep", "")}, []core.Offset{}},
		"payload and type":      {core.EventQuery{Payload: match("n", "1"), Filter: core.Filter{Source: "web"}}, []core.Offset{1}},
	} {
		for _, ref := range []string{"a", stream.String(), ""} {
			got := []core.Offset{}
			for _, event := range r.Page(ref, tt.query).Items {
				got = append(got, event.Offset)
			}
			require.Equal(t, tt.want, got, "%s of %q", name, ref)
		}
	}
}

// `after` leaves out an offset and all before it, -1 leaves out none, one beyond the
// end is refused, and it means nothing over all streams. A time that ends before it begins is refused.
func TestBoundsOfQueriesAreChecked(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	r.Put(r.Create(core.StreamSpec{Name: "a"}), make([]core.Event, 5)...)
	for after, want := range map[core.Offset]int{-1: 5, 0: 4, 3: 1, 4: 0} {
		require.Len(t, r.Page("a", core.EventQuery{After: &after}).Items, want, "after %d", after)
		require.Len(t, r.Page("a", core.EventQuery{After: &after, Descending: true}).Items, want, "after %d, backward", after)
	}
	for _, after := range []core.Offset{-2, -1 << 63, 5, 1 << 40, 1<<63 - 1} {
		_, err := r.Query.Events(t.Context(), r.Who, "a", core.EventQuery{After: &after})
		coretest.RequireRefusal(t, err, core.CodeValidation, "after")
		_, err = r.Query.Export(t.Context(), r.Who, "a", core.EventQuery{After: &after})
		coretest.RequireRefusal(t, err, core.CodeValidation, "after")
	}
	after, now := core.Offset(0), r.Clock.Now()
	_, err := r.Query.Events(t.Context(), r.Who, "", core.EventQuery{After: &after})
	coretest.RequireRefusal(t, err, core.CodeValidation, "after")
	for _, ref := range []string{"", "a"} {
		_, err = r.Query.Events(t.Context(), r.Who, ref, core.EventQuery{Payload: match(`"x`, "1")})
		coretest.RequireRefusal(t, err, core.CodeValidation, `payload."x`)
		_, err = r.Query.Events(t.Context(), r.Who, ref, core.EventQuery{From: now, To: now.Add(-1)})
		coretest.RequireRefusal(t, err, core.CodeValidation, "to")
	}
	_, err = r.Query.Events(t.Context(), r.Who, "b", core.EventQuery{})
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}

// A page has 50 events where nothing is said, 1 to 1000 where something is.
func TestPagesHaveTheSizeThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	r.Put(r.Create(core.StreamSpec{Name: "a"}), make([]core.Event, 1001)...)
	for _, ref := range []string{"", "a"} {
		for limit, want := range map[int]int{0: 50, 1: 1, 999: 999, 1000: 1000} {
			page := r.Page(ref, core.EventQuery{Limit: limit})
			require.Len(t, page.Items, want, "limit %d of %q", limit, ref)
			require.True(t, page.HasMore)
		}
		for _, limit := range []int{-1, 1001, 1 << 40, -1 << 63} {
			_, err := r.Query.Events(t.Context(), r.Who, ref, core.EventQuery{Limit: limit})
			coretest.RequireRefusal(t, err, core.CodeValidation, "limit")
		}
		last := r.Page(ref, core.EventQuery{Limit: 1000, Cursor: r.Page(ref, core.EventQuery{Limit: 1}).NextCursor})
		require.Len(t, last.Items, 1000, "the page size is no part of what a cursor belongs to")
		require.False(t, last.HasMore, "a full page may be the last")
	}
}

// An event is found by its id in its own stream alone, also where others came
// in the same millisecond.
func TestAnEventIsFoundByItsID(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	a, b := r.Create(core.StreamSpec{Name: "a"}), r.Create(core.StreamSpec{Name: "b"})
	events := r.Put(a, make([]core.Event, 3)...)
	r.Clock.Pass(24 * time.Hour)
	other := r.Put(b, core.Event{})[0]
	for _, event := range events {
		for _, ref := range []string{"a", a.String(), strings.ToUpper(a.String())} {
			found, err := r.Query.Event(t.Context(), r.Who, ref, event.ID.String())
			require.NoError(t, err)
			require.Equal(t, event.Offset, found.Offset)
		}
	}
	foreign := core.Principal{Org: core.ID{9}}
	narrowed := core.Principal{Org: r.Who.Org, Streams: []core.ID{b}}
	for name, tt := range map[string]struct {
		who        core.Principal
		stream, id string
		code       core.Code
		field      string
	}{
		"another stream's":       {r.Who, "a", other.ID.String(), core.CodeNotFound, ""},
		"another organization's": {foreign, a.String(), events[0].ID.String(), core.CodeNotFound, ""},
		"a stream that is not":   {r.Who, "c", events[0].ID.String(), core.CodeNotFound, ""},
		"never there":            {r.Who, "a", core.NewID(r.Clock.Now(), make([]byte, 10)).String(), core.CodeNotFound, ""},
		"no id":                  {r.Who, "a", "7", core.CodeValidation, "event_id"},
		"narrowed to others":     {narrowed, "a", events[0].ID.String(), core.CodeNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Query.Event(t.Context(), tt.who, tt.stream, tt.id)
			coretest.RequireRefusal(t, err, tt.code, tt.field)
		})
	}
	require.NoError(t, r.Log.Trim(t.Context(), a, r.Clock.Now()))
	_, err := r.Query.Event(t.Context(), r.Who, "a", events[0].ID.String())
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}

// sparseLog is a stream of many offsets that hold nothing but a few events.
type sparseLog struct {
	core.EventLog
	bounds core.Bounds
	held   []core.Offset
	scans  []core.Scan
}

func (l *sparseLog) Bounds(context.Context, []core.ID) ([]core.Bounds, error) {
	return []core.Bounds{l.bounds}, nil
}

func (l *sparseLog) Read(_ context.Context, _ core.ID, scan core.Scan) (found []core.Event, _ error) {
	l.scans = append(l.scans, scan)
	for _, offset := range l.held {
		if scan.From <= offset && offset < scan.To && len(found) < scan.Limit {
			found = append(found, core.Event{Offset: offset})
		}
	}
	if scan.Backward {
		slices.Reverse(found)
	}
	return found, nil
}

// A filter that matches rarely gets empty pages that go on, each after a
// bounded part of the log, and misses nothing.
func TestARareMatchIsFoundOverSeveralPages(t *testing.T) {
	t.Parallel()
	for _, descending := range []bool{false, true} {
		log := &sparseLog{EventLog: coretest.OpenLog(t), bounds: core.Bounds{First: 7, Next: 3_500_000}, held: []core.Offset{2_500_000, 3_499_999}}
		r := coretest.NewRig(t, log)
		r.Create(core.StreamSpec{Name: "a"})
		query := core.EventQuery{Descending: descending, Filter: core.Filter{Type: "rare"}, Limit: 10}
		require.Len(t, r.All("a", query, func() {
			require.LessOrEqual(t, len(log.scans), 12, "one page reads a part of the log")
			log.scans = nil
		}), 2)
	}
}

// A page of large events ends before it fills the memory, and the next one
// goes on where it ended.
func TestPagesOfLargeEventsAreShort(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	stream := r.Create(core.StreamSpec{Name: "a"})
	for range 20 {
		r.Put(stream, core.Event{Payload: bytes.Repeat([]byte("7"), core.MaxEventBytes)})
	}
	for _, ref := range []string{"a", ""} {
		query := core.EventQuery{Limit: 1000}
		page := r.Page(ref, query)
		require.Len(t, page.Items, 16)
		query.Cursor = page.NextCursor
		page = r.Page(ref, query)
		require.Len(t, page.Items, 4)
		require.False(t, page.HasMore)
	}
}

// An export holds what was stored before it was asked for, page after page,
// and nothing that came while it ran; an error ends it.
func TestAnExportHoldsWhatWasThere(t *testing.T) {
	t.Parallel()
	storage := coretest.OpenLog(t)
	r := coretest.NewRig(t, storage)
	stream := r.Create(core.StreamSpec{Name: "a"})
	r.Put(stream, make([]core.Event, 2500)...)
	for more, ref := range []string{"a", ""} {
		r.Clock.Pass(time.Microsecond)
		export, err := r.Query.Export(t.Context(), r.Who, ref, core.EventQuery{})
		require.NoError(t, err)
		count := 0
		for _, err := range export {
			require.NoError(t, err)
			if count++; count == 1 {
				r.Put(stream, core.Event{})
			}
		}
		require.Equal(t, 2500+more, count)
	}
	export, err := r.Query.Export(t.Context(), r.Who, "a", core.EventQuery{})
	require.NoError(t, err)
	require.NoError(t, storage.Close())
	for _, err := range export {
		require.Error(t, err)
	}
}

// What is over all streams leaves out a deleted stream, at once on this node.
func TestADeletedStreamIsNotShown(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	r.Put(r.Create(core.StreamSpec{Name: "a"}), core.Event{}, core.Event{})
	r.Put(r.Create(core.StreamSpec{Name: "b"}), core.Event{})
	require.Len(t, r.Page("", core.EventQuery{}).Items, 3)
	require.NoError(t, r.Streams.Delete(t.Context(), r.Who, "a", 0))
	require.Len(t, r.Page("", core.EventQuery{}).Items, 1)
	_, err := r.Query.Events(t.Context(), r.Who, "a", core.EventQuery{})
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}
