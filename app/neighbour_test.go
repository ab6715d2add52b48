package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// neighbours are two organizations on one server: one that works, and one with an
// ordinary key that does what it may to be in the way.
type neighbours struct {
	t          *testing.T
	home       home
	store      string
	server     *process
	mine, them string
}

// withNeighbours runs an attack on each store.
func withNeighbours(t *testing.T, settings []string, attack func(*testing.T, neighbours)) {
	t.Helper()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack(t, newNeighbours(t, store(t), settings...))
		})
	}
}

// newNeighbours starts a server on a store, with two organizations.
func newNeighbours(t *testing.T, store string, settings ...string) neighbours {
	t.Helper()
	n := neighbours{t: t, home: newHome(t), store: store}
	n.server = n.home.serve(append([]string{n.store, "EVENTFLOW_RATE_KEY=off"}, settings...)...)
	require.Zero(t, n.command("org", "create", "them").code)
	n.mine, n.them = n.key("default"), n.key("them")
	for _, key := range []string{n.mine, n.them} {
		_, err := n.server.client(key).CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
		require.NoError(t, err)
		_, err = n.server.client(key).CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "mail"})
		require.NoError(t, err)
	}
	return n
}

func (n neighbours) command(args ...string) outcome {
	n.t.Helper()
	return n.home.run([]string{secret, n.store}, args...)
}

func (n neighbours) key(org string) string { return n.keyOf(org, core.RoleDeveloper) }

func (n neighbours) keyOf(org string, role core.Role) string {
	n.t.Helper()
	made := n.command("key", "create", "--org", org, "--label", "test", "--role", string(role))
	require.Zero(n.t, made.code, made.stderr)
	return strings.TrimSpace(made.stdout)
}

// A neighbour that announces batches of 16 MiB and stalls takes the memory of what it
// has sent, and not for long.
func TestStallingUploadsAreNobodyElsesTrouble(t *testing.T) {
	t.Parallel()
	withNeighbours(t, []string{"EVENTFLOW_INFLIGHT_BYTES=33554432", "EVENTFLOW_READ_TIMEOUT=12s"}, func(t *testing.T, n neighbours) {
		stall := func(sent int) wire {
			w := n.server.dial()
			w.send(fmt.Sprintf("POST /api/v1/streams/orders/events/batch HTTP/1.1\r\nHost: test\r\nX-API-Key: %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n[", n.them, core.MaxBatchBytes))
			_, _ = io.WriteString(w.conn, strings.Repeat(" ", sent)) // or it is refused before the end
			return w
		}
		began := time.Now()
		var stalled []wire
		for range 60 { // announced, it is thirty times the memory that there is
			stalled = append(stalled, stall(9<<10))
		}
		for range 3 { // and this is more than one key's share
			stalled = append(stalled, stall(12<<20))
		}
		mine := n.server.client(n.mine)
		for i := range 88 {
			payload := fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", i%2*200_000))
			_, err := mine.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(payload)})
			require.NoError(t, err, "post %d", i)
		}
		answers := map[int]int{}
		for _, w := range stalled {
			got := w.receive()
			answers[got.status]++
			if got.status == http.StatusTooManyRequests {
				require.NotEmpty(t, got.header.Get("Retry-After"))
				require.Contains(t, got.body, `"field":"uploads"`)
			}
		}
		require.Equal(t, len(stalled), answers[408]+answers[429], "%v", answers)
		require.GreaterOrEqual(t, answers[408], 60, "what stalls is let go")
		require.Positive(t, answers[429], "what is too much is refused")
		require.Less(t, time.Since(began), patience)
	})
}

