package chaos_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
	"github.com/eventflow-go/eventflow/core"
)

// deliveryRecord is what happened between the groups of a stream and their
// consumers, on file.
type deliveryRecord struct {
	*history.DeliveryRecorder
	t     *testing.T
	paths []string
	seed  uint64
}

func newDeliveryRecord(t *testing.T, store string) *deliveryRecord {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deliveries.jsonl")
	file, err := os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	r := &deliveryRecord{DeliveryRecorder: history.NewDeliveryRecorder(file), t: t, paths: []string{path}, seed: rand.Uint64()}
	t.Logf("seed %d, %s", r.seed, durability(t, store))
	return r
}

// durability says what the store makes of a crash.
func durability(t *testing.T, store string) string {
	t.Helper()
	if !strings.HasPrefix(store, "postgres") {
		return "SQLite with journal_mode=wal synchronous=full, without which the server does not start"
	}
	conn, err := pgx.Connect(t.Context(), store)
	require.NoError(t, err)
	defer conn.Close(t.Context()) //nolint:errcheck // it was only read
	var text string
	require.NoError(t, conn.QueryRow(t.Context(), `select format('PostgreSQL %s with fsync=%s synchronous_commit=%s full_page_writes=%s',
		current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('full_page_writes'))`).Scan(&text))
	return text
}

// random is a source of chance for one of the record's actors.
func (r *deliveryRecord) random(actor int) *rand.Rand {
	return rand.New(rand.NewPCG(r.seed, uint64(actor)))
}

// check compares the record with each group's ending.
func (r *deliveryRecord) check(endings ...history.Ending) {
	r.t.Helper()
	require.NoError(r.t, r.Err())
	var records []io.Reader
	for _, path := range r.paths {
		text, err := os.ReadFile(path)
		require.NoError(r.t, err)
		records = append(records, bytes.NewReader(text))
	}
	all, err := history.LoadDeliveries(records...)
	require.NoError(r.t, err)
	for _, ending := range endings {
		violations := history.CheckDeliveries(all, ending)
		r.t.Logf("group %s: %d events, %d of them fail, %d dead letters; %d records of all groups",
			ending.Group, ending.End, len(ending.Failing), len(ending.Letters), len(all))
		for _, violation := range violations[:min(len(violations), 20)] {
			r.t.Errorf("promise broken: %s", violation)
		}
	}
}

const (
	// deliveryStream is the stream of all tests of deliveries.
	deliveryStream = "orders"
	// failsAtLast events are refused until their attempts are used up,
	// failsAtOnce events are refused for good.
	failsAtLast = `"fails": "at last"`
	failsAtOnce = `"fails": "at once"`
	// attempts are more than chance and crashes can use up.
	attempts = 12
)

func createGroup(t *testing.T, client *rest.Client, name string, mode core.Mode, maxAttempts int) core.Group {
	t.Helper()
	visibility, backoff := core.MinVisibility, core.Seconds(0)
	group, err := client.CreateGroup(t.Context(), deliveryStream, core.GroupSpec{
		Name: name, Mode: mode, Visibility: &visibility, MaxAttempts: &maxAttempts,
		Backoff: &core.BackoffSpec{Initial: &backoff, Max: &backoff},
	})
	require.NoError(t, err)
	return group
}

// ending reads what a group has come to.
func ending(t *testing.T, client *rest.Client, group core.Group) history.Ending {
	t.Helper()
	end := history.Ending{Group: group.Name, Ordered: group.Mode == core.Ordered}
	for event, err := range client.Events(t.Context(), deliveryStream, core.EventQuery{Limit: core.MaxPageSize}) {
		require.NoError(t, err)
		if bytes.Contains(event.Payload, []byte(`"fails"`)) {
			end.Failing = append(end.Failing, int64(event.Offset))
		}
		end.End = int64(event.Offset) + 1
	}
	end.Letters = letterOffsets(t, client, group.Name)
	status, err := client.Lag(t.Context(), deliveryStream, group.Name)
	require.NoError(t, err)
	end.Lag = status.Lag
	return end
}

func letterOffsets(t *testing.T, client *rest.Client, group string) (offsets []int64) {
	t.Helper()
	query := core.LetterQuery{Stream: deliveryStream, Group: group, Limit: core.MaxPageSize}
	for letter, err := range client.DeadLetters(t.Context(), query) {
		require.NoError(t, err)
		offsets = append(offsets, int64(letter.Event.Offset))
	}
	return offsets
}

// patience bounds every wait for the servers: what is waited for takes seconds, on
// a machine that does much else minutes.
const patience = 5 * time.Minute

// until waits for a condition that depends on the servers.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	require.Eventually(t, met, patience, 2*time.Millisecond, what)
}

// settled reports whether a group has nothing left to do.
func settled(t *testing.T, client *rest.Client, group string) func() bool {
	return func() bool {
		status, err := client.Lag(t.Context(), deliveryStream, group)
		return err == nil && status.Lag == 0
	}
}

// supply is producers that do not run away from the groups that follow, and
// observers of how far these get.
type supply struct {
	*deliveryRecord
	clients []*rest.Client
	groups  []core.Group
	failing bool

	ctx       context.Context
	stop      context.CancelFunc
	producing sync.WaitGroup
	watch     context.Context
	over      context.CancelFunc // nobody is to observe any more
	observing sync.WaitGroup
	consuming sync.WaitGroup

	mu    sync.Mutex
	room  *sync.Cond
	acked int
	made  int
	done  map[string]map[int64]bool // by group: what its consumers are done with
}

