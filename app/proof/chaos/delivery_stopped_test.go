package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
	"github.com/eventflow-go/eventflow/core"
)

// The settings of a consumer that is a process of its own.
const (
	envConsumerOf = "EVENTFLOW_CHAOS_CONSUMER_OF"
	envKey        = "EVENTFLOW_CHAOS_KEY"
	envRecord     = "EVENTFLOW_CHAOS_RECORD"
)

func TestAConsumerIsStoppedBeyondItsLease(t *testing.T) {
	if os.Getenv(envConsumerOf) != "" {
		consumeLate(t)
		return
	}
	t.Parallel()
	store := "sqlite:" + t.TempDir()
	n := newNode(t, store)
	n.start()
	key := n.key()
	client := n.client(key)
	createStreams(t, client, deliveryStream)
	group := createGroup(t, client, "ordered", core.Ordered, attempts)
	record := newDeliveryRecord(t, store)
	c := &fickle{supply: newSupply(record, client), group: group, random: record.random(0)}
	publish(t, client, 10, func(int) string { return `{}` })

	stopped := startStopped(t, n, key, record)
	other, err := client.Poll(t.Context(), deliveryStream, group.Name, rest.PollOptions{Wait: 20 * time.Second})
	require.NoError(t, err)
	record.Record(leased(group, other, time.Time{}))
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, offsetsOf(other.Events))
	require.Equal(t, 2, other.Events[0].Attempt)
	long := core.Seconds(time.Minute)
	until, err := client.Extend(t.Context(), deliveryStream, group.Name, other.Lease.ID, &long)
	require.NoError(t, err)
	record.Record(history.Delivery{Group: group.Name, Extended: &history.Extended{
		Lease: other.Lease.ID.String(), Sent: other.Lease.ExpiresAt.Add(-group.Visibility.Duration()), Expires: until, Outcome: history.Accepted,
	}})
	rest := other
	other.Events, rest.Events = other.Events[:5], rest.Events[5:]
	c.process(other, true)
	before := whereIs(t, client, group)
	require.EqualValues(t, 4, before.CommittedOffset)

	stopped.resume()
	require.Equal(t, before, whereIs(t, client, group), "late calls move nothing")
	c.process(rest, true)
	record.check(ending(t, client, group))
}

// whereIs is a group's status without what time alone changes.
func whereIs(t *testing.T, client *rest.Client, group core.Group) core.GroupStatus {
	t.Helper()
	status, err := client.Lag(t.Context(), deliveryStream, group.Name)
	require.NoError(t, err)
	status.LagSeconds = 0
	return status
}

// publish appends events, as many to a request as it may have.
func publish(t *testing.T, client *rest.Client, count int, payload func(n int) string) {
	t.Helper()
	for from := 0; from < count; from += core.MaxBatchEvents {
		events := make([]rest.NewEvent, min(core.MaxBatchEvents, count-from))
		for i := range events {
			events[i] = rest.NewEvent{Type: "chaos.event", Payload: []byte(payload(from + i))}
		}
		result, err := client.PublishBatch(t.Context(), deliveryStream, events)
		require.NoError(t, err)
		for _, item := range result.Results {
			require.Nil(t, item.Error)
		}
	}
}

// stoppedConsumer is a consumer that was stopped while it held a lease, by
// whatever stops a process.
type stoppedConsumer struct {
	t       *testing.T
	process *exec.Cmd
	lines   *bufio.Scanner
	said    strings.Builder
}

