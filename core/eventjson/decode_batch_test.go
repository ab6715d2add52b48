package eventjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

const goodEvent = `{"event_type":"a","payload":1}`

// badEvents are events whose ends are clear and that are refused, each with
// the field and the reason.
var badEvents = []struct{ text, field, reason string }{
	{`1`, "", "must be a JSON object"},
	{`null`, "", "must be a JSON object"},
	{`[[{}],"]"]`, "", "must be a JSON object"},
	{`"a,]}"`, "", "must be a JSON object"},
	{`{"event_type":"a"}`, ".payload", "is required"},
	{`{"event_type":1,"payload":[{}]}`, ".event_type", "must be a string"},
	{`{"event_type":"a","payload":1,"x":"]"}`, ".x", "is not a field of an event"},
	{`{"x":{},"y":[],"z":{"a":[{}]}}`, ".x", "is not a field of an event"},
	{`{"event_type":"a","payload":{"b":1,"b":"\"]"}}`, ".payload.b", "is given twice"},
	{`{"event_type":"a","payload":` + nested(65) + `}`, ".payload" + strings.Repeat("[0]", 64), "is nested more than 64 levels deep"},
	{`{"event_type":"a","payload":` + nested(100_000) + `}`, ".payload" + strings.Repeat("[0]", 64), "is nested more than 64 levels deep"},
	{`{"event_type":"a","payload":` + strings.Repeat(`[{"b":`, 100) + `1` + strings.Repeat(`}]`, 100) + `}`, ".payload" + strings.Repeat("[0].b", 32), "is nested more than 64 levels deep"},
	{"{\"event_type\":\"a\",\"payload\":\"\xff\"}", ".payload", "is not valid UTF-8"},
	{"{\"event_type\":\"a\",\"payload\":\"a\tb\"}", ".payload", "has a control character in a string"},
	{`{"event_type":"a","payload":"\u0000"}`, ".payload", `has a NUL (\u0000)`},
	{`{"event_type":"a","payload":"\ud800"}`, ".payload", "has half of a surrogate pair"},
	{`{"event_type":"a","payload":"\x"}`, ".payload", "has an unknown escape"},
	{`{"event_type":"a","payload":NaN}`, ".payload", "needs a value"},
	{`{"event_type":"a","payload":01}`, ".payload", "has a malformed number"},
	{`{"event_type":"a","payload":1e999}`, ".payload", "has a number that is too large"},
	{`{"event_type":"a","payload":[1,]}`, ".payload[1]", "needs a value"},
	{`{"event_type":"a","payload":1,}`, "", "needs a key in double quotes"},
}

var batchDecoders = []struct {
	name   string
	decode func([]byte, eventjson.StreamField) ([]eventjson.Draft, error)
	batch  func(events ...string) []byte
}{
	{"array", eventjson.DecodeArray, func(events ...string) []byte { return []byte("[" + strings.Join(events, " , ") + "]") }},
	{"lines", eventjson.DecodeLines, func(events ...string) []byte { return []byte(strings.Join(events, "\n")) }},
}

func TestBatchRefusesABadEventAlone(t *testing.T) {
	t.Parallel()
	for _, batch := range batchDecoders {
		for _, bad := range badEvents {
			drafts, err := batch.decode(batch.batch(goodEvent, bad.text, bad.text, goodEvent), eventjson.StreamInPath)
			require.NoError(t, err, "%s: %s", batch.name, bad.text)
			require.Len(t, drafts, 4)
			for i, draft := range drafts {
				if i == 0 || i == 3 {
					require.NoError(t, draft.Err)
					require.Equal(t, "1", string(draft.Event.Payload))
					continue
				}
				requireInvalidPrefix(t, draft.Err, fmt.Sprintf("events[%d]%s", i, bad.field), bad.reason)
				require.Zero(t, draft.Event)
			}
		}
	}
}

func TestBatchNamesAllMissingFields(t *testing.T) {
	t.Parallel()
	for _, batch := range batchDecoders {
		drafts, err := batch.decode(batch.batch(goodEvent, `{}`), eventjson.StreamInPath)
		require.NoError(t, err)
		requireInvalid(t, drafts[1].Err,
			core.Detail{Field: "events[1].event_type", Reason: "is required"}, core.Detail{Field: "events[1].payload", Reason: "is required"})
	}
}

