package eventlog_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// lister asks for a page of one list with a cursor, and says where it goes on.
type lister func(cursor string) (next string, err error)

// listers are the three lists of a rig that have cursors.
func listers(r *coretest.Rig) map[string]lister {
	ctx := r.T.Context()
	events := func(ref string) lister {
		return func(cursor string) (string, error) {
			page, err := r.Query.Events(ctx, r.Who, ref, core.EventQuery{Limit: 1, Cursor: cursor})
			return page.NextCursor, err
		}
	}
	return map[string]lister{"a": events("a"), "all": events(""), "streams": func(cursor string) (string, error) {
		page, err := r.Streams.List(ctx, r.Who, core.StreamQuery{Cursor: cursor, Limit: 1})
		return page.NextCursor, err
	}}
}

// issuedBy returns every cursor of a list.
func issuedBy(t coretest.Tester, list lister) (issued []string) {
	for cursor := ""; ; {
		next, err := list(cursor)
		require.NoError(t, err)
		if cursor = next; cursor == "" {
			return issued
		}
		issued = append(issued, cursor)
	}
}

// threeLists returns a rig with events and streams enough for some cursors, in
// every process the same.
func threeLists(t coretest.Tester) *coretest.Rig {
	r := coretest.NewRig(t, nil)
	for i, name := range []string{"a", "b", "ü", "d"} {
		stream := core.ID{7, byte(i)}
		require.NoError(t, r.Catalog.CreateStream(t.Context(), core.Stream{ID: stream, Org: r.Who.Org, Name: name, Revision: 1}))
		for range 3 {
			r.Put(stream, core.Event{})
			r.Clock.Pass(time.Millisecond)
		}
	}
	return r
}

// damaged yields what can become of a cursor: a bit that flipped, an end or a
// beginning that is missing, something that was added.
func damaged(cursor string) (all []string) {
	for i := range len(cursor) {
		for bit := range 8 {
			text := []byte(cursor)
			text[i] ^= 1 << bit
			all = append(all, string(text))
		}
		all = append(all, cursor[i+1:], cursor[:i]+cursor[i+1:], cursor[:i]+"\n"+cursor[i:], cursor[:i]+"\r\n"+cursor[i:], cursor[:i]+"A"+cursor[i:])
		if i > 0 {
			all = append(all, cursor[:i])
		}
	}
	return append(all, cursor+"A", cursor+"=", cursor+"\n", cursor+" ", cursor+cursor)
}

// A cursor that was damaged on its way is refused with its name, not answered
// from another place of the list.
func TestDamagedCursorsAreRefused(t *testing.T) {
	t.Parallel()
	for name, list := range listers(threeLists(t)) {
		issued := issuedBy(t, list)
		require.GreaterOrEqual(t, len(issued), 2)
		for _, cursor := range issued {
			for _, text := range damaged(cursor) {
				if text == "" || slices.Contains(issued, text) {
					continue
				}
				_, err := list(text)
				require.Errorf(t, err, "%s: %q became %q", name, cursor, text)
				coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
			}
		}
	}
}

// A cursor goes on in the list that it came from and in no other: not with
// another condition or order, of another stream, in another organization.
func TestACursorBelongsToItsQuery(t *testing.T) {
	t.Parallel()
	r := threeLists(t)
	began, after := r.Clock.Now().Add(-time.Hour), core.Offset(0)
	queries := map[string]core.EventQuery{
		"plain": {}, "backward": {Descending: true}, "after": {After: &after}, "from": {From: began}, "to": {To: began.Add(9 * time.Hour)},
		"type": {Filter: core.Filter{Type: "x"}}, "source": {Filter: core.Filter{Source: "x"}}, "subject": {Filter: core.Filter{Subject: "x"}},
		"payload": {Payload: []core.PayloadMatch{{Path: "x", Value: "x"}}}, "value": {Payload: []core.PayloadMatch{{Path: "x", Value: "y"}}},
		"joined": {Payload: []core.PayloadMatch{{Path: `x" "x"} {"x`, Value: "x"}}}, "two": {Payload: []core.PayloadMatch{{Path: "x", Value: "x"}, {Path: "x", Value: "x"}}},
	}
	for _, ref := range []string{"a", ""} {
		issued := r.Page(ref, core.EventQuery{Limit: 1}).NextCursor
		for name, query := range queries {
			if query.Cursor = issued; name == "plain" || ref == "" && query.After != nil {
				continue
			}
			_, err := r.Query.Events(t.Context(), r.Who, ref, query)
			require.Error(t, err, name)
			coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
		}
		for _, other := range []string{"a", "b", ""} {
			_, err := r.Query.Events(t.Context(), r.Who, other, core.EventQuery{Cursor: issued})
			require.Equal(t, other != ref, err != nil)
		}
		_, err := r.Streams.List(t.Context(), r.Who, core.StreamQuery{Cursor: issued, Limit: 1})
		coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
	}
}

