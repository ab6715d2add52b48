package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// kept is a trace of this server, with the header that names it.
type kept string

func (kept) Context(ctx context.Context) context.Context { return ctx }
func (k kept) Header() string                            { return string(k) }
func (kept) Delivered(*core.Delivery)                    {}
func (kept) Settles(core.ID)                             {}
func (kept) End(int, core.ID, string)                    {}

// Whoever measures requests is told the trace in which one can be found: the server's own,
// if it keeps one, and else the client's.
func TestTheTraceThatIsKeptIsObserved(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
	observed, traces := make(chan string, 9), make(chan server.Trace, 9)
	f := start(t, func(o *server.Options, _ *fixture) {
		o.Observe = func(_, _ string, _ int, _ time.Duration, trace string) { observed <- trace }
		o.Trace = func(string, string, string, string, time.Time) server.Trace { return <-traces }
	})
	for _, c := range []struct {
		trace server.Trace
		want  string
	}{
		{kept(own + "1"), "0af7651916cd43dd8448eb211c80319c"},
		{kept(own + "0"), ""},
		{kept(""), "4bf92f3577b34da6a3ce929d0e0e4736"},
		{nil, "4bf92f3577b34da6a3ce929d0e0e4736"},
	} {
		traces <- c.trace
		f.do("POST", ordersEvents, strings.NewReader(event("1")), "Traceparent: "+parent)
		require.Equal(t, c.want, <-observed)
	}
}
