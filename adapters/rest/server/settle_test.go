package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// What consumers may get wrong has a code and a field each, and moves nothing.
func TestBadConsumerCallsAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 5)
	delivery, err := f.client.Poll(context.Background(), "orders", "mail", rest.PollOptions{Limit: 2})
	require.NoError(t, err)
	lease, foreign := delivery.Lease.ID.String(), newID().String()
	before := f.status("mail")
	for _, c := range []struct {
		request, body string
		code          core.Code
		field         string
	}{
		{"POST /", `{"name":"a","mode":"both"}`, core.CodeValidation, "mode"},
		{"POST /", `{"name":"a","ordering_key":"subject"}`, core.CodeValidation, "ordering_key"},
		{"POST /", `{"name":"a","mode":"shared","ordering_key":"payload."}`, core.CodeValidation, "ordering_key"},
		{"POST /", `{"name":"a","mode":"shared","ordering_key":7}`, core.CodeValidation, "ordering_key"},
		{"POST /", `{"name":""}`, core.CodeValidation, "name"},
		{"POST /", `{"name":"a/b"}`, core.CodeValidation, "name"},
		{"POST /", `{"name":"a","visibility":0.5}`, core.CodeValidation, "visibility"},
		{"POST /", `{"name":"a","visibility":1e300}`, core.CodeValidation, "visibility"},
		{"POST /", `{"name":"a","visibility":"30s"}`, core.CodeValidation, "visibility"},
		{"POST /", `{"name":"a","max_attempts":0}`, core.CodeValidation, "max_attempts"},
		{"POST /", `{"name":"a","max_attempts":2.5}`, core.CodeValidation, "max_attempts"},
		{"POST /", `{"name":"a","backoff":{"initial":-1}}`, core.CodeValidation, "backoff.initial"},
		{"POST /", `{"name":"a","backoff":{"initial":5,"max":1}}`, core.CodeValidation, "backoff.max"},
		{"POST /", `{"name":"a","backoff":{"first":1}}`, core.CodeValidation, "backoff.first"},
		{"POST /", `{"name":"a","start":-1}`, core.CodeValidation, "start"},
		{"POST /", `{"name":"a","start":6}`, core.CodeValidation, "start"},
		{"POST /", `{"name":"a","start":"yesterday"}`, core.CodeValidation, "start"},
		{"POST /", `{"name":"mail"}`, core.CodeConflict, ""},
		{"POST /", `[]`, core.CodeValidation, "body"},
		{"GET /mail/events?limit=0", ``, core.CodeValidation, "limit"},
		{"GET /mail/events?limit=1001", ``, core.CodeValidation, "limit"},
		{"GET /mail/events?timeout=-1", ``, core.CodeValidation, "timeout"},
		{"GET /mail/events?timeout=61", ``, core.CodeValidation, "timeout"},
		{"GET /mail/events?timeout=NaN", ``, core.CodeValidation, "timeout"},
		{"GET /mail/events?timeout=1e300", ``, core.CodeValidation, "timeout"},
		{"GET /mail/events?wait=1", ``, core.CodeValidation, "wait"},
		{"GET /none/events", ``, core.CodeNotFound, ""},
		{"GET /" + foreign + "/events", ``, core.CodeNotFound, ""},
		{"HEAD /mail/events", ``, core.CodeMethodNotAllowed, ""},
		{"POST /mail/offsets", `{}`, core.CodeValidation, "last_event_id"},
		{"POST /mail/offsets", `{"offset":1,"last_event_id":"` + foreign + `"}`, core.CodeValidation, "last_event_id"},
		{"POST /mail/offsets", `{"offset":-1}`, core.CodeValidation, "offset"},
		{"POST /mail/offsets", `{"offset":5}`, core.CodeValidation, "offset"},
		{"POST /mail/offsets", `{"offset":9223372036854775807}`, core.CodeValidation, "offset"},
		{"POST /mail/offsets", `{"offset":"1"}`, core.CodeValidation, "offset"},
		{"POST /mail/offsets", `{"offset":2}`, core.CodeConflict, ""},
		{"POST /mail/offsets", `{"offset":1,"lease":"` + foreign + `"}`, core.CodeConflict, ""},
		{"POST /mail/offsets", `{"last_event_id":"` + foreign + `"}`, core.CodeNotFound, ""},
		{"POST /mail/offsets", `{"last_event_id":"x"}`, core.CodeValidation, "last_event_id"},
		{"POST /mail/ack", `{"lease":"nope"}`, core.CodeValidation, "lease"},
		{"POST /mail/ack", `{"lease":"` + lease + `","offsets":[0,"1"]}`, core.CodeValidation, "offsets[1]"},
		{"POST /mail/ack", `{"lease":"` + lease + `","event_ids":["x"]}`, core.CodeValidation, "event_ids[0]"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0},{"event_id":"x"}]}`, core.CodeValidation, "events[1].event_id"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0},{"offset":"x"}]}`, core.CodeValidation, "events[1].offset"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0},{"offset":-1}]}`, core.CodeValidation, "events[1].offset"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0},{"event_id":"` + foreign + `"}]}`, core.CodeValidation, "events[1].event_id"},
		{"POST /mail/ack", `{}`, core.CodeValidation, "lease"},
		{"POST /mail/ack", `{"lease":"` + foreign + `"}`, core.CodeConflict, ""},
		{"POST /mail/ack", `{"lease":"` + lease + `","offsets":[]}`, core.CodeValidation, "offsets"},
		{"POST /mail/ack", `{"lease":"` + lease + `","event_ids":["` + foreign + `"]}`, core.CodeValidation, "event_ids[0]"},
		{"POST /mail/ack", `{"lease":"` + lease + `","Offsets":[0]}`, core.CodeValidation, "Offsets"},
		{"POST /mail/nack", `{"lease":"` + lease + `"}`, core.CodeValidation, "events"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{}]}`, core.CodeValidation, "events[0].event_id"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0,"action":"burn"}]}`, core.CodeValidation, "events[0].action"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0,"delay":-1}]}`, core.CodeValidation, "events[0].delay"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0,"action":"park","delay":1}]}`, core.CodeValidation, "events[0].delay"},
		{"POST /mail/nack", `{"lease":"` + lease + `","events":[{"offset":0,"reason":"` + strings.Repeat("x", 1001) + `"}]}`, core.CodeValidation, "events[0].reason"},
		{"POST /mail/nack", `{"lease":"` + foreign + `","events":[{"offset":0}]}`, core.CodeConflict, ""},
		{"POST /mail/extend", `{"lease":"` + lease + `","visibility":-1}`, core.CodeValidation, "visibility"},
		{"POST /mail/extend", `{"lease":"` + lease + `","visibility":1e6}`, core.CodeValidation, "visibility"},
		{"POST /mail/extend", `{"lease":"` + foreign + `"}`, core.CodeConflict, ""},
		{"POST /mail/reset", `{}`, core.CodeValidation, "to"},
		{"POST /mail/reset", `{"to":6}`, core.CodeValidation, "to"},
		{"POST /mail/reset", `{"to":"back"}`, core.CodeValidation, "to"},
		{"PATCH /mail", `{"mode":"shared"}`, core.CodeValidation, "mode"},
		{"PATCH /mail", `{"ordering_key":"subject"}`, core.CodeValidation, "ordering_key"},
		{"PATCH /none", `{}`, core.CodeNotFound, ""},
		{"DELETE /none", ``, core.CodeNotFound, ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		got := f.do(method, groups+strings.TrimSuffix(path, "/"), strings.NewReader(c.body), "Content-Type: application/json")
		if method == "HEAD" {
			require.Equal(t, 405, got.StatusCode)
			continue
		}
		require.GreaterOrEqual(t, got.StatusCode, 400, "%s %s", c.request, c.body)
		problem := got.problem(t)
		require.Equal(t, c.code, problem.Code, "%s %s: %s", c.request, c.body, got.body)
		if c.field != "" {
			require.Len(t, problem.Details, 1, "%s %s: %s", c.request, c.body, got.body)
			require.Equal(t, c.field, problem.Details[0].Field, "%s %s", c.request, c.body)
		}
	}
	require.Equal(t, before, f.status("mail"), "nothing has moved")
}