// maxAhead is how far producers run ahead of the slowest group.
const maxAhead = 500

// newSupply returns a supply that nobody produces, yet.
func newSupply(record *deliveryRecord, clients ...*rest.Client) *supply {
	s := &supply{deliveryRecord: record, clients: clients, done: map[string]map[int64]bool{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.watch, s.over = context.WithCancel(context.Background())
	s.room = sync.NewCond(&s.mu)
	record.t.Cleanup(func() { // for a test that failed
		s.end()
		s.over()
	})
	return s
}

// start starts producers and, for each group, an observer; failing lets some
// events fail.
func (s *supply) start(failing bool, groups ...core.Group) {
	s.failing, s.groups = failing, groups
	for _, group := range groups {
		s.done[group.Name] = map[int64]bool{}
	}
	for _, group := range groups {
		s.observing.Go(func() { s.observe(group.Name) })
	}
	for p := range 3 {
		s.producing.Go(func() { s.produce(s.random(-1 - p)) })
	}
}

// end stops the producers.
func (s *supply) end() {
	s.stop()
	s.mu.Lock()
	s.room.Broadcast()
	s.mu.Unlock()
	s.producing.Wait()
}

func (s *supply) produce(random *rand.Rand) {
	for {
		s.mu.Lock()
		for s.ctx.Err() == nil && s.acked-s.slowest() > maxAhead {
			s.room.Wait()
		}
		s.mu.Unlock()
		if s.ctx.Err() != nil {
			return
		}
		s.append(random)
	}
}

// append sends some events once.
func (s *supply) append(random *rand.Rand) {
	events := make([]rest.NewEvent, 1+random.IntN(20))
	for i := range events {
		how := ""
		switch chance := random.IntN(200); {
		case s.failing && chance == 0:
			how = ", " + failsAtLast
		case s.failing && chance <= 2:
			how = ", " + failsAtOnce
		}
		s.mu.Lock()
		s.made++
		events[i] = rest.NewEvent{Type: "chaos.event", Payload: fmt.Appendf(nil, `{"n": %d%s}`, s.made, how)}
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	result, err := s.clients[random.IntN(len(s.clients))].PublishBatch(ctx, deliveryStream, events)
	if err != nil {
		return
	}
	var offsets []int64
	for _, item := range result.Results {
		if item.Error == nil {
			offsets = append(offsets, int64(item.Offset))
		}
	}
	s.Record(history.Delivery{Appended: offsets})
	s.mu.Lock()
	s.acked += len(offsets)
	s.mu.Unlock()
}

// observe records how far a group is, again and again.
func (s *supply) observe(group string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-s.watch.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		status, err := s.clients[n%len(s.clients)].Lag(ctx, deliveryStream, group)
		cancel()
		if err == nil {
			committed := int64(status.CommittedOffset)
			s.Record(history.Delivery{Group: group, Committed: &committed})
		}
	}
}

// finish records that a group's consumer is done with an event.
func (s *supply) finish(group string, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.done[group]; done != nil { // producers wait for it
		done[offset] = true
		s.room.Broadcast()
	}
}

// slowest is how many events the slowest group is done with. It is called
// under the lock.
func (s *supply) slowest() int {
	least := s.made
	for _, done := range s.done {
		least = min(least, len(done))
	}
	return least
}

// progress waits until every group is done with so many more events.
func (s *supply) progress(events int) {
	s.t.Helper()
	reached := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.slowest()
	}
	goal := reached() + events
	until(s.t, "consumers get on", func() bool { return reached() >= goal })
}

// drain ends the supply and waits until the groups have settled all of it.
func (s *supply) drain() {
	s.t.Helper()
	s.end()
	for _, group := range s.groups {
		until(s.t, "the lag of "+group.Name+" ends", settled(s.t, s.clients[0], group.Name))
	}
	s.over()
	s.observing.Wait()
	s.consuming.Wait()
}

// consume runs consumers of a group, until nobody observes any more.
func (s *supply) consume(group core.Group, consumers int) {
	for i := range consumers {
		random := s.random(i)
		s.consuming.Go(func() {
			client := s.clients[i%len(s.clients)]
			options := rest.ConsumeOptions{Limit: 50, Wait: 5 * time.Second}
			if err := client.Consume(s.watch, deliveryStream, group.Name, s.handler(group.Name, random), options); err != nil {
				s.t.Errorf("a consumer of %s gave up: %v", group.Name, err)
			}
		})
	}
}

// errFails is what handlers say of events that they do not like.
var errFails = errors.New("the handler does not like it")

// handler handles events of a group: some fail now and then, some always.
func (s *supply) handler(group string, random *rand.Rand) rest.Handler {
	return func(_ context.Context, event rest.DeliveredEvent) error {
		offset := int64(event.Offset)
		last, once := bytes.Contains(event.Payload, []byte(failsAtLast)), bytes.Contains(event.Payload, []byte(failsAtOnce))
		ok := !last && !once && random.IntN(100) > 0
		s.Record(history.Delivery{Group: group, Handled: &history.Handled{Offset: offset, OK: ok}})
		if ok || once || last && event.Attempt >= attempts {
			s.finish(group, offset)
		}
		switch {
		case once:
			return rest.Permanent(errFails)
		case !ok:
			return errFails
		}
		return nil
	}
}
