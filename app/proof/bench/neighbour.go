package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// attacks are what the other organization does. Each begins, and goes on in the
// background until the context ends. That the server refuses some of it is well:
// an attack asks for as much as it can, and takes what it gets.
var attacks = []struct {
	name  string
	begin func(*attacker, context.Context) error
}{
	{"tails", (*attacker).tails},
	{"polls", (*attacker).polls},
	{"stalled_uploads", (*attacker).stalledUploads},
	{"slow_replays", (*attacker).slowReplays},
	{"expensive_schema", (*attacker).expensiveSchema},
	{"searches", (*attacker).searches},
	{"exports", (*attacker).exports},
	{"backfills", (*attacker).backfills},
	{"late_consumers", (*attacker).lateConsumers},
	{"questions", (*attacker).questions},
}

// neighbour measures an organization's producer while another organization does
// something, against what the producer has alone.
func (b *bench) neighbour(ctx context.Context) error {
	s, err := b.startOnPostgres(ctx, "neighbour")
	if err != nil {
		return err
	}
	other, err := newAttacker(ctx, s)
	if err != nil {
		return err
	}
	late := make([][]float64, len(attacks)+1)
	points := []measured{b.producer("alone", s, &late[0])}
	for i, attack := range attacks {
		point := b.producer(attack.name, s, &late[i+1])
		point.beside = func() (stop func(), err error) {
			attacking, end := context.WithCancel(ctx)
			return func() {
				end()
				other.running.Wait()
			}, attack.begin(other, attacking)
		}
		points = append(points, point)
	}
	rates, err := b.rounded(points...)
	if err != nil {
		return err
	}
	var worst, latest float64 = 1e9, 0
	for i, attack := range attacks {
		rate, p99 := ratio(rates[i+1], rates[0]), ratio(late[i+1], late[0])
		report(figure{Name: "noisy_neighbour_" + attack.name, Value: rate})
		report(figure{Name: "noisy_neighbour_" + attack.name + "_p99", Value: p99, AtMost: true})
		worst, latest = min(worst, rate), max(latest, p99)
	}
	report(figure{Name: "noisy_neighbour", Value: worst, Goal: 0.7})
	report(figure{Name: "noisy_neighbour_p99", Value: latest, AtMost: true})
	return stopAll(s)
}

// producer is the load beside an attack; its p99 in milliseconds is added to late.
// What is refused or cut off counts as not sent.
func (b *bench) producer(attack string, s *server, late *[]float64) measured {
	request := httpRequest("POST", "/api/v1/streams/bench/events", s.key, "application/json", event())
	l := load{addr: s.addr, connections: 64, request: request, status: 202, patient: true}
	return measured{name: attack, run: func() (outcome, error) {
		got, err := b.loaded("POST beside: "+attack, l, 1)
		*late = append(*late, max(float64(got.p99.Microseconds())/1000, 0.001))
		return outcome{got.perSecond, float64(got.answered)}, err
	}}
}

// attacker is the other organization.
type attacker struct {
	addr, key string
	client    *rest.Client
	running   sync.WaitGroup
}

// newAttacker makes the organization, with a key that no rate limits.
func newAttacker(ctx context.Context, s *server) (*attacker, error) {
	command := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, s.process.Path, args...)
		cmd.Env = s.process.Env
		output, err := cmd.Output()
		return strings.TrimSpace(string(output)), err
	}
	if _, err := command("org", "create", "neighbour"); err != nil {
		return nil, fmt.Errorf("making an organization: %w", err)
	}
	key, err := command("key", "create", "--org", "neighbour", "--label", "neighbour", "--role", "developer")
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	a := &attacker{addr: s.addr, key: key, client: rest.NewClient("http://"+s.addr, key)}
	err = a.prepare(ctx)
	return a, err
}