// A receipt is good once: afterwards nothing it says counts.
func TestALeaseIsSettledOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 3)
	f.publish("orders", 4)
	delivery, err := f.client.Poll(ctx, "orders", "mail", rest.PollOptions{Limit: 3})
	require.NoError(t, err)
	lease := delivery.Lease.ID
	require.NoError(t, f.client.Ack(ctx, "orders", "mail", lease, 1))
	require.NoError(t, f.client.Ack(ctx, "orders", "mail", lease, 1), "as long as the lease lives, an ack may be repeated")
	got := f.do("POST", groups+"/mail/ack", strings.NewReader(`{"lease":"`+lease.String()+`","event_ids":["`+delivery.Events[0].ID.String()+`"]}`))
	require.Equal(t, 204, got.StatusCode)
	require.EqualValues(t, 1, f.status("mail").CommittedOffset)
	until, err := f.client.Extend(ctx, "orders", "mail", lease, nil)
	require.NoError(t, err)
	require.False(t, until.Before(delivery.Lease.ExpiresAt))
	require.NoError(t, f.client.Ack(ctx, "orders", "mail", lease))
	require.Equal(t, core.CodeConflict, core.CodeOf(f.client.Ack(ctx, "orders", "mail", lease)))
	_, err = f.client.Commit(ctx, "orders", "mail", rest.CommitRequest{Offset: &delivery.Events[2].Offset, Lease: &lease})
	require.NoError(t, err, "what is settled may be committed again")
	require.EqualValues(t, 1, f.status("mail").Lag)
}

// A stack trace is a reason like any other, and a lease that ended says how.
func TestAReasonMayHaveLines(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 3)
	f.publish("orders", 1)
	delivery, err := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{})
	require.NoError(t, err)
	const trace = "panic: no address\n\tmain.go:3\r\n"
	offset := delivery.Events[0].Offset
	park := rest.Nack{Offset: &offset, Action: core.NackPark, Reason: trace}
	require.NoError(t, f.client.Nack(t.Context(), "orders", "mail", delivery.Lease.ID, park))
	for letter, err := range f.client.DeadLetters(t.Context(), core.LetterQuery{Stream: "orders"}) {
		require.NoError(t, err)
		require.Equal(t, trace, letter.Reason)
	}
	err = f.client.Ack(t.Context(), "orders", "mail", delivery.Lease.ID)
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
	require.ErrorContains(t, err, "settled")
}
