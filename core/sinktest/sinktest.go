// Package sinktest is the contract of [core.Connector] and [core.Sink] in executable
// form. Every sentence is a test, named after the guarantee. An adapter in any module
// runs it:
//
//	func TestSinks(t *testing.T) {
//		sinktest.Run(t, sinktest.Target{
//			Type:      "queue",
//			Connector: queue.New(),
//			Secrets:   []string{"password"},
//			URLs:      []string{"url"},
//			Start: func(t *testing.T) sinktest.Receiver {
//				server := …
//				return sinktest.Receiver{Settings: …, Arrived: server.Arrived, Away: server.Away}
//			},
//		})
//	}
//
// It needs nothing but the standard library. A destination behind a TCP address is made
// unreachable by a [Gate].
package sinktest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/eventflow-go/eventflow/core"
)

// Target is a kind of destination under test.
type Target struct {
	// Type is the type that Check gives to destinations of this kind.
	Type string
	// Connector knows them.
	Connector core.Connector
	// Start begins a receiver in which nothing has arrived, and ends it by t.Cleanup. It
	// is called once for each guarantee, and several of them run at once.
	Start func(t *testing.T) Receiver
	// Secrets are the names of the settings that nobody may read again. Every string in
	// their values is held to be a secret.
	Secrets []string
	// URLs are the names of the settings that are URLs.
	URLs []string
	// Refused are settings that Check must refuse, besides those that the suite makes up.
	Refused []Refusal
}

// Refusal is one way of saying something wrong.
type Refusal struct {
	Name string
	// Given is a JSON object. Its members replace those of a receiver's settings, and
	// null removes one.
	Given string
	// Field is the field that the error must name.
	Field string
}

// Receiver is what a destination leads to. Its functions may be called at once.
type Receiver struct {
	// Settings are what somebody says about the destination, a JSON object without
	// `type`, with a value for each of the target's Secrets.
	Settings json.RawMessage
	// Arrived returns what has arrived, in the order of arrival. What was sent again is
	// there again, unless the destination drops it by itself.
	Arrived func() []Arrival
	// Away makes the receiver unreachable, and reachable again. It is nil for one that is
	// always there.
	Away func(away bool)
	// Stall has the receiver take requests and not answer them, until it is called with
	// false. It is nil for one that cannot.
	Stall func(stall bool)
	// Refuse makes the receiver refuse the events with these ids, with all that are in
	// one request with them where it knows no other way, and none when it is called
	// without any. It is nil for one that cannot.
	Refuse func(ids ...core.ID)
}

// Arrival is an event that has arrived.
type Arrival struct {
	ID      core.ID
	Payload json.RawMessage
}

// Run holds a kind of destination to the contract. The guarantees are parallel subtests.
func Run(t *testing.T, target Target) {
	t.Helper()
	for _, area := range []struct {
		name       string
		guarantees []guarantee
	}{{"send", sending}, {"failure", failing}, {"check", checking}, {"secrets", secrets}, {"life", living}} {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			for _, g := range area.guarantees {
				t.Run(g.name, func(t *testing.T) {
					t.Parallel()
					g.test(begin(t, target))
				})
			}
		})
	}
}

// guarantee is one sentence of the contract and its test.
type guarantee struct {
	name string
	test func(*suite)
}

// suite is one test of one guarantee.
type suite struct {
	*testing.T
	target   Target
	receiver Receiver
	// texts are the secrets in the receiver's settings.
	texts []string
	// next is the offset of the next event.
	next core.Offset
}

func begin(t *testing.T, target Target) *suite {
	t.Helper()
	s := &suite{T: t, target: target, receiver: target.Start(t)}
	given := s.given()
	for _, name := range target.Secrets {
		s.texts = append(s.texts, stringsIn(given[name])...)
	}
	if len(s.texts) < len(target.Secrets) {
		t.Fatalf("the receiver's settings lack a value for one of the secrets %v", target.Secrets)
	}
	return s
}

// given returns the members of what is said about the receiver.
func (s *suite) given() map[string]json.RawMessage {
	s.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(s.receiver.Settings, &members); err != nil {
		s.Fatalf("the receiver's settings are no JSON object: %v", err)
	}
	return members
}

// stringsIn returns the strings in a JSON value, but for the names of members.
func stringsIn(value json.RawMessage) (found []string) {
	var whole any
	_ = json.Unmarshal(value, &whole)
	var walk func(part any)
	walk = func(part any) {
		switch v := part.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, element := range v {
				walk(element)
			}
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
		}
	}
	walk(whole)
	slices.Sort(found)
	return found
}