// startStopped starts a consumer and stops it once it was handed something.
func startStopped(t *testing.T, n *node, key string, record *deliveryRecord) *stoppedConsumer {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "late.jsonl")
	record.paths = append(record.paths, path)
	c := &stoppedConsumer{t: t, process: exec.Command(self, "-test.run=^"+t.Name()+"$")}
	c.process.Env = append(os.Environ(), envConsumerOf+"=http://"+n.addr, envKey+"="+key, envRecord+"="+path)
	input, err := c.process.StdinPipe()
	require.NoError(t, err)
	output, err := c.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.process.Start())
	t.Cleanup(func() { _ = c.process.Process.Kill() }) // it has ended by now, or the test failed
	c.lines = bufio.NewScanner(output)
	require.True(t, c.listen(readyToStop), "the consumer said: %s", &c.said)
	require.NoError(t, c.process.Process.Signal(syscall.SIGSTOP))
	var state syscall.WaitStatus
	_, err = syscall.Wait4(c.process.Process.Pid, &state, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, state.Stopped())
	_, err = fmt.Fprintln(input, "go on") // which it does not hear yet
	require.NoError(t, err)
	return c
}

// listen reads what the consumer says, up to a line.
func (c *stoppedConsumer) listen(line string) (found bool) {
	for c.lines.Scan() {
		if c.lines.Text() == line {
			return true
		}
		c.said.WriteString(c.lines.Text() + "\n")
	}
	return false
}

// resume lets the consumer go on, and waits until it has ended well.
func (c *stoppedConsumer) resume() {
	c.t.Helper()
	require.NoError(c.t, c.process.Process.Signal(syscall.SIGCONT))
	c.listen("to its end")
	require.NoError(c.t, c.process.Wait(), "the consumer said: %s", &c.said)
}

// readyToStop is what the consumer says when it holds a lease.
const readyToStop = "ready to be stopped"

// consumeLate is the consumer that is stopped: it is handed events, and what it
// does with them later is refused.
func consumeLate(t *testing.T) {
	file, err := os.Create(os.Getenv(envRecord))
	require.NoError(t, err)
	defer file.Close() //nolint:errcheck // the recorder knows
	client := rest.NewClient(os.Getenv(envConsumerOf), os.Getenv(envKey))
	found, err := client.Group(t.Context(), deliveryStream, "ordered")
	require.NoError(t, err)
	record := &deliveryRecord{DeliveryRecorder: history.NewDeliveryRecorder(file), t: t}
	c := &fickle{supply: newSupply(record, client), group: found.Group, random: record.random(0)}
	got, err := client.Poll(t.Context(), deliveryStream, "ordered", rest.PollOptions{Wait: 20 * time.Second})
	require.NoError(t, err)
	require.Len(t, got.Events, 10)
	record.Record(leased(found.Group, got, time.Time{}))
	_, err = fmt.Println("\n" + readyToStop)
	require.NoError(t, err)
	require.True(t, bufio.NewScanner(os.Stdin).Scan())

	last := got.Events[9].Offset
	for name, late := range map[string]func(context.Context, *rest.Client) error{
		"ack": func(ctx context.Context, client *rest.Client) error {
			return client.Ack(ctx, deliveryStream, "ordered", got.Lease.ID)
		},
		"ack by offset": func(ctx context.Context, client *rest.Client) error {
			return client.Ack(ctx, deliveryStream, "ordered", got.Lease.ID, 0, last)
		},
		"commit": func(ctx context.Context, client *rest.Client) error {
			_, err := client.Commit(ctx, deliveryStream, "ordered", rest.CommitRequest{Offset: &last, Lease: &got.Lease.ID})
			return err
		},
		"nack": func(ctx context.Context, client *rest.Client) error {
			return client.Nack(ctx, deliveryStream, "ordered", got.Lease.ID, rest.Nack{Offset: &last, Action: core.NackPark})
		},
		"extend": func(ctx context.Context, client *rest.Client) error {
			_, err := client.Extend(ctx, deliveryStream, "ordered", got.Lease.ID, nil)
			return err
		},
	} {
		c.settle(got, got.Events, true, func(ctx context.Context, client *rest.Client) error {
			err := late(ctx, client)
			require.Equal(t, core.CodeConflict, core.CodeOf(err), "a late %s ended with %v", name, err)
			return err
		})
	}
	require.NoError(t, record.Err())
}
