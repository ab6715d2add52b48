package process_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

func TestBadProcessorsAreRefused(t *testing.T) {
	inPlant(t, func(p *plant) {
		for _, c := range []struct {
			field string
			spoil func(*core.ProcessorSpec)
		}{
			{"filter", func(s *core.ProcessorSpec) { s.Filter = "bad" }},
			{"filter", func(s *core.ProcessorSpec) { s.Filter = strings.Repeat("a", core.MaxFilterLength+1) }},
			{"transform", func(s *core.ProcessorSpec) { s.Transform = "a\x00" }},
			{"destination", func(s *core.ProcessorSpec) { s.Destination = nil }},
			{"destination", func(s *core.ProcessorSpec) { s.Destination = []byte(`[]`) }},
			{"destination.type", func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"pigeon"}`) }},
			{"destination.url", func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"mailbox","url":"a"}`) }},
			{"destination.stream", func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"stream"}`) }},
			{"destination.stream", func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"stream","stream":"nowhere"}`) }},
			{"destination.stream", func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"stream","stream":"orders"}`) }},
			{"state", func(s *core.ProcessorSpec) { s.State = "disabled" }},
			{"mode", func(s *core.ProcessorSpec) { s.Mode = "loose" }},
			{"max_attempts", func(s *core.ProcessorSpec) { s.MaxAttempts = new(0) }},
		} {
			spec := core.ProcessorSpec{Destination: []byte(`{"type":"mailbox"}`)}
			spec.Name = "mail"
			c.spoil(&spec)
			_, err := p.Processors.Create(p.Context(), p.who, "orders", spec)
			coretest.RequireRefusal(p, err, core.CodeValidation, c.field)
		}
		all, err := p.Processors.List(p.Context(), p.who, "orders")
		require.NoError(p, err)
		require.Empty(p, all)
	})
}

// TestSecretsAreSealed: what is stored does not hold them, and they open again, also
// once the server has another secret.
func TestSecretsAreSealed(t *testing.T) {
	inPlant(t, func(p *plant) {
		made := p.processor(func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"mailbox","secret":"very secret"}`) })
		require.Empty(p, made.Secret, "whoever gives a secret knows it")
		stored, err := p.catalog.Processor(p.Context(), p.who.Org, made.ID)
		require.NoError(p, err)
		require.NotContains(p, string(stored.Destination.Secrets), "secret")
		pass(time.Second)
		require.Equal(p, `{"secret":"very secret"}`, p.box.secrets[len(p.box.secrets)-1])
		p.stop()

		p.secrets = [][]byte{[]byte("another secret of the server"), p.secrets[0]}
		p.mill = p.node()
		pass(2 * time.Second)
		require.Equal(p, `{"secret":"very secret"}`, p.box.secrets[len(p.box.secrets)-1])
		p.stop()

		p.secrets = p.secrets[:1] // it was sealed anew meanwhile
		p.mill = p.node()
		pass(2 * time.Second)
		require.Equal(p, core.ProcessorRunning, p.view().State)
	})
}

func TestASecretIsShownOnce(t *testing.T) {
	inPlant(t, func(p *plant) {
		made := p.processor(nil)
		require.Equal(p, "made up", made.Secret)
		changed, err := p.Processors.Change(p.Context(), p.who, "orders", "mail", core.ProcessorChange{Destination: []byte(`{"type":"mailbox","label":"a"}`)}, 0)
		require.NoError(p, err)
		require.Empty(p, changed.Secret, "it stays")
		rotated, err := p.Processors.RotateSecret(p.Context(), p.who, "orders", "mail", core.Seconds(time.Hour))
		require.NoError(p, err)
		require.Equal(p, "rotated", rotated.Secret)
		pass(2 * time.Second)
		require.Equal(p, `{"secret":"rotated"}`, p.box.secrets[len(p.box.secrets)-1])
	})
}

