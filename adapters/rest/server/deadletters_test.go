package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A dead letter keeps its payload byte for byte, goes back to its group only,
// and may go back with another payload.
func TestDeadLettersAreReplayed(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 1)
	f.group("orders", "bill", core.Shared, 1)
	payload := json.RawMessage(` { "price" : 1.50 } `)
	receipt, err := f.client.Publish(ctx, "orders", rest.NewEvent{Type: "a", Payload: payload})
	require.NoError(t, err)
	refuse := func() {
		delivery, err := f.client.Poll(ctx, "orders", "mail", rest.PollOptions{})
		require.NoError(t, err)
		require.Len(t, delivery.Events, 1)
		require.NoError(t, f.client.Nack(ctx, "orders", "mail", delivery.Lease.ID, rest.Nack{EventID: &receipt.ID, Reason: "too dear"}))
	}
	refuse()
	page, err := f.client.DeadLettersPage(ctx, core.LetterQuery{Stream: "orders", Group: "mail", Reason: "too dear"})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	letter := page.Items[0]
	got := f.do("GET", rest.DeadLetterPath(letter.ID.String()), nil)
	require.Contains(t, string(got.body), `"payload":{ "price" : 1.50 }`, "byte for byte")
	counts, err := f.client.DeadLetterCounts(ctx, core.LetterQuery{})
	require.NoError(t, err)
	require.Equal(t, "too dear", counts[0].Reason)

	_, err = f.client.ReplayDeadLetter(ctx, letter.ID.String(), nil)
	require.NoError(t, err)
	require.Equal(t, core.CodeConflict, core.CodeOf(f.client.DiscardDeadLetter(ctx, letter.ID.String())), "it is on its way")
	trace, err := f.client.Trace(ctx, receipt.ID.String())
	require.NoError(t, err)
	require.Equal(t, core.TraceReplaying, trace.Groups[1].State)
	require.Equal(t, core.TracePending, trace.Groups[0].State)
	refuse()
	letter, err = f.client.DeadLetter(ctx, letter.ID.String())
	require.NoError(t, err)
	require.Len(t, letter.Attempts, 2, "the letter keeps its history")

	_, err = f.client.ReplayDeadLetter(ctx, letter.ID.String(), json.RawMessage(`{"price": 1}`))
	require.NoError(t, err)
	delivery, err := f.client.Poll(ctx, "orders", "mail", rest.PollOptions{})
	require.NoError(t, err)
	require.JSONEq(t, `{"price": 1}`, string(delivery.Events[0].Payload))
	require.NoError(t, f.client.Ack(ctx, "orders", "mail", delivery.Lease.ID))
	_, err = f.client.DeadLetter(ctx, letter.ID.String())
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	stored, err := f.client.Event(ctx, "orders", receipt.ID.String())
	require.NoError(t, err)
	require.JSONEq(t, string(payload), string(stored.Payload), "the event itself never changes")
	require.EqualValues(t, 1, f.status("bill").Lag)
}

func TestBadDeadLetterCallsAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	none := newID().String()
	for _, c := range []struct {
		request, body string
		code          core.Code
		field         string
	}{
		{"GET ?state=gone", "", core.CodeValidation, "state"},
		{"GET ?group=mail", "", core.CodeValidation, "stream"},
		{"GET ?stream=orders&group=mail", "", core.CodeNotFound, ""},
		{"GET ?stream=none", "", core.CodeNotFound, ""},
		{"GET ?cursor=x", "", core.CodeValidation, "cursor"},
		{"GET /x", "", core.CodeValidation, "id"},
		{"GET /" + none, "", core.CodeNotFound, ""},
		{"POST /" + none + "/replay", "", core.CodeNotFound, ""},
		{"POST /" + none + "/replay", `{"payload":}`, core.CodeValidation, ""},
		{"POST /" + none + "/replay", `{"pay":1}`, core.CodeValidation, "pay"},
		{"POST /" + none + "/discard", "", core.CodeNotFound, ""},
		{"POST /replay", `{"rate":-1}`, core.CodeValidation, "rate"},
		{"POST /replay", `{"group":"mail"}`, core.CodeValidation, "stream"},
		{"GET /replays/" + none, "", core.CodeNotFound, ""},
		{"GET /replays/x", "", core.CodeValidation, "id"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		got := f.do(method, rest.DeadLettersPath+path, strings.NewReader(c.body))
		problem := got.problem(t)
		require.Equal(t, c.code, problem.Code, "%s %s: %s", c.request, c.body, got.body)
		if c.field != "" {
			require.Equal(t, c.field, problem.Details[0].Field, "%s %s: %s", c.request, c.body, got.body)
		}
	}
	trace := f.do("GET", rest.EventsPath+"/"+none+"/trace", nil)
	require.Equal(t, core.CodeNotFound, trace.problem(t).Code)
}