// prepare makes the streams that the attacks use, and dead letters.
func (a *attacker) prepare(ctx context.Context) error {
	for _, spec := range []core.StreamSpec{{Name: "busy"}, {Name: "quiet"}, {Name: "strict", Schema: []byte(expensiveSchema())}} {
		if _, err := a.client.CreateStream(ctx, spec); err != nil {
			return err
		}
	}
	for _, stream := range []string{"busy", "quiet"} {
		if _, err := a.client.CreateGroup(ctx, stream, core.GroupSpec{Name: "readers", Mode: core.Shared}); err != nil {
			return err
		}
	}
	for i := range lateConsumers {
		if _, err := a.client.CreateGroup(ctx, "busy", core.GroupSpec{Name: lateConsumer(i), Mode: core.Shared}); err != nil {
			return err
		}
	}
	events := slices.Repeat([]rest.NewEvent{{Type: "order.paid", Payload: []byte(payload)}}, batchEvents)
	for range 200 { // enough for a search, or a group that is behind, to take a while
		if _, err := a.client.PublishBatch(ctx, "busy", events); err != nil {
			return err
		}
	}
	got, err := a.client.Poll(ctx, "busy", "readers", rest.PollOptions{Limit: batchEvents})
	if err != nil {
		return err
	}
	nacks := make([]rest.Nack, len(got.Events))
	for i, event := range got.Events {
		nacks[i] = rest.Nack{Offset: &event.Offset, Action: core.NackPark, Reason: "no"}
	}
	return a.client.Nack(ctx, "busy", "readers", got.Lease.ID, nacks...)
}

// each keeps connections that do something, until ctx ends. What is refused or cut
// off is begun anew, a little later.
func (a *attacker) each(ctx context.Context, connections int, do func(net.Conn) error) {
	for range connections {
		a.running.Go(func() {
			for ctx.Err() == nil {
				if conn, err := net.Dial("tcp", a.addr); err == nil {
					stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends what it does
					_ = do(conn)                                                // how it ended does not matter
					stop()
					_ = conn.Close() // it may be closed
				}
				select {
				case <-ctx.Done():
				case <-time.After(500 * time.Millisecond):
				}
			}
		})
	}
}

