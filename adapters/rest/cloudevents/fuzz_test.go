package cloudevents

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// requireDraft holds what a decoder returned to what storage relies on, and
// sends it out and in again.
func requireDraft(t *testing.T, draft eventjson.Draft, err error) {
	t.Helper()
	if err != nil {
		requireRefusal(t, err)
		return
	}
	event := draft.Event
	require.NoError(t, eventjson.ValidJSON(event.Payload))
	require.NoError(t, eventjson.ValidJSON(event.Context))
	require.NotEqual(t, core.Fingerprint{}, draft.Fingerprint)
	out := Append(nil, &event)
	require.True(t, json.Valid(out), "%s", out)
	again, err := Decode(out, eventjson.StreamInPath)
	if err != nil {
		// What the server adds may not fit any more, nor an escaped source.
		var known *core.Error
		require.ErrorAs(t, err, &known)
		require.Contains(t, []string{fieldExtensions, attributeSource}, known.Details[0].Field, "%s", out)
		return
	}
	require.Equal(t, string(event.Payload), string(again.Event.Payload))
	require.Equal(t, draft.Fingerprint, again.Fingerprint)
	require.Equal(t, [2]string{event.Type, event.Subject}, [2]string{again.Event.Type, again.Event.Subject})
	require.Equal(t, event.OccurredAt, again.Event.OccurredAt)
}

func requireRefusal(t *testing.T, err error) {
	t.Helper()
	var known *core.Error
	require.ErrorAs(t, err, &known)
	require.Contains(t, []core.Code{core.CodeValidation, core.CodePayloadTooLarge, core.CodeUnsupportedMedia}, known.Code)
	require.NotEmpty(t, known.Details)
	for _, detail := range known.Details {
		require.NotEmpty(t, detail.Field)
		require.NotEmpty(t, detail.Reason)
	}
	require.True(t, utf8.ValidString(known.Message))
}

func FuzzStructuredCloudEvent(f *testing.F) {
	const head = `{"specversion":"1.0","id":"1","source":"/a b","type":"t"`
	for _, more := range []string{
		``, `,"data":{"a": 1}`, `,"data_base64":"AP\/\/"`, `,"datacontenttype":"text/plain","data":"x"`, `,"ext":-5,"first":true,"no":null`,
		`,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`, `,"time":"2026-01-02T03:04:05.1+01:00"`, `,"A":1`,
	} {
		f.Add([]byte(head + more + `}`))
		f.Add([]byte(`[` + head + more + `},7,{]`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, field := range []eventjson.StreamField{eventjson.StreamInPath, eventjson.StreamInEvent} {
			draft, err := Decode(append([]byte(nil), body...), field)
			requireDraft(t, draft, err)
		}
		drafts, err := DecodeBatch(body, eventjson.StreamInPath)
		if err != nil {
			requireRefusal(t, err)
		}
		for _, draft := range drafts {
			if draft.Err != nil {
				requireRefusal(t, draft.Err)
				var known *core.Error
				require.True(t, errors.As(draft.Err, &known) && strings.HasPrefix(known.Details[0].Field, "events["))
				continue
			}
			requireDraft(t, draft, nil)
		}
	})
}

func FuzzBinaryCloudEvent(f *testing.F) {
	f.Add("/shop", "ext", `"a \"b\" %41"`, "application/json", []byte(` {"a":1}`))
	f.Add("a:1/[b]", "x1", "50%25", "text/plain; charset=utf-8", []byte("<a>\n"))
	f.Add("%2F☃", "ext", "", "image/png", []byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, source, name, value, media string, body []byte) {
		var e incoming
		err := func() error {
			for _, header := range [][2]string{{"specversion", "1.0"}, {"id", "1"}, {"type", "t"}, {"source", source}, {name, value}} {
				if err := e.setHeader(header[0], header[1]); err != nil {
					return err
				}
			}
			if media != "" {
				if err := e.set(attributeContentType, media); err != nil {
					return err
				}
			}
			return e.setBody(body)
		}()
		if err != nil {
			requireRefusal(t, err)
			return
		}
		draft, err := e.draft(eventjson.StreamInPath)
		requireDraft(t, draft, err)
	})
}
