package inbound_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

var (
	secretNow    = []byte("the secret that the server has now......")
	secretBefore = []byte("the secret that the server had before....")
)

// desk is sources over a log and a catalog in memory.
type desk struct {
	*inbound.Sources
	rig    *coretest.Rig
	t      *testing.T
	stream core.ID
	ingest *eventlog.Ingest
	// counted are the codes of refusals.
	counted []core.Code
}

func newDesk(t *testing.T) *desk { return newDeskOver(t, nil) }

// newDeskOver returns a desk over a log, or over one in memory.
func newDeskOver(t *testing.T, log core.EventLog) *desk {
	t.Helper()
	r := coretest.NewRig(t, log)
	committer := eventlog.NewCommitter(r.Log, eventlog.CommitOptions{Now: r.Clock.Now})
	t.Cleanup(committer.Close)
	d := &desk{rig: r, t: t, stream: r.Create(core.StreamSpec{Name: "hooks"}), ingest: eventlog.NewIngest(r.Streams, committer, r.Clock.Now)}
	d.Sources = d.node(secretNow)
	return d
}

// node returns the sources as a node sees them that has these secrets.
func (d *desk) node(secrets ...[]byte) *inbound.Sources {
	return inbound.New(inbound.Ports{
		Catalog: d.rig.Catalog, Streams: d.rig.Streams, Ingest: d.ingest, Authorizer: coretest.Everything{}, Secrets: secrets,
		Refusal: func(_ core.ID, code core.Code) { d.counted = append(d.counted, code) }, Logger: slog.New(slog.DiscardHandler), Now: d.rig.Clock.Now,
	})
}

// source makes a source and returns it with its token.
func (d *desk) source(spec core.SourceSpec) (core.Source, string) {
	d.t.Helper()
	if spec.Name == "" {
		spec.Name = string(spec.Preset)
	}
	spec.Stream = "hooks"
	d.rig.Clock.Pass(time.Millisecond) // ids of one millisecond have no order
	source, token, err := d.Create(d.t.Context(), d.rig.Who, spec)
	require.NoError(d.t, err)
	return source, token
}

// headers of a request, by their names in lower case.
type headers map[string]string

func (h headers) with(name, value string) headers {
	more := headers{name: value}
	for name, value := range h {
		if _, given := more[name]; !given {
			more[name] = value
		}
	}
	return more
}

// send sends a body to the address with a token.
func (d *desk) send(token, body string, h headers) (inbound.Answer, error) {
	d.t.Helper()
	open, err := d.Find(d.t.Context(), token)
	require.NoError(d.t, err)
	lower := map[string]string{}
	for name, value := range h {
		lower[strings.ToLower(name)] = value
	}
	return d.Receive(d.t.Context(), open, inbound.Request{
		Header: func(name string) string { return lower[strings.ToLower(name)] }, Body: []byte(body),
		From: core.Visitor{Address: "192.0.2.7", UserAgent: "Sender/1.0", RequestID: "r-1"},
	})
}

// events returns all events of the stream.
func (d *desk) events() []core.Event {
	d.t.Helper()
	page, err := d.rig.Query.Events(d.t.Context(), d.rig.Who, "hooks", core.EventQuery{Limit: 100})
	require.NoError(d.t, err)
	return page.Items
}

// refused returns what a source refused.
func (d *desk) refused(source core.Source) []core.SourceRefusal {
	d.t.Helper()
	refusals, err := d.Refusals(d.t.Context(), d.rig.Who, source.ID.String())
	require.NoError(d.t, err)
	return refusals
}

// contextOf returns the context of an event.
func contextOf(t *testing.T, event core.Event) map[string]string {
	t.Helper()
	var members map[string]string
	require.NoError(t, json.Unmarshal(event.Context, &members))
	return members
}

// at sets the clock.
func (d *desk) at(seconds int64) { d.rig.Clock.Pass(time.Unix(seconds, 0).Sub(d.rig.Clock.Now())) }
