package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

const groups = "/api/v1/streams/orders/consumer-groups"

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
		{"POST /mail/offsets", `{"last_event_id":"x"}`, core.CodeValidation, "body"},
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

// status is a group's status without what the clock changes.
func (f *fixture) status(group string) core.GroupStatus {
	f.t.Helper()
	status, err := f.client.Lag(context.Background(), "orders", group)
	require.NoError(f.t, err)
	status.LagSeconds = 0
	return status
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

func TestGroupsAreManaged(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	f.stream("orders")
	f.publish("orders", 10)
	group := f.group("orders", "mail", core.Shared, 3)
	f.group("orders", "bill", core.Ordered, 3)
	listed, err := f.client.Groups(ctx, "orders")
	require.NoError(t, err)
	require.Equal(t, []string{"bill", "mail"}, []string{listed[0].Name, listed[1].Name})

	longer, name := core.Seconds(90e9), "post"
	changed, err := f.client.ChangeGroup(ctx, "orders", "mail", core.GroupChange{Name: &name, Visibility: &longer}, 1)
	require.NoError(t, err)
	require.Equal(t, []any{"post", longer, int64(2), 3}, []any{changed.Name, changed.Visibility, changed.Revision, changed.MaxAttempts})
	_, err = f.client.ChangeGroup(ctx, "orders", "post", core.GroupChange{}, 1)
	require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err))

	seven := core.Offset(7)
	next, err := f.client.ResetGroup(ctx, "orders", "post", core.Start{Offset: &seven})
	require.NoError(t, err)
	require.Equal(t, seven, next)
	found, err := f.client.Group(ctx, "orders", group.ID.String())
	require.NoError(t, err)
	require.Equal(t, changed, found.Group)
	require.EqualValues(t, 3, found.Status.Lag)
	require.Positive(t, found.Status.LagSeconds)
	next, err = f.client.ResetGroup(ctx, "orders", "post", core.Start{End: true})
	require.NoError(t, err)
	require.EqualValues(t, 10, next)
	next, err = f.client.ResetGroup(ctx, "orders", "post", core.Start{Time: changed.CreatedAt.AddDate(-1, 0, 0)})
	require.NoError(t, err)
	require.Zero(t, next)

	require.NoError(t, f.client.DeleteGroup(ctx, "orders", "post", 2))
	_, err = f.client.Poll(ctx, "orders", "post", rest.PollOptions{})
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
}

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

// Whoever speaks CloudEvents is delivered to in them: the events in the body,
// the lease in headers.
func TestADeliveryInCloudEvents(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 2)
	live := f.live("orders", "?after=0", "Accept: "+cloudevents.TypeEvent)
	got := f.do("GET", groups+"/mail/events", nil, "Accept: "+cloudevents.TypeBatch)
	require.Equal(t, cloudevents.TypeBatch, strings.Split(got.Header.Get("Content-Type"), ";")[0])
	var events []map[string]any
	require.NoError(t, json.Unmarshal(got.body, &events), "%s", got.body)
	require.Len(t, events, 2)
	require.Equal(t, []any{"1.0", "made", float64(1)}, []any{events[1]["specversion"], events[1]["type"], events[1]["eventflowattempt"]})
	require.Equal(t, "2", got.Header.Get(rest.HeaderNextOffset))
	require.NotEmpty(t, got.Header.Get(rest.HeaderLeaseExpires))
	settled := f.do("POST", groups+"/mail/ack", strings.NewReader(`{"lease":"`+got.Header.Get(rest.HeaderLease)+`"}`))
	require.Equal(t, 204, settled.StatusCode)
	b := make([]byte, 2000)
	n, err := live.Read(b)
	for err == nil && !strings.Contains(string(b[:n]), "specversion") {
		var more int
		more, err = live.Read(b[n:])
		n += more
	}
	require.NoError(t, err)
	require.Contains(t, string(b[:n]), `"specversion":"1.0"`)
}