func TestBatchHoldsEachEventToItsSize(t *testing.T) {
	t.Parallel()
	largest, tooLarge := string(eventOfSize(core.MaxEventBytes)), string(eventOfSize(core.MaxEventBytes+1))
	for _, batch := range batchDecoders {
		drafts, err := batch.decode(batch.batch(goodEvent, tooLarge, largest, goodEvent), eventjson.StreamInPath)
		require.NoError(t, err, batch.name)
		require.Len(t, drafts, 4)
		for i, draft := range drafts {
			if i != 1 {
				require.NoError(t, draft.Err)
				continue
			}
			require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(draft.Err))
			require.ErrorContains(t, draft.Err, "events[1]: must have at most 1048576 bytes, has 1048577")
		}
	}
}

func TestBatchHoldsItsOwnSize(t *testing.T) {
	t.Parallel()
	events := strings.Split(strings.Repeat(goodEvent+"\n", core.MaxBatchEvents)+goodEvent, "\n")
	for _, batch := range batchDecoders {
		drafts, err := batch.decode(batch.batch(events[1:]...), eventjson.StreamInPath)
		require.NoError(t, err)
		require.Len(t, drafts, core.MaxBatchEvents)
		_, err = batch.decode(batch.batch(events...), eventjson.StreamInPath)
		require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(err))
		body := append(batch.batch(goodEvent), bytes.Repeat([]byte(" "), core.MaxBatchBytes)...)
		_, err = batch.decode(body, eventjson.StreamInPath)
		require.Equal(t, core.CodePayloadTooLarge, core.CodeOf(err))
	}
}

func TestBatchTakesStreamsWhereTold(t *testing.T) {
	t.Parallel()
	const event = `{"stream":"orders","event_type":"a","payload":1}`
	for _, batch := range batchDecoders {
		drafts, err := batch.decode(batch.batch(event), eventjson.StreamInEvent)
		require.NoError(t, err)
		require.NoError(t, drafts[0].Err)
		require.Equal(t, "orders", drafts[0].Stream)
		drafts, err = batch.decode(batch.batch(event), eventjson.StreamInPath)
		require.NoError(t, err)
		requireInvalidPrefix(t, drafts[0].Err, "events[0].stream", "is not allowed here")
	}
}

func TestDecodeArrayRefusesWhatItCannotSplit(t *testing.T) {
	t.Parallel()
	const lost = "is broken JSON at byte %d, so the batch cannot be split into events"
	for _, tt := range []struct{ body, field, reason string }{
		{``, "body", "is empty"},
		{"\ufeff[]", "body", "must not begin with a byte order mark"},
		{`{}`, "body", "must be a JSON array of events"},
		{`[]`, "events", "must have at least one event"},
		{`[ ]x`, "body", "has more text after its end at byte 3"},
		{`[`, "events[0]", fmt.Sprintf(lost, 1)},
		{`[` + goodEvent, "events[0]", "needs a comma or ] at byte 31"},
		{`[` + goodEvent + `]` + goodEvent, "body", "has more text after its end at byte 32"},
		{`[` + goodEvent + ` ` + goodEvent + `]`, "events[0]", "needs a comma or ] at byte 32"},
		{`[` + goodEvent + `,]`, "events[1]", fmt.Sprintf(lost, 32)},
		{`[` + goodEvent + `,,` + goodEvent + `]`, "events[1]", fmt.Sprintf(lost, 32)},
		{`[` + goodEvent + `,{"event_ty`, "events[1]", fmt.Sprintf(lost, 42)},
		{`[` + goodEvent + `,{"a":[}},` + goodEvent + `]`, "events[1]", fmt.Sprintf(lost, 38)},
		{`[{"a":"x"y"},{"a":"z"}]`, "events[0]", fmt.Sprintf(lost, 9)},
		{`[{"a":"x" "b":1},` + goodEvent + `]`, "events[0]", fmt.Sprintf(lost, 9)},
		{`[{"a":1,"a":2,"b:3},` + goodEvent + `]`, "events[0]", fmt.Sprintf(lost, 22)},
	} {
		drafts, err := eventjson.DecodeArray([]byte(tt.body), eventjson.StreamInPath)
		requireInvalidPrefix(t, err, tt.field, tt.reason)
		require.Nil(t, drafts)
	}
}

