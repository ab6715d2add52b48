package process

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// destinations knows all types of destinations, and seals what is secret of each.
type destinations struct {
	connectors map[string]core.Connector
	sealer     *core.Sealer
	streams    *eventlog.Streams
	ingest     *eventlog.Ingest
	watch      func(destination string, from core.Origin, sink core.Sink) core.Sink
}

// typeStream is the destination that this package has itself.
const typeStream = "stream"

// check reads what somebody says about a destination. former is the one it replaces,
// with its secrets open. The answer has its secrets open, too.
func (d *destinations) check(ctx context.Context, who core.Principal, given json.RawMessage, former core.Destination) (core.Destination, error) {
	var none core.Destination
	if len(given) > core.MaxDestinationBytes {
		return none, core.Invalid("destination", "must have at most %d bytes", core.MaxDestinationBytes)
	}
	kind, rest, err := d.split(given)
	if err != nil {
		return none, err
	}
	if former.Type != kind {
		former = core.Destination{Type: kind}
	}
	if kind == typeStream {
		return d.checkStream(ctx, who, rest)
	}
	to, err := d.connectors[kind].Check(rest, former)
	if err != nil {
		return none, core.Under(err, "destination.")
	}
	to.Type = kind
	return to, nil
}

// split takes the type out of what somebody says about a destination.
func (d *destinations) split(given json.RawMessage) (kind string, rest json.RawMessage, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(given, &fields); err != nil || fields == nil {
		return "", nil, core.Invalid("destination", `is required: an object like {"type":"webhook","url":"https://…"}`)
	}
	if err := eventjson.ValidJSON(given); err != nil {
		return "", nil, core.Under(err, "destination.")
	}
	if json.Unmarshal(fields["type"], &kind) != nil || kind != typeStream && d.connectors[kind] == nil {
		return "", nil, core.Invalid("destination.type", "must be one of: %s", strings.Join(d.types(), ", "))
	}
	delete(fields, "type")
	rest, err = json.Marshal(fields)
	return kind, rest, err
}

// types names the destinations there are.
func (d *destinations) types() []string {
	all := append(slices.Collect(maps.Keys(d.connectors)), typeStream)
	slices.Sort(all)
	return all
}

// sealed returns the destination as it is stored.
func (d *destinations) sealed(to core.Destination, processor core.ID) core.Destination {
	if len(to.Secrets) > 0 {
		to.Secrets = d.sealer.Seal(to.Secrets, aboutProcessor(processor))
	}
	return to
}

// opened returns a stored destination with its secrets open.
func (d *destinations) opened(to core.Destination, processor core.ID) (core.Destination, error) {
	if len(to.Secrets) == 0 {
		return to, nil
	}
	plain, err := d.sealer.Open(to.Secrets, aboutProcessor(processor))
	to.Secrets = plain
	return to, err
}

func aboutProcessor(id core.ID) []byte { return []byte("processor " + id.String()) }

// open returns the sink of a stored processor.
func (d *destinations) open(ctx context.Context, p *core.Processor) (core.Sink, error) {
	from := core.Origin{Org: p.Org, Stream: p.Stream, Processor: p.ID, ProcessorName: p.Name}
	sink, err := d.openUnwatched(ctx, p, from)
	if err != nil || d.watch == nil {
		return sink, err
	}
	return d.watch(p.Destination.Type, from, sink), nil
}

func (d *destinations) openUnwatched(ctx context.Context, p *core.Processor, from core.Origin) (core.Sink, error) {
	to, err := d.opened(p.Destination, p.ID)
	if err != nil {
		return nil, err
	}
	if to.Type == typeStream {
		return d.openStream(p, to)
	}
	connector := d.connectors[to.Type]
	if connector == nil {
		return nil, core.Invalid("destination.type", "this server knows no destination of the type %q", to.Type)
	}
	switch stream, err := d.streams.Find(ctx, p.Org, p.Stream.String()); {
	case err == nil:
		from.StreamName = stream.Name
	case !core.IsNotFound(err): // the name is part of what some sinks write
		return nil, core.StoreFailed(err)
	}
	return connector.Open(ctx, to, from)
}

// newSecret returns the secret that a connector has made by itself: one that is in the
// destination and was not given.
func newSecret(given json.RawMessage, former, to core.Destination) string {
	var said, before, now struct {
		Secret string `json:"secret"`
	}
	_ = json.Unmarshal(given, &said)
	_ = json.Unmarshal(former.Secrets, &before)
	if json.Unmarshal(to.Secrets, &now) != nil || now.Secret == said.Secret || now.Secret == before.Secret {
		return ""
	}
	return now.Secret
}
