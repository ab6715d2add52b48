package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
	"github.com/eventflow-go/eventflow/core"
)

var streams = []string{"orders", "payments"}

// workload is producers and followers that go on whatever happens to the
// servers, and the record of what they saw.
type workload struct {
	t       *testing.T
	clients []*rest.Client
	rec     *history.Recorder
	path    string
	acked   atomic.Int64
	marker  atomic.Int64
	// slowest is how many nanoseconds the slowest answer took.
	slowest atomic.Int64
	// pinned: each producer sends to one client only. ackedBy counts for each client
	// what it was acknowledged.
	pinned  bool
	ackedBy []atomic.Int64
	stop    context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
}

const producers = 8

// startLoad starts producers and followers, spread over the clients.
func startLoad(t *testing.T, clients ...*rest.Client) *workload {
	t.Helper()
	return startLoadOf(t, false, clients)
}

// startPinnedLoad starts producers, each of which keeps to one of the clients.
func startPinnedLoad(t *testing.T, clients ...*rest.Client) *workload {
	t.Helper()
	return startLoadOf(t, true, clients)
}

func startLoadOf(t *testing.T, pinned bool, clients []*rest.Client) *workload {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	file, err := os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	ctx, stop := context.WithCancel(context.Background())
	w := &workload{
		t: t, clients: clients, rec: history.NewRecorder(file), path: path, ctx: ctx, stop: stop,
		pinned: pinned, ackedBy: make([]atomic.Int64, len(clients)),
	}
	t.Cleanup(stop)
	for p := range producers {
		w.running.Go(func() { w.produce(p) })
	}
	for i, stream := range streams {
		w.running.Go(func() { w.follow(i, stream) })
	}
	return w
}

// events makes n events, half of the time with idempotency keys.
func (w *workload) events(n int) []history.Sent {
	keyed := rand.IntN(2) == 0
	events := make([]history.Sent, n)
	for i := range events {
		marker := fmt.Sprintf("m-%08d", w.marker.Add(1))
		events[i] = history.Sent{Marker: marker, Payload: fmt.Sprintf(`{ "marker":"%s", "price": %d.50 }`, marker, rand.IntN(1000))}
		if keyed {
			events[i].Key = "key-" + marker
		}
	}
	return events
}

// produce sends one request after another. Events with keys are sent again
// until they are acknowledged; others are given up when their outcome is not
// known.
func (w *workload) produce(producer int) {
	for w.ctx.Err() == nil {
		size := 1
		if rand.IntN(4) == 0 {
			size = 1 + rand.IntN(20)
		}
		events, stream := w.events(size), streams[rand.IntN(len(streams))]
		for w.ctx.Err() == nil {
			chosen := rand.IntN(len(w.clients))
			if w.pinned {
				chosen = producer % len(w.clients)
			}
			acked := w.sendUntil(time.Now().Add(answerTime), w.clients[chosen], producer, stream, events)
			if acked {
				w.ackedBy[chosen].Add(int64(len(events)))
				break
			}
			<-time.After(retryAfter)
			if events[0].Key == "" {
				break
			}
		}
	}
}

// retryAfter leaves a server that is down the processor's time to come back, and one that
// has nothing new the time for what others ask.
const retryAfter = 5 * time.Millisecond

// answerTime is how long a producer waits for an answer.
const answerTime = 30 * time.Second

// sendUntil makes one call, which is given up at a time, and records it.
func (w *workload) sendUntil(late time.Time, client *rest.Client, producer int, stream string, events []history.Sent) (acked bool) {
	return w.refusedFor(late, client, producer, stream, events) < http.StatusInternalServerError
}

// refusedFor is sendUntil that returns the status of the refusal. It is below 500 where
// the outcome is final, and 599 where there was no answer.
func (w *workload) refusedFor(late time.Time, client *rest.Client, producer int, stream string, events []history.Sent) (status int) {
	op := w.rec.Invoke(history.Call{Producer: producer, Stream: stream, Events: events})
	ctx, cancel := context.WithDeadline(context.Background(), late)
	defer cancel()
	begun := time.Now()
	receipts, err := post(ctx, client, stream, events)
	w.took(time.Since(begun))
	var answered *rest.Error
	switch {
	case err == nil:
		op.Acked(receipts)
		w.acked.Add(int64(len(events)))
		return http.StatusAccepted
	case !errors.As(err, &answered):
		op.Unknown()
		return 599
	case answered.Status < http.StatusInternalServerError:
		op.Refused()
		w.t.Errorf("a good request was refused: %v", err)
	case answered.Status == http.StatusInsufficientStorage:
		op.Refused() // it says that nothing was stored
	default:
		op.Unknown()
	}
	return answered.Status
}

