package server_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

const groups = "/api/v1/streams/orders/consumer-groups"

// group makes a group whose retries come at once.
func (f *fixture) group(stream, name string, mode core.Mode, attempts int) core.Group {
	f.t.Helper()
	var none core.Seconds
	group, err := f.client.CreateGroup(context.Background(), stream, core.GroupSpec{
		Name: name, Mode: mode, MaxAttempts: &attempts, Backoff: &core.BackoffSpec{Initial: &none, Max: &none},
	})
	require.NoError(f.t, err)
	return group
}

// status is a group's status without what the clock changes.
func (f *fixture) status(group string) core.GroupStatus {
	f.t.Helper()
	status, err := f.client.Lag(context.Background(), "orders", group)
	require.NoError(f.t, err)
	status.LagSeconds = 0
	return status
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

// One bad customer does not hold up the others, and the events of each come in order.
func TestAGroupKeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	f.stream("orders")
	f.fill("orders", 6) // of the users u0, u1, u2, u0, u1 and u2
	var none core.Seconds
	group, err := f.client.CreateGroup(ctx, "orders", core.GroupSpec{
		Name: "crm", Mode: core.Shared, OrderingKey: "payload.user.id", Backoff: &core.BackoffSpec{Initial: &none, Max: &none},
	})
	require.NoError(t, err)
	require.Equal(t, "payload.user.id", group.OrderingKey)
	found, err := f.client.Group(ctx, "orders", "crm")
	require.NoError(t, err)
	require.Equal(t, group, found.Group)
	poll := func() (offsets []core.Offset, lease core.ID) {
		delivery, err := f.client.Poll(ctx, "orders", "crm", rest.PollOptions{})
		require.NoError(t, err)
		for _, event := range delivery.Events {
			offsets = append(offsets, event.Offset)
		}
		if delivery.Lease != nil {
			lease = delivery.Lease.ID
		}
		return offsets, lease
	}
	offsets, lease := poll()
	require.Equal(t, []core.Offset{0, 1, 2}, offsets)
	require.EqualValues(t, 3, f.status("crm").Waiting, "those behind them")
	hour := core.Seconds(3600e9)
	require.NoError(t, f.client.Nack(ctx, "orders", "crm", lease, rest.Nack{Offset: new(core.Offset(1)), Reason: "no such customer", Delay: &hour}))
	require.NoError(t, f.client.Ack(ctx, "orders", "crm", lease))
	offsets, _ = poll()
	require.Equal(t, []core.Offset{3, 5}, offsets, "4 waits behind 1")
}