// A cursor means nothing in another organization, over events as over streams.
func TestACursorBelongsToItsOrganization(t *testing.T) {
	t.Parallel()
	r := threeLists(t)
	foreign := r.Who
	foreign.Org = core.ID{9}
	for _, name := range []string{"all", "streams"} {
		issued := issuedBy(t, listers(r)[name])[0]
		_, err := listers(r)[name](issued)
		require.NoError(t, err)
		stranger := *r
		stranger.Who = foreign
		_, err = listers(&stranger)[name](issued)
		coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
	}
}

// Where retention took the events that a cursor points to, the list goes on
// with the oldest that are left: backward it ends there.
func TestACursorOutlivesWhatItPointsTo(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"a", ""} {
		r := coretest.NewRig(t, nil)
		stream := r.Create(core.StreamSpec{Name: "a"})
		for range 6 {
			r.Put(stream, core.Event{}, core.Event{})
			r.Clock.Pass(24 * time.Hour)
		}
		forward := core.EventQuery{Limit: 3, Cursor: r.Page(ref, core.EventQuery{Limit: 3}).NextCursor}
		backward := core.EventQuery{Limit: 9, Descending: true}
		backward.Cursor = r.Page(ref, backward).NextCursor
		between := core.EventQuery{Limit: 3, Descending: true}
		between.Cursor = r.Page(ref, between).NextCursor
		require.NoError(t, r.Log.Trim(t.Context(), stream, r.Clock.Now().Add(-3*24*time.Hour)))
		require.Equal(t, []core.Offset{6, 7, 8, 9, 10, 11}, coretest.Offsets(r.All(ref, forward, func() {})))
		require.Empty(t, r.All(ref, backward, func() {}))
		require.Equal(t, []core.Offset{8, 7, 6}, coretest.Offsets(r.All(ref, between, func() {})))
	}
}

// oneEventLog holds one event at a place of its own choice and more behind it,
// and records where it is read from.
type oneEventLog struct {
	core.EventLog
	event core.Event
	after core.Position
	from  core.Offset
}

func (l *oneEventLog) Bounds(context.Context, []core.ID) ([]core.Bounds, error) {
	return []core.Bounds{{First: l.event.Offset, Next: math.MaxInt64}}, nil
}

func (l *oneEventLog) Read(_ context.Context, _ core.ID, scan core.Scan) ([]core.Event, error) {
	l.from = scan.From
	return []core.Event{l.event}, nil
}

func (l *oneEventLog) ReadAll(_ context.Context, _ core.ID, scan core.AllScan) ([]core.Event, error) {
	l.after = scan.After
	return slices.Repeat([]core.Event{l.event}, scan.Limit), nil
}

// Whatever the place of the last event of a page, its cursor leads there.
func TestACursorKeepsItsPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		log := &oneEventLog{EventLog: coretest.OpenLog(t)}
		r := coretest.NewRig(t, log)
		log.event = core.Event{Stream: r.Create(core.StreamSpec{Name: "a"})}
		log.event.Offset = core.Offset(rapid.Int64Range(0, math.MaxInt64-2).Draw(t, "offset"))
		log.event.ReceivedAt = time.UnixMicro(rapid.Int64Range(1, 1<<52).Draw(t, "received")).UTC()
		page := r.Page("a", core.EventQuery{Limit: 1})
		r.Page("a", core.EventQuery{Limit: 1, Cursor: page.NextCursor})
		require.Equal(t, log.event.Offset+1, log.from)
		page = r.Page("", core.EventQuery{Limit: 1})
		r.Page("", core.EventQuery{Limit: 1, Cursor: page.NextCursor})
		require.Equal(t, core.Position{ReceivedAt: log.event.ReceivedAt, Stream: log.event.Stream, Offset: log.event.Offset}, log.after)
	})
}