// A neighbour that follows everything at once has its part of the connections, and whoever
// watches the server gets an answer even when there is none left.
func TestLastingRequestsLeaveConnectionsForOthers(t *testing.T) {
	t.Parallel()
	const connections = 60
	withNeighbours(t, []string{fmt.Sprintf("EVENTFLOW_CONNECTIONS=%d", connections)}, func(t *testing.T, n neighbours) {
		http.DefaultClient.CloseIdleConnections()
		follow := func(path string) answer {
			w := n.server.dial()
			w.send("GET " + path + " HTTP/1.1\r\nHost: test\r\nX-API-Key: " + n.them + "\r\n\r\n")
			response, err := http.ReadResponse(w.in, nil)
			require.NoError(t, err)
			return answer{status: response.StatusCode, header: response.Header}
		}
		followed := 0
		for range connections / 2 {
			got := follow("/api/v1/streams/orders/events/live")
			if got.status == http.StatusOK {
				followed++
				continue
			}
			require.Equal(t, http.StatusTooManyRequests, got.status)
			require.NotEmpty(t, got.header.Get("Retry-After"))
		}
		require.Equal(t, connections/3, followed, "a key has half of what it leaves free")

		_, err := n.server.client(n.mine).Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte("1")})
		require.NoError(t, err)
		got, err := n.server.client(n.mine).Poll(t.Context(), "orders", "mail", rest.PollOptions{Wait: 10 * time.Second})
		require.NoError(t, err)
		require.Len(t, got.Events, 1)

		for range 2 * connections { // nobody knows whose these are, they say nothing
			n.server.dial()
		}
		for _, path := range []string{"/livez", "/readyz", "/api/v1/health"} {
			w := n.server.dial()
			w.send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
			got := w.receive()
			require.Equal(t, http.StatusOK, got.status, "%s: %s", path, got.body)
			require.True(t, got.last, "a place for health is for one question")
		}
		w := n.server.dial()
		w.send("GET /api/v1/streams HTTP/1.1\r\nHost: test\r\nX-API-Key: " + n.mine + "\r\n\r\n")
		refused := w.receive()
		require.Equal(t, http.StatusServiceUnavailable, refused.status)
		require.NotEmpty(t, refused.header.Get("Retry-After"))
		require.Contains(t, refused.body, "too many connections")
	})
}

// A neighbour whose replays never get on, because of their rate, does not keep those of
// others from ending, and can be stopped by itself and by who operates the server.
func TestReplaysThatNeverEndAreNobodyElsesTrouble(t *testing.T) {
	t.Parallel()
	withNeighbours(t, nil, func(t *testing.T, n neighbours) {
		die := func(key, group string, letters int) *rest.Client {
			client := n.server.client(key)
			_, _ = client.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: group}) // the first one is there
			for range letters {
				_, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte("1")})
				require.NoError(t, err)
			}
			got, err := client.Poll(t.Context(), "orders", group, rest.PollOptions{Limit: letters, Wait: 10 * time.Second})
			require.NoError(t, err)
			for i := range got.Events {
				require.NoError(t, client.Nack(t.Context(), "orders", group, got.Lease.ID, rest.Nack{Offset: &got.Events[i].Offset, Action: core.NackPark}))
			}
			return client
		}
		them := die(n.them, "mail", 2)
		_, err := them.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Rate: 1e-9})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.ErrorContains(t, err, "rate")
		var last core.Replay
		for i := range core.DefaultShares.Replays {
			group := fmt.Sprintf("mail%.*s", int(i)/core.MaxGroupReplays, "-----")
			if i%core.MaxGroupReplays == 0 && i > 0 {
				_, err := them.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: group})
				require.NoError(t, err)
				got, err := them.Poll(t.Context(), "orders", group, rest.PollOptions{Limit: 2, Wait: 10 * time.Second})
				require.NoError(t, err)
				require.NoError(t, them.Nack(t.Context(), "orders", group, got.Lease.ID, rest.Nack{Offset: &got.Events[0].Offset, Action: core.NackPark}))
			}
			last, err = them.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Stream: "orders", Group: group, Rate: core.MinReplayRate})
			require.NoError(t, err)
			require.Equal(t, core.ReplayRunning, last.State)
		}
		_, err = them.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Rate: core.MinReplayRate})
		require.Equal(t, core.CodeRateLimited, core.CodeOf(err))

		mine := die(n.mine, "mail", 3)
		replay, err := mine.ReplayDeadLetters(t.Context(), rest.ReplayRequest{})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			replay, err = mine.Replay(t.Context(), replay.ID.String())
			return err == nil && replay.State == core.ReplayDone
		}, patience, 50*time.Millisecond)
		require.Equal(t, int64(3), replay.Done)

		_, err = mine.StopReplay(t.Context(), last.ID.String())
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
		stopped, err := them.StopReplay(t.Context(), last.ID.String())
		require.NoError(t, err)
		require.Equal(t, core.ReplayStopped, stopped.State)
		running, err := them.ReplaysPage(t.Context(), core.ReplayQuery{State: core.ReplayRunning})
		require.NoError(t, err)
		require.Len(t, running.Items, int(core.DefaultShares.Replays)-1)
		first := running.Items[0].ID.String()
		listed := n.command("replay", "list", "--org", "them", "--state", "running")
		require.Contains(t, listed.stdout, first, listed.stderr)
		byOperator := n.command("replay", "stop", "--org", "them", first)
		require.Contains(t, byOperator.stdout, string(core.ReplayStopped), byOperator.stderr)
	})
}

