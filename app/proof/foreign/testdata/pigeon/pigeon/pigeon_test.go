package pigeon_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"example.com/pigeon/pigeon"

	"github.com/eventflow-go/eventflow/app"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/sinktest"
)

// loft is where pigeons arrive.
type loft struct {
	mu      sync.Mutex
	arrived []sinktest.Arrival
	refused []core.ID
}

func (l *loft) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go l.take(conn)
	}
}

func (l *loft) take(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 16<<20)
	if !lines.Scan() || lines.Text() != "letmein" {
		return
	}
	for lines.Scan() {
		var line pigeon.Line
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			return
		}
		l.mu.Lock()
		answer := pigeon.Ok
		if slices.Contains(l.refused, line.ID) {
			answer = "no"
		} else {
			l.arrived = append(l.arrived, sinktest.Arrival{ID: line.ID, Payload: line.Payload})
		}
		l.mu.Unlock()
		fmt.Fprintln(conn, answer)
	}
}

func TestSinks(t *testing.T) {
	dial := (&net.Dialer{}).DialContext
	sinktest.Run(t, sinktest.Target{
		Type: pigeon.Type, Connector: pigeon.New(app.Outside{Dial: dial}), Secrets: []string{"password"},
		Refused: []sinktest.Refusal{{Name: "no port", Given: `{"loft":"example.com"}`, Field: "loft"}},
		Start: func(t *testing.T) sinktest.Receiver {
			listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			l := &loft{}
			go l.serve(listener)
			gate := sinktest.NewGate(t, listener.Addr().String())
			return sinktest.Receiver{
				Settings: fmt.Appendf(nil, `{"loft":%q,"password":"letmein"}`, gate.Addr()),
				Arrived: func() []sinktest.Arrival {
					l.mu.Lock()
					defer l.mu.Unlock()
					return slices.Clone(l.arrived)
				},
				Away: gate.Away, Stall: gate.Stall,
				Refuse: func(ids ...core.ID) {
					l.mu.Lock()
					defer l.mu.Unlock()
					l.refused = ids
				},
			}
		},
	})
}
