package sinktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

// envFault names the fault that TestMailboxes plants; without it there is none.
const envFault = "EVENTFLOW_TEST_FAULT"

func TestMailboxes(t *testing.T) {
	t.Parallel()
	planted := fault{plant: func(*mailboxes) {}}
	for _, f := range faults {
		if f.name == os.Getenv(envFault) {
			planted = f
		}
	}
	require.Equal(t, os.Getenv(envFault), planted.name, "there is no such fault")
	boxes := newMailboxes(planted.plant)
	sinktest.Run(t, sinktest.Target{
		Type: "mailbox", Connector: boxes, Start: boxes.start, Secrets: []string{"password"}, URLs: []string{"url"},
		Refused: []sinktest.Refusal{{Name: "no URL", Given: `{"url":null}`, Field: "url"}},
	})
}

// TestSuiteCatches proves that every planted fault makes the guarantee it breaks fail,
// with a message that says what is broken.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			area, name, _ := strings.Cut(f.breaks, "/")
			pattern := "^TestMailboxes$/^" + regexp.QuoteMeta(area) + "$/^" + regexp.QuoteMeta(name) + "$"
			suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=1m", "-test.parallel=4")
			suite.Env = append(os.Environ(), envFault+"="+f.name)
			output, err := suite.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes:\n%s", output)
			require.Equal(t, 1, exit.ExitCode(), "%s", output)
			require.Contains(t, string(output), "--- FAIL: TestMailboxes/"+strings.ReplaceAll(f.breaks, " ", "_"))
			require.Contains(t, string(output), f.says)
		})
	}
}

// fault is one way to break the contract.
type fault struct {
	name string
	// breaks is the area and the guarantee that must fail, says what the failure must say.
	breaks, says string
	plant        func(*mailboxes)
}

// sends plants a fault in Send.
func sends(send func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent) func(*mailboxes) {
	return func(m *mailboxes) {
		m.wrap = func(sink core.Sink) core.Sink {
			s := sink.(*slot)
			s.send = func(ctx context.Context, events []core.Outgoing) []core.Sent { return send(s, ctx, events) }
			return s
		}
	}
}

// checks plants a fault in what Check returns.
func checks(change func(given json.RawMessage, former, to core.Destination, err error) (core.Destination, error)) func(*mailboxes) {
	return func(m *mailboxes) {
		m.check = func(given json.RawMessage, former core.Destination) (core.Destination, error) {
			to, err := checkMailbox(given, former)
			return change(given, former, to, err)
		}
	}
}