// A key that is refused again and again leaves a record a minute, which counts, and not
// one a request. The rest of the count is kept when the server stops.
func TestRefusedRequestsDoNotFillTheTrail(t *testing.T) {
	t.Parallel()
	withNeighbours(t, nil, func(t *testing.T, n neighbours) {
		them, began := n.server.client(n.keyOf("them", core.RoleProducer)), time.Now()
		const refused = 300
		for range refused {
			_, err := them.StreamsPage(t.Context(), core.StreamQuery{})
			require.Equal(t, core.CodeForbidden, core.CodeOf(err))
		}
		n.server.stop()
		again := n.home.serve(n.store, "EVENTFLOW_RATE_KEY=off")
		page, err := again.client(n.keyOf("them", core.RoleAdmin)).AuditPage(t.Context(), core.EventQuery{Filter: core.Filter{Type: string(core.AuditRefused)}, Limit: 1000})
		require.NoError(t, err)
		counted := 0
		for _, record := range page.Items {
			counted += countOf(t, record)
		}
		require.Equal(t, refused, counted)
		require.GreaterOrEqual(t, len(page.Items), 2)
		require.LessOrEqual(t, len(page.Items), 2+int(time.Since(began)/time.Minute))
	})
}

// countOf is for how many requests a record of the trail stands.
func countOf(t *testing.T, record core.Event) int {
	t.Helper()
	var entry core.AuditEntry
	require.NoError(t, json.Unmarshal(record.Payload, &entry))
	count, err := strconv.Atoi(entry.Details["count"])
	if err != nil {
		return 1
	}
	return count
}

