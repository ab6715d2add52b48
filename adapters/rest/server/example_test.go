package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// exampleT lets an example use the fixture, which asks for a test.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (e *exampleT) Helper()                   {}
func (e *exampleT) Cleanup(f func())          { e.cleanups = append(e.cleanups, f) }
func (e *exampleT) Errorf(f string, a ...any) { fmt.Printf(f, a...) }
func (e *exampleT) FailNow()                  { panic("the example failed") }

func (e *exampleT) end() {
	for _, f := range slices.Backward(e.cleanups) {
		f()
	}
}

// A producer sends events, and a reader gets them back in the order in which
// they became durable.
func Example_client() {
	t := &exampleT{}
	defer t.end()
	f := start(t)
	ctx, client := context.Background(), rest.NewClient("http://"+f.address, f.key)

	if _, err := client.CreateStream(ctx, core.StreamSpec{Name: "orders"}); err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := client.Publish(ctx, "orders", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`{"id":1}`)})
	fmt.Println(receipt.Status, receipt.Offset, err)

	result, err := client.PublishBatch(ctx, "orders", []rest.NewEvent{
		{Type: "order.sent", Payload: json.RawMessage(`{"id":1}`)},
		{Type: "", Payload: json.RawMessage(`{"id":2}`)},
	})
	fmt.Println(result.Accepted, result.Rejected, result.Results[1].Error.Code, err)

	for event, err := range client.Events(ctx, "orders", core.EventQuery{}) {
		fmt.Println(event.Offset, event.Type, string(event.Payload), err)
	}

	_, err = client.Publish(ctx, "nowhere", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`1`)})
	fmt.Println(core.CodeOf(err))
	// Output:
	// ACCEPTED 0 <nil>
	// 1 1 VALIDATION_ERROR <nil>
	// 0 order.paid {"id":1} <nil>
	// 1 order.sent {"id":1} <nil>
	// NOT_FOUND
}

func TestTheClientManagesStreams(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	for i := range 60 {
		f.stream(fmt.Sprintf("s-%02d", i))
	}
	names := []string{}
	for stream, err := range f.client.Streams(ctx) {
		require.NoError(t, err)
		names = append(names, stream.Name)
	}
	require.Len(t, names, 60)
	require.True(t, slices.IsSorted(names))

	days, name := 3, "renamed"
	stream, err := f.client.ChangeStream(ctx, "s-00", core.StreamChange{Name: &name, RetentionDays: &days, Schema: json.RawMessage(`{"required":["a"]}`)}, 1)
	require.NoError(t, err)
	require.Equal(t, []any{"renamed", 3, int64(2)}, []any{stream.Name, stream.RetentionDays, stream.Revision})
	stream, err = f.client.ChangeStream(ctx, name, core.StreamChange{RetentionDays: &days}, 0)
	require.NoError(t, err)
	require.NotEmpty(t, stream.Schema, "what a change does not name stays")
	_, err = f.client.ChangeStream(ctx, name, core.StreamChange{}, 1)
	require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err))
	var answered *rest.Error
	require.ErrorAs(t, err, &answered)
	require.Equal(t, 412, answered.Status)
	require.NotEmpty(t, answered.RequestID)
	require.NoError(t, f.client.DeleteStream(ctx, name, 3))
	_, err = f.client.Stream(ctx, name)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = f.client.Stream(canceled, "s-01")
	require.ErrorIs(t, err, context.Canceled)
	for _, err := range rest.NewClient("http://"+f.address, "wrong").Streams(ctx) {
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
}