var faults = []fault{
	{
		"acks what it does not send", "send/what is sent has arrived when Send returns", "is said to have arrived, and has not",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			s.box.take(ctx, events[1:])
			return make([]core.Sent, len(events))
		}),
	},
	{
		"sends when it has returned", "send/a full batch arrives", "is said to have arrived, and has not",
		func(m *mailboxes) {
			var mu sync.Mutex
			var kept []core.Outgoing
			sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
				mu.Lock()
				defer mu.Unlock()
				s.box.take(ctx, kept)
				kept = events
				return make([]core.Sent, len(events))
			})(m)
		},
	},
	{
		"swaps results", "failure/the event that is refused is the one that fails", "is said to have arrived, and was refused",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			results := s.box.take(ctx, events)
			last := len(results) - 1
			results[0], results[last/2] = results[last/2], results[0]
			return results
		}),
	},
	{
		"forgets a result", "send/a full batch arrives", "have 49 results",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			return s.box.take(ctx, events)[1:]
		}),
	},
	{
		"turns the order around", "send/events of one key arrive in their order", "in another order",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) (results []core.Sent) {
			for i := range events {
				last := len(events) - 1 - i
				results = append(results, s.box.take(ctx, events[last:last+1])...)
			}
			return results
		}),
	},
	{
		"writes payloads anew", "send/any JSON value arrives as it is", "arrived as 9007199254740992, not as 9007199254740993",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			copies := append([]core.Outgoing{}, events...)
			for i := range copies {
				var value any
				_ = json.Unmarshal(copies[i].Event.Payload, &value)
				if text, err := json.Marshal(value); err == nil && len(text) < 40 && text[0] != '"' {
					copies[i].Event.Payload = text
				}
			}
			return s.box.take(ctx, copies)
		}),
	},
	{
		"changes what it is given", "send/what is sent has arrived when Send returns", "Send has changed the events",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			defer func() { events[0].Event.Source = "me" }()
			return s.box.take(ctx, events)
		}),
	},
	{
		"gives new ids to what is sent again", "send/what is sent again is told apart by its id", "that nobody sent",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			copies := append([]core.Outgoing{}, events...)
			for i := range copies {
				if copies[i].Attempt > 1 {
					copies[i].Event.ID = core.RandomID(copies[i].Event.ReceivedAt)
				}
			}
			s.box.take(ctx, events)
			return s.box.take(ctx, copies)
		}),
	},
	{
		"waits for a destination that does not answer", "failure/a destination that does not answer holds nobody longer than allowed", "Send has not returned",
		sends(func(s *slot, _ context.Context, events []core.Outgoing) []core.Sent {
			return s.box.take(context.Background(), events)
		}),
	},
	{
		"says that nothing ever arrives", "failure/a destination that is away is an error of Send, and gets the events later", "ends with the verdict 1",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			results := s.box.take(ctx, events)
			for i := range results {
				results[i].Verdict = core.NeverAgain
			}
			return results
		}),
	},
	{
		"tells its password in an error", "secrets/no error tells a secret", "has a secret in it",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			results := s.box.take(ctx, events)
			for i := range results {
				if results[i].Err != nil {
					results[i].Err = errors.New(results[i].Err.Error() + ", with " + s.password)
				}
			}
			return results
		}),
	},
	{
		"returns half a character", "send/what is sent has arrived when Send returns", "valid UTF-8 is false",
		sends(func(s *slot, ctx context.Context, events []core.Outgoing) []core.Sent {
			results := s.box.take(ctx, events)
			results[0].Response = "\xc3"
			return results
		}),
	},
	{
		"connects when it is opened", "failure/a destination that is away is opened all the same", "Open: the box is away",
		func(m *mailboxes) {
			m.open = func(_ context.Context, s *slot) error {
				return s.box.take(context.Background(), make([]core.Outgoing, 1))[0].Err
			}
		},
	},
	{
		"shows its password", "secrets/nobody reads a secret again", "what everybody may read has a secret in it",
		checks(func(_ json.RawMessage, _, to core.Destination, err error) (core.Destination, error) {
			var secret struct{ Password string }
			_ = json.Unmarshal(to.Secrets, &secret)
			to.Settings = json.RawMessage(strings.Replace(string(to.Settings), masked, secret.Password, 1))
			return to, err
		}),
	},
	{
		"forgets a password that is not given", "secrets/a secret that is not given stays", "do not stay",
		checks(func(given json.RawMessage, _, to core.Destination, err error) (core.Destination, error) {
			if !strings.Contains(string(given), "password") {
				to.Secrets = nil
			}
			return to, err
		}),
	},
	{
		"takes what it does not know", "check/an unknown field is refused by its name", "the answer is <nil>",
		checks(func(_ json.RawMessage, former, to core.Destination, err error) (core.Destination, error) {
			if err != nil && strings.Contains(err.Error(), "known") {
				return former, nil
			}
			return to, err
		}),
	},
	{
		"names another field", "check/a value of the wrong kind is refused by its field's name", "not url",
		checks(func(_ json.RawMessage, _, to core.Destination, err error) (core.Destination, error) {
			if err != nil {
				err = core.Invalid("body", "is wrong")
			}
			return to, err
		}),
	},
	{
		"takes a password in a URL", "check/a URL has no credentials, and is one", "the answer is <nil>",
		checks(func(given json.RawMessage, former, to core.Destination, err error) (core.Destination, error) {
			if strings.Contains(string(given), "@") {
				return former, nil
			}
			return to, err
		}),
	},
	{
		"takes a mask for a password", "check/what is read can be sent back", "changes the secrets",
		checks(func(given json.RawMessage, _, to core.Destination, err error) (core.Destination, error) {
			if strings.Contains(string(given), masked) {
				to.Secrets = json.RawMessage(`{"password":"` + masked + `"}`)
			}
			return to, err
		}),
	},
	{
		"ends with the context of its opening", "life/a sink outlives the context it was opened in", "was not sent",
		func(m *mailboxes) {
			m.open = func(ctx context.Context, s *slot) error {
				s.send = func(_ context.Context, events []core.Outgoing) []core.Sent { return s.box.take(ctx, events) }
				return nil
			}
		},
	},
	{
		"cannot be closed", "life/a closed sink leaves what has arrived", "Close: stuck",
		func(m *mailboxes) {
			m.wrap = func(sink core.Sink) core.Sink {
				sink.(*slot).closed = func() error { return errors.New("stuck") }
				return sink
			}
		},
	},
	{
		"wants batches of nothing", "life/a sink's traits make sense and stay", "nobody can keep to",
		func(m *mailboxes) {
			m.wrap = func(sink core.Sink) core.Sink {
				sink.(*slot).traits = core.SinkTraits{Batch: -1, Parallel: 1}
				return sink
			}
		},
	},
}