// TestACopyIsMadeOnce: however often an event is sent into another stream.
func TestACopyIsMadeOnce(t *testing.T) {
	inPlant(t, func(p *plant) {
		_, err := p.streams.Create(p.Context(), p.who, core.StreamSpec{Name: "copies"})
		require.NoError(p, err)
		p.processor(func(s *core.ProcessorSpec) { s.Destination = []byte(`{"type":"stream","stream":"copies"}`) })
		p.put(numbers(20)...)
		pass(2 * time.Second)
		_, err = p.delivery.Groups.Reset(p.Context(), p.who, "orders", "mail", core.Start{})
		require.NoError(p, err)
		pass(2 * time.Second)
		require.EqualValues(p, 0, p.view().Status.Lag)
		open, err := p.streams.Get(p.Context(), p.who, "copies")
		require.NoError(p, err)
		events, err := p.log.Read(p.Context(), open.ID, core.Scan{Limit: 100})
		require.NoError(p, err)
		require.Len(p, events, 20)
		for i, event := range events {
			require.Equal(p, strconv.Itoa(i), string(event.Payload))
			require.Equal(p, "paid", event.Type)
		}
	})
}

func TestStreamsCannotFeedThemselves(t *testing.T) {
	inPlant(t, func(p *plant) {
		for _, name := range []string{"b", "c"} {
			_, err := p.streams.Create(p.Context(), p.who, core.StreamSpec{Name: name})
			require.NoError(p, err)
		}
		link := func(from, to string) error {
			spec := core.ProcessorSpec{Destination: []byte(`{"type":"stream","stream":"` + to + `"}`)}
			spec.Name = "to-" + to
			_, err := p.Processors.Create(p.Context(), p.who, from, spec)
			return err
		}
		require.NoError(p, link("orders", "b"))
		require.NoError(p, link("b", "c"))
		coretest.RequireRefusal(p, link("c", "orders"), core.CodeValidation, "destination.stream")
		require.NoError(p, link("orders", "c"), "two ways to one stream are no circle")
	})
}

func TestATrialShowsEachVerdict(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.put(`"ax"`, `"a"`, `"b"`)
		trials, err := p.Trials.Try(p.Context(), p.who, "orders", core.TrialSpec{Filter: "a", Transform: "fail"})
		require.NoError(p, err)
		require.Len(p, trials, 3)
		require.False(p, trials[0].Passed)
		require.Empty(p, trials[0].Errors)
		require.True(p, trials[1].Passed)
		require.NotNil(p, trials[1].Result)
		require.Equal(p, []core.Detail{{Field: "transform", Reason: "1:2: has failed"}}, trials[2].Errors)
		trials, err = p.Trials.Try(p.Context(), p.who, "orders", core.TrialSpec{Transform: `7`, Event: []byte(`{"event_type":"a","payload":1}`)})
		require.NoError(p, err)
		require.Equal(p, "7", string(trials[0].Result.Payload))
		_, err = p.Trials.Try(p.Context(), p.who, "orders", core.TrialSpec{Event: []byte(`{"payload":1}`)})
		coretest.RequireRefusal(p, err, core.CodeValidation, "event.event_type")
		_, err = p.Trials.Try(p.Context(), p.who, "orders", core.TrialSpec{Last: 101})
		coretest.RequireRefusal(p, err, core.CodeValidation, "last")
	})
}

// People read the list of deliveries as what happened: those of one moment, too, are listed
// in the order in which they were made.
func TestDeliveriesOfOneMomentAreListedInTheirOrder(t *testing.T) {
	inPlant(t, func(p *plant) {
		listed := p.listed(30)
		for i, attempt := range listed {
			require.True(p, attempt.At.Equal(listed[0].At), "the clock stands")
			require.Equal(p, core.Offset(29-i), attempt.Offset)
		}
	})
}

func TestDeliveriesAreListedInTheirOrderThoughTheClockGoesBack(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.answer = func(core.Outgoing) core.Sent {
			p.behind.Add(int64(10 * time.Millisecond))
			return core.Sent{Status: 204}
		}
		listed := p.listed(30)
		require.True(p, listed[0].At.Before(listed[29].At))
		for i, attempt := range listed {
			require.Equal(p, core.Offset(29-i), attempt.Offset)
		}
	})
}

// listed sends so many events in their order, and returns the list of their deliveries.
func (p *plant) listed(events int) []core.DeliveryAttempt {
	p.processor(func(s *core.ProcessorSpec) { s.Mode = core.Ordered })
	p.put(numbers(events)...)
	pass(3 * time.Second)
	page, err := p.Deliveries.List(p.Context(), p.who, "orders", "mail", core.DeliveryQuery{Limit: 100})
	require.NoError(p, err)
	require.Len(p, page.Items, events)
	return page.Items
}