// tails are live tails of a busy stream that nobody reads.
func (a *attacker) tails(ctx context.Context) error {
	tail := httpRequest("GET", "/api/v1/streams/busy/events/live", a.key, "", nil)
	a.each(ctx, 500, func(conn net.Conn) error {
		if _, err := conn.Write(tail); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	post := load{request: httpRequest("POST", "/api/v1/streams/busy/events", a.key, "application/json", event()), status: 202}
	a.repeat(ctx, 4, post)
	return nil
}

// polls are many that wait for a moment only.
func (a *attacker) polls(ctx context.Context) error {
	poll := httpRequest("GET", "/api/v1/streams/quiet/consumer-groups/readers/events?timeout=1", a.key, "", nil)
	a.repeat(ctx, 1000, load{request: poll, status: 200})
	return nil
}

// repeat sends a request on connections again and again.
func (a *attacker) repeat(ctx context.Context, connections int, l load) {
	a.each(ctx, connections, func(conn net.Conn) error { return l.sendOn(conn, 1<<30) })
}

// stalledUploads are large batches whose end never comes: many that have sent next to
// nothing of what they announce, and some that have sent most of it. It is no flood,
// which would take the processors of this program as much as those of the server.
func (a *attacker) stalledUploads(ctx context.Context) error {
	body := slices.Repeat([]byte(" "), core.MaxBatchBytes)
	upload := httpRequest("POST", "/api/v1/streams/busy/events/batch", a.key, "application/json", body)
	stall := func(sent int) func(net.Conn) error {
		return func(conn net.Conn) error {
			if _, err := conn.Write(upload[:sent]); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, conn) // until the server has had enough
			return err
		}
	}
	a.each(ctx, 200, stall(16<<10))
	a.each(ctx, 8, stall(core.MaxBatchBytes*3/4))
	return nil
}

// slowReplays give dead letters back so slowly that they never end.
func (a *attacker) slowReplays(ctx context.Context) error {
	a.running.Go(func() {
		for range 500 {
			request := rest.ReplayRequest{Stream: "busy", Group: "readers", Rate: 0.001}
			if _, err := a.client.ReplayDeadLetters(ctx, request); err != nil {
				return // there are as many as may be
			}
		}
	})
	return nil
}

// expensiveSchema has many alternatives, which are all tried for each item.
func expensiveSchema() string {
	alternatives := make([]string, 100)
	for i := range alternatives {
		alternatives[i] = fmt.Sprintf(`{"type":"string","pattern":"^(a|b|ab)*c{%d}$"}`, i+1)
	}
	return `{"type":"array","items":{"anyOf":[` + strings.Join(alternatives, ",") + `]}}`
}

func (a *attacker) expensiveSchema(ctx context.Context) error {
	items := strings.Join(slices.Repeat([]string{`"` + strings.Repeat("ab", 20) + strings.Repeat("c", 100) + `"`}, 200), ",")
	body := []byte(`{"event_type":"order.paid","payload":[` + items + `]}`)
	a.repeat(ctx, 8, load{request: httpRequest("POST", "/api/v1/streams/strict/events", a.key, "application/json", body), status: 202})
	return nil
}

// searches are for what no event has, so that each looks at all of them.
func (a *attacker) searches(ctx context.Context) error {
	search := httpRequest("GET", "/api/v1/streams/busy/events?payload.nothing=1", a.key, "", nil)
	a.repeat(ctx, 30, load{request: search, status: 200})
	return nil
}

// exports are of a whole stream, read as fast as they come.
func (a *attacker) exports(ctx context.Context) error {
	export := httpRequest("GET", "/api/v1/streams/busy/events/export?format=csv", a.key, "", nil)
	a.each(ctx, 30, func(conn net.Conn) error {
		for answers := bufio.NewReader(conn); ; {
			if _, err := conn.Write(export); err != nil {
				return err
			}
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, answer.Body)
			if err := errors.Join(err, answer.Body.Close()); err != nil {
				return err
			}
		}
	})
	return nil
}

// backfills are processors that go through a whole stream for what no event is.
func (a *attacker) backfills(ctx context.Context) error {
	for i := range 20 {
		spec := core.ProcessorSpec{
			GroupSpec: core.GroupSpec{Name: fmt.Sprintf("backfill-%d", i)}, Start: &core.Start{}, Filter: "type == 'none'",
			Destination: []byte(`{"type":"stream","stream":"quiet"}`),
		}
		made, err := a.client.CreateProcessor(ctx, "busy", spec)
		if err != nil {
			return err
		}
		a.running.Go(func() {
			<-ctx.Done()
			// The next round's has the same name, and says so if this one stays.
			_ = a.client.DeleteProcessor(context.WithoutCancel(ctx), "busy", made.ID.String(), made.Revision)
		})
	}
	return nil
}

// lateConsumers is how many groups are behind.
const lateConsumers = 20

func lateConsumer(i int) string { return fmt.Sprintf("late-%d", i) }

// lateConsumers have groups go through a whole stream as fast as they get it.
func (a *attacker) lateConsumers(ctx context.Context) error {
	for i := range lateConsumers {
		name := lateConsumer(i)
		if _, err := a.client.ResetGroup(ctx, "busy", name, core.Start{}); err != nil {
			return err
		}
		poll := httpRequest("GET", "/api/v1/streams/busy/consumer-groups/"+name+"/events?limit=1000", a.key, "", nil)
		a.repeat(ctx, 1, load{request: poll, status: 200})
	}
	return nil
}

// questions are for lists that take a look at each stream or group.
func (a *attacker) questions(ctx context.Context) error {
	for _, path := range []string{"/consumer-groups?limit=1000", "/streams?stats=true&limit=1000", "/dead-letters?limit=1000"} {
		a.repeat(ctx, 10, load{request: httpRequest("GET", "/api/v1"+path, a.key, "", nil), status: 200})
	}
	return nil
}