func (w *workload) took(d time.Duration) {
	for {
		slowest := w.slowest.Load()
		if int64(d) <= slowest || w.slowest.CompareAndSwap(slowest, int64(d)) {
			return
		}
	}
}

func post(ctx context.Context, client *rest.Client, stream string, events []history.Sent) ([]history.Receipt, error) {
	made := make([]rest.NewEvent, len(events))
	for i, event := range events {
		made[i] = rest.NewEvent{Type: "chaos.event", Payload: []byte(event.Payload), IdempotencyKey: event.Key}
	}
	if len(made) == 1 {
		receipt, err := client.Publish(ctx, stream, made[0])
		return []history.Receipt{{ID: receipt.ID.String(), Offset: int64(receipt.Offset), Duplicate: receipt.Duplicate}}, err
	}
	result, err := client.PublishBatch(ctx, stream, made)
	if err != nil {
		return nil, err
	}
	receipts := make([]history.Receipt, len(result.Results))
	for i, item := range result.Results {
		if item.Error != nil {
			return nil, fmt.Errorf("item %d of a batch: %s", i, item.Error.Message)
		}
		receipts[i] = history.Receipt{ID: item.ID.String(), Offset: int64(item.Offset), Duplicate: item.Duplicate}
	}
	return receipts, nil
}

// follow reads a stream by offset, on any node, as long as the load runs.
func (w *workload) follow(follower int, stream string) {
	var query core.EventQuery
	for w.ctx.Err() == nil {
		page, err := w.clients[rand.IntN(len(w.clients))].EventsPage(w.ctx, stream, query)
		if err != nil || len(page.Items) == 0 {
			<-time.After(retryAfter)
			continue
		}
		seen := make([]history.Seen, len(page.Items))
		for i, event := range page.Items {
			seen[i] = history.Seen{Offset: int64(event.Offset), ID: event.ID.String()}
		}
		w.rec.Observed(follower, stream, seen)
		last := page.Items[len(page.Items)-1].Offset
		query.After = &last
	}
}

// progress waits until so many more events are acknowledged.
func (w *workload) progress(events int64) {
	w.t.Helper()
	goal := w.acked.Load() + events
	until(w.t, "producers get on", func() bool { return w.acked.Load() >= goal })
}

// progressBy waits until a client of a pinned load was acknowledged so many more.
func (w *workload) progressBy(client int, events int64) {
	w.t.Helper()
	goal := w.ackedBy[client].Load() + events
	until(w.t, "producers get on", func() bool { return w.ackedBy[client].Load() >= goal })
}

// end ends the load, and returns what producers and followers saw.
func (w *workload) end() *history.History {
	w.t.Helper()
	w.stop()
	w.running.Wait()
	require.NoError(w.t, w.rec.Err())
	file, err := os.Open(w.path)
	require.NoError(w.t, err)
	defer file.Close() //nolint:errcheck // it was only read
	recorded, err := history.Load(file)
	require.NoError(w.t, err)
	return recorded
}

// check ends the load and compares the record with the log.
func (w *workload) check(client *rest.Client) {
	w.t.Helper()
	recorded := w.end()
	w.holds(recorded, logsOf(w.t, client))
}

// logsOf reads the streams from their beginning to their end. A server whose connections have
// just come back may ask to try again.
func logsOf(t *testing.T, client *rest.Client) map[string][]history.Stored {
	t.Helper()
	logs := map[string][]history.Stored{}
	for _, stream := range streams {
		var err error
		until(t, "the log is read", func() bool {
			logs[stream], err = logOf(t.Context(), client, stream)
			return core.CodeOf(err) != core.CodeUnavailable
		})
		require.NoError(t, err)
	}
	return logs
}

func logOf(ctx context.Context, client *rest.Client, stream string) (log []history.Stored, err error) {
	for event, err := range client.Events(ctx, stream, core.EventQuery{Limit: core.MaxPageSize}) {
		if err != nil {
			return log, err
		}
		log = append(log, history.Stored{
			Offset: int64(event.Offset), ID: event.ID.String(), Key: event.IdempotencyKey, Payload: string(event.Payload),
		})
	}
	return log, nil
}

// holds compares a record with logs.
func (w *workload) holds(recorded *history.History, logs map[string][]history.Stored) {
	w.t.Helper()
	w.t.Logf("%s; %d events in the log", history.Summary(recorded), len(logs[streams[0]])+len(logs[streams[1]]))
	violations := history.Check(recorded, logs)
	for _, violation := range violations[:min(len(violations), 20)] {
		w.t.Errorf("promise broken: %s", violation)
	}
}