func TestADeliveryIsSentAgain(t *testing.T) {
	inPlant(t, func(p *plant) {
		open := false
		p.box.answer = func(core.Outgoing) core.Sent {
			if open {
				return core.Sent{Status: 204}
			}
			return core.Sent{Err: errors.New("closed")}
		}
		p.processor(func(s *core.ProcessorSpec) { s.MaxAttempts = new(1) })
		begun := time.Now()
		p.put(numbers(3)...)
		pass(3 * time.Second)
		require.Len(p, p.letters(), 3)
		page, err := p.Deliveries.List(p.Context(), p.who, "orders", "mail", core.DeliveryQuery{Limit: 2})
		require.NoError(p, err)
		require.True(p, page.HasMore)
		require.Equal(p, core.Dead, page.Items[0].Outcome)
		open = true
		again, err := p.Deliveries.Resend(p.Context(), p.who, page.Items[0].ID.String())
		require.NoError(p, err)
		require.Equal(p, core.Delivered, again.Outcome)
		require.Equal(p, 204, again.Status)
		test, err := p.Deliveries.SendTest(p.Context(), p.who, "orders", "mail")
		require.NoError(p, err)
		require.Equal(p, "eventflow.test", test.EventType)
		_, err = p.Deliveries.Resend(p.Context(), p.who, test.ID.String())
		require.Equal(p, core.CodeConflict, core.CodeOf(err), "a test event is no event of the stream, and least of all its first one")

		replay, err := p.Deliveries.Recover(p.Context(), p.who, "orders", "mail", begun.Add(time.Hour))
		require.NoError(p, err)
		require.Zero(p, replay.Total)
		replay, err = p.Deliveries.Recover(p.Context(), p.who, "orders", "mail", begun)
		require.NoError(p, err)
		require.EqualValues(p, 3, replay.Total)
		ctx, stop := context.WithCancel(p.Context())
		done := make(chan struct{})
		go func() { p.delivery.Replayer.Run(ctx, nil); close(done) }()
		pass(10 * time.Second)
		require.Empty(p, p.letters())
		stop()
		<-done
	})
}

// TestASlowPipelineTakesLessWhileProducersWait: their requests need the cores.
func TestASlowPipelineTakesLessWhileProducersWait(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(func(s *core.ProcessorSpec) { s.Filter = "slow" })
		p.put(numbers(2000)...)
		pass(10 * time.Second)
		alone := len(p.box.got())
		p.log.takes.Store(int64(20 * time.Second))
		for range 2 { // one is being stored, and the other one waits for it
			go p.put(`1`)
			synctest.Wait()
		}
		pass(10 * time.Second)
		require.Less(p, len(p.box.got())-alone, alone/2)
		pass(time.Minute)
	})
}

// TestASlowPipelineTakesAPartOfTheCores: and its neighbours do not wait for it.
func TestASlowPipelineTakesAPartOfTheCores(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(func(s *core.ProcessorSpec) { s.Filter, s.Name = "slow", "slow" })
		p.processor(nil)
		p.put(numbers(100)...)
		pass(time.Second)
		require.GreaterOrEqual(p, len(p.box.got()), 100, "the other one is not slowed down")
		view, err := p.Processors.Overview(p.Context(), p.who, "orders", "slow")
		require.NoError(p, err)
		slow := 100 - int(view.Status.Lag)
		require.Less(p, slow, 60, "a second has room for so many runs of 10 ms in a part of the cores")
		pass(time.Minute)
		view, err = p.Processors.Overview(p.Context(), p.who, "orders", "slow")
		require.NoError(p, err)
		require.Zero(p, view.Status.Lag, "it goes on")
	})
}

// The census is of all organizations, and of streams that are there.
func TestProcessorsAreCountedByState(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(nil)
		for i, name := range []string{"a", "b"} {
			p.processor(func(s *core.ProcessorSpec) { s.Name = name })
			if i == 0 {
				_, err := p.Processors.Pause(p.Context(), p.who, "orders", name)
				require.NoError(p, err)
			}
		}
		counts, err := p.Processors.Census(p.Context())
		require.NoError(p, err)
		require.Equal(p, map[core.ProcessorState]int{core.ProcessorRunning: 2, core.ProcessorPaused: 1, core.ProcessorDisabled: 0}, counts)
	})
}