// The list of streams holds every name once, in the order of its bytes,
// whatever characters the names are made of.
func TestAllStreamsAreListedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := coretest.NewRig(t, nil)
		name := rapid.StringMatching(`[a-zé日"\\]([a-z é日"\\.]{0,8}[a-z😀])?`)
		names := rapid.SliceOfNDistinct(name, 0, 12, rapid.ID).Draw(t, "names")
		for _, name := range names {
			r.Create(core.StreamSpec{Name: name})
		}
		limit, cursor, got := rapid.IntRange(1, 4).Draw(t, "limit"), "", []string{}
		for range 20 {
			page, err := r.Streams.List(t.Context(), r.Who, core.StreamQuery{Cursor: cursor, Limit: limit})
			require.NoError(t, err)
			for _, stream := range page.Items {
				got = append(got, stream.Name)
			}
			if cursor = page.NextCursor; !page.HasMore {
				break
			}
			require.Len(t, page.Items, limit)
		}
		slices.Sort(names)
		require.Equal(t, strings.Join(names, "|"), strings.Join(got, "|"))
	})
}

// Of a prefix the list holds those names that begin with it, byte by byte,
// once and in order, and only those that a key may use.
func TestStreamsAreFoundByWhatTheyBeginWith(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := coretest.NewRig(t, nil)
		name := rapid.StringMatching(`[aAé%_]([aé%_ ]{0,3}[aé\\])?`)
		names := rapid.SliceOfNDistinct(name, 0, 12, rapid.ID).Draw(t, "names")
		query := core.StreamQuery{Prefix: rapid.StringMatching(`[aAé%_]{0,2}[ a\\]?`).Draw(t, "prefix"), Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		var wanted []string
		who, narrow := r.Who, rapid.Bool().Draw(t, "narrow")
		for i, name := range names {
			id := r.Create(core.StreamSpec{Name: name})
			if narrow && i%2 == 1 {
				continue
			}
			if narrow {
				who.Streams = append(who.Streams, id)
			}
			if strings.HasPrefix(name, query.Prefix) {
				wanted = append(wanted, name)
			}
		}
		slices.Sort(wanted)
		var got []string
		for range 20 {
			page, err := r.Streams.List(t.Context(), who, query)
			require.NoError(t, err)
			for _, stream := range page.Items {
				got = append(got, stream.Name)
			}
			if query.Cursor = page.NextCursor; !page.HasMore {
				break
			}
			require.Len(t, page.Items, query.Limit)
		}
		require.Equal(t, strings.Join(wanted, "|"), strings.Join(got, "|"))
	})
}

// A cursor of one prefix goes on with no other, and a prefix that no name can
// have is refused.
func TestACursorBelongsToItsPrefix(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	for _, name := range []string{"ab", "abc", "abd"} {
		r.Create(core.StreamSpec{Name: name})
	}
	first, err := r.Streams.List(t.Context(), r.Who, core.StreamQuery{Prefix: "ab", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "ab", first.Items[0].Name)
	for _, other := range []string{"", "a", "abc", "b"} {
		_, err := r.Streams.List(t.Context(), r.Who, core.StreamQuery{Prefix: other, Cursor: first.NextCursor})
		coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
	}
	for _, wrong := range []string{"\xff", "a\x00", "a\n", strings.Repeat("a", core.MaxStreamNameLength+1)} {
		_, err := r.Streams.List(t.Context(), r.Who, core.StreamQuery{Prefix: wrong})
		coretest.RequireRefusal(t, err, core.CodeValidation, "prefix")
	}
}

// No text makes a list panic, and a list takes no cursor but those it issued.
func FuzzCursor(f *testing.F) {
	r := threeLists(f)
	lists, issued := listers(r), map[string][]string{}
	for name, list := range lists {
		issued[name] = issuedBy(f, list)
		for _, cursor := range issued[name] {
			f.Add(cursor, uint8(3), byte(1))
			f.Add(cursor+"\n", uint8(0), byte(0))
		}
	}
	for _, text := range []string{"", "A", "AAAAAA", "AAAAAAAAAAAAAAAA", "=", "\n", "é", strings.Repeat("A", 6000)} {
		f.Add(text, uint8(0), byte('A'^'\n'))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8, flip byte) {
		for name, list := range lists {
			own := issued[name][int(at)%len(issued[name])]
			changed := []byte(own)
			changed[int(at)%len(changed)] ^= flip
			for _, cursor := range []string{text, string(changed), own[:int(at)%len(own)], string(bytes.ToLower(changed))} {
				_, err := list(cursor)
				if cursor == "" || slices.Contains(issued[name], cursor) {
					require.NoError(t, err)
					continue
				}
				require.Errorf(t, err, "%s took %q", name, cursor)
				coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
			}
		}
	})
}