func TestDecodeLinesSplitsAtLineFeeds(t *testing.T) {
	t.Parallel()
	event := func(payload string) string { return `{"event_type":"a","payload":` + payload + `}` }
	body := "\n\r\n \t\r\n" + event("0") + "\r\n\n" + event("1 ") + " \n  " + event(`"\n"`) + "\n" +
		event("3") + event("4") + "\n{\"event_type\":\n\"a\",\"payload\":5}\n" + event("6")
	drafts, err := eventjson.DecodeLines([]byte(body), eventjson.StreamInPath)
	require.NoError(t, err)
	require.Len(t, drafts, 7)
	for i, want := range []string{"0", "1", `"\n"`, "", "", "", "6"} {
		require.Equal(t, want, string(drafts[i].Event.Payload), i)
		require.Equal(t, want == "", drafts[i].Err != nil, i)
	}
	requireInvalidPrefix(t, drafts[3].Err, "events[3]", "has more text after its end")
}

func TestDecodeLinesRefusesEmptyBatches(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "\n", "\r\n\r\n  "} {
		_, err := eventjson.DecodeLines([]byte(body), eventjson.StreamInPath)
		requireInvalid(t, err, core.Detail{Field: "events", Reason: "must have at least one event"})
	}
}

// events generates texts of events, good and bad ones.
func events() *rapid.Generator[[]string] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		if bad := rapid.IntRange(-len(badEvents), len(badEvents)-1).Draw(t, "bad"); bad >= 0 {
			return badEvents[bad].text
		}
		return `{"event_type":` + jsonString(t, "a") + `,"payload":` + jsonText(2).Draw(t, "payload") + `}`
	}), 1, 12)
}

func TestBatchReadsEachEventAsIfItWereAlone(t *testing.T) {
	t.Parallel()
	for _, batch := range batchDecoders {
		rapid.Check(t, func(t *rapid.T) {
			texts := events().Draw(t, "events")
			if batch.name == "lines" {
				for i := range texts {
					texts[i] = strings.ReplaceAll(texts[i], "\n", " ")
				}
			}
			drafts, err := batch.decode(batch.batch(texts...), eventjson.StreamInPath)
			require.NoError(t, err)
			require.Len(t, drafts, len(texts))
			for i, text := range texts {
				alone, err := eventjson.DecodeEvent([]byte(text), eventjson.StreamInPath)
				require.Equal(t, core.CodeOf(err), core.CodeOf(drafts[i].Err))
				require.Equal(t, alone.Event, drafts[i].Event)
			}
		})
	}
}

func FuzzDecodeArray(f *testing.F) {
	f.Add([]byte(`[` + goodEvent + `,` + goodEvent + `]`))
	for _, bad := range badEvents {
		if len(bad.text) < 1000 {
			f.Add([]byte(`[` + goodEvent + `,` + bad.text + `,` + goodEvent + `]`))
		}
	}
	f.Add([]byte(`[{"a":"x"y"},{"a":"z"}]`))
	f.Add([]byte(`[{"event_type":"a","payload":"],["}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		drafts, err := eventjson.DecodeArray(body, eventjson.StreamInPath)
		if err != nil {
			requireFault(t, err)
			require.Nil(t, drafts)
			return
		}
		good := 0
		for _, draft := range drafts {
			if draft.Err != nil {
				requireFault(t, draft.Err)
				continue
			}
			good++
			require.True(t, bytes.Contains(body, draft.Event.Payload))
			require.NoError(t, eventjson.ValidJSON(draft.Event.Payload))
		}
		require.NotEmpty(t, drafts)
		if good == len(drafts) {
			var elements []json.RawMessage
			require.NoError(t, json.Unmarshal(body, &elements))
			require.Len(t, elements, len(drafts))
			for i := range elements {
				requireSound(t, elements[i], drafts[i])
			}
		}
	})
}

func FuzzDecodeLines(f *testing.F) {
	f.Add([]byte(goodEvent + "\r\n\n" + goodEvent))
	for _, bad := range badEvents {
		if len(bad.text) < 1000 {
			f.Add([]byte(goodEvent + "\n" + bad.text + "\n" + goodEvent))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var alone []string
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if len(bytes.Trim(line, " \t\r")) > 0 {
				alone = append(alone, string(line))
			}
		}
		drafts, err := eventjson.DecodeLines(body, eventjson.StreamInEvent)
		if len(alone) == 0 || len(alone) > core.MaxBatchEvents {
			requireFault(t, err)
			return
		}
		require.NoError(t, err)
		require.Len(t, drafts, len(alone))
		for i, line := range alone {
			draft, err := eventjson.DecodeEvent([]byte(line), eventjson.StreamInEvent)
			require.Equal(t, core.CodeOf(err), core.CodeOf(drafts[i].Err), line)
			draft.Err, drafts[i].Err = nil, nil
			require.Equal(t, draft, drafts[i])
		}
	})
}