// Keys that do more than anybody does by hand leave a record of each deed up to a number,
// and are counted from then on. Deeds of others are recorded all the same, and no deed is
// missing once the server has stopped. Core counts them, so one store is enough for so
// many deeds.
func TestDeedsWithoutEndDoNotFillTheTrail(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t, stores()["sqlite"](t))
	const most, more, workers = 2_000, 400, 16
	them, began := n.server.client(n.them), time.Now()
	reset := func() error {
		_, err := them.ResetGroup(t.Context(), "orders", "mail", core.Start{Offset: new(core.Offset(0))})
		return err
	}
	var all errgroup.Group
	for range workers {
		all.Go(func() error {
			for range (most + more) / workers {
				if err := reset(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	_, err := n.server.client(n.key("them")).CreateStream(t.Context(), core.StreamSpec{Name: "another"})
	require.NoError(t, err)
	minutes := int(time.Since(began).Minutes()) + 1
	n.server.stop()

	auditor := n.home.serve(n.store, "EVENTFLOW_RATE_KEY=off").client(n.keyOf("them", core.RoleAdmin))
	records, deeds := 0, 0
	query := core.EventQuery{Filter: core.Filter{Type: string(core.AuditGroupReset)}, Limit: 1000}
	for more := true; more; {
		page, err := auditor.AuditPage(t.Context(), query)
		require.NoError(t, err)
		for i := range page.Items {
			records, deeds = records+1, deeds+countOf(t, page.Items[i])
			query.After = &page.Items[i].Offset
		}
		more = len(page.Items) > 0
	}
	require.Equal(t, most+more, deeds)
	require.LessOrEqual(t, records, most+10*minutes)
	made, err := auditor.AuditPage(t.Context(), core.EventQuery{Filter: core.Filter{Type: string(core.AuditStreamCreated)}, Limit: 1000})
	require.NoError(t, err)
	require.Len(t, made.Items, 2, "another key's deed has a record of its own")
}

// A neighbour whose schemas cost much gets its share of the CPU and no more: what
// doubles with each level is not taken, what is too much for an event ends the event,
// and the rest ends with the share.
func TestAnExpensiveSchemaIsNobodyElsesTrouble(t *testing.T) {
	t.Parallel()
	withNeighbours(t, nil, func(t *testing.T, n neighbours) {
		them := n.server.client(n.them)
		levels := make([]string, 40)
		for i := range levels {
			levels[i] = fmt.Sprintf(`"l%d":{"allOf":[{"$ref":"#/$defs/l%d"},{"$ref":"#/$defs/l%[2]d"}]}`, i, i+1)
		}
		doubled := `{"$ref":"#/$defs/l0","$defs":{` + strings.Join(levels, ",") + `,"l40":{"type":"object"}}}`
		_, err := them.CreateStream(t.Context(), core.StreamSpec{Name: "doubled", Schema: []byte(doubled)})
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.ErrorContains(t, err, "schema/$defs/l2")

		_, err = them.CreateStream(t.Context(), core.StreamSpec{Name: "strict", Schema: []byte(`{"pattern":"^(([a-c]?){150}.*){3}!$"}`)})
		require.NoError(t, err)
		event := rest.NewEvent{Type: "order.paid", Payload: []byte(`"` + strings.Repeat("a", 50_000) + `"`)}
		_, err = them.Publish(t.Context(), "strict", event)
		require.Equal(t, core.CodeSchemaMismatch, core.CodeOf(err))
		require.ErrorContains(t, err, "too expensive")
		// A share counts steps. Where a core makes few of them, as with the race detector,
		// only a small share comes to an end.
		require.Zero(t, n.command("org", "limit", "them", "--share", "evaluations=1").code)
		refused := make(chan error)
		for range 8 {
			go func() {
				for {
					if _, err := n.server.client(n.them).Publish(t.Context(), "strict", event); core.CodeOf(err) != core.CodeSchemaMismatch {
						refused <- err
						return
					}
				}
			}()
		}
		for i := range 50 {
			_, err := n.server.client(n.mine).Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte("1")})
			require.NoError(t, err, "post %d", i)
		}
		for range 8 {
			var refusal *core.Error
			require.ErrorAs(t, <-refused, &refusal)
			require.Equal(t, core.CodeRateLimited, refusal.Code)
			require.Equal(t, string(core.ShareEvaluations), refusal.Details[0].Field)
			require.GreaterOrEqual(t, refusal.RetryAfter, time.Second)
		}
	})
}

// A neighbour that asks for what is large or dear on thirty connections is answered
// piece by piece, and who produces gets no error. How often, core's tests hold.
func TestQuestionsWithoutEndAreNobodyElsesTrouble(t *testing.T) {
	t.Parallel()
	withNeighbours(t, nil, func(t *testing.T, n neighbours) {
		them := n.server.client(n.them)
		for i := range 40 {
			_, err := them.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: fmt.Sprintf("g-%d", i)})
			require.NoError(t, err)
		}
		quarantine := core.EnforceQuarantine
		_, err := them.CreateStream(t.Context(), core.StreamSpec{Name: "strict", Schema: []byte(`{"type":"object"}`), Enforcement: &quarantine})
		require.NoError(t, err)
		for range 24 { // more than a page may hold
			_, err := them.Publish(t.Context(), "strict", rest.NewEvent{Type: "order.paid", Payload: []byte(`"` + strings.Repeat("x", 900_000) + `"`)})
			require.NoError(t, err)
		}
		page, err := them.QuarantinePage(t.Context(), "strict", core.QuarantineQuery{Limit: 1000})
		require.NoError(t, err)
		require.Len(t, page.Items, core.PageBytes/900_002)
		require.NotEmpty(t, page.Pagination.NextCursor)

		answers := n.ask("/api/v1/consumer-groups?limit=1000", func() {
			var mine errgroup.Group
			for range 16 {
				mine.Go(func() error {
					for range 40 {
						if _, err := n.server.client(n.mine).Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: []byte("1")}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			require.NoError(t, mine.Wait())
		})
		require.Positive(t, answers[http.StatusOK])
		delete(answers, http.StatusOK)
		delete(answers, http.StatusTooManyRequests)
		require.Empty(t, answers)
	})
}

// ask has the neighbour send a question on thirty connections while something goes on.
// It returns how many answers there were by status.
func (n neighbours) ask(path string, meanwhile func()) map[int]int {
	n.t.Helper()
	ctx, end := context.WithCancel(n.t.Context())
	var asking sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range 30 {
		asking.Go(func() {
			for ctx.Err() == nil {
				request, _ := http.NewRequestWithContext(ctx, http.MethodGet, n.server.url+path, nil) // it is a good one
				request.Header.Set("X-Api-Key", n.them)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					continue // it is over
				}
				_ = response.Body.Close()
				mu.Lock()
				answers[response.StatusCode]++
				mu.Unlock()
			}
		})
	}
	meanwhile()
	end()
	asking.Wait()
	return answers
}
