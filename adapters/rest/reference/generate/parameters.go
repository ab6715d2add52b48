package main

import (
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/core"
)

func text() *reference.Schema { return &reference.Schema{Type: "string"} }

func moment() *reference.Schema { return &reference.Schema{Type: "string", Format: "date-time"} }

func choice(of ...string) *reference.Schema { return &reference.Schema{Type: "string", Enum: of} }

func whole(least, most int) *reference.Schema {
	schema := &reference.Schema{Type: "integer", Minimum: new(float64(least))}
	if most > 0 {
		schema.Maximum = new(float64(most))
	}
	return schema
}

// parameters are those of the address, by what operations call them. Where two mean something
// else by one name, the operations call them otherwise.
var parameters = map[string]reference.Parameter{
	"cursor":       {Description: "The `next_cursor` of the page before.", Schema: text()},
	"limit":        {Description: "How many items, or events, at most. The default is 50 for lists and 100 for a poll.", Schema: whole(1, core.MaxPageSize)},
	"type":         {Description: "The `event_type` of the events.", Schema: text()},
	"source":       {Description: "The `source` of the events.", Schema: text()},
	"subject":      {Description: "The `subject` of the events.", Schema: text()},
	"from":         {Description: "Received at this time or later.", Schema: moment()},
	"to":           {Description: "Received before this time.", Schema: moment()},
	"after":        {Description: "Only what is behind this offset; -1 is before all events. For one stream only.", Schema: whole(-1, 0)},
	"order":        {Description: "Oldest first, or newest first. The default is asc.", Schema: choice("asc", "desc")},
	"format":       {Description: "The default is ndjson.", Schema: choice(rest.FormatNDJSON, rest.FormatCSV)},
	"bom":          {Description: "With a byte order mark, which spreadsheets want. For CSV only.", Schema: choice("true", "false")},
	"max_behind":   {Description: "Events are left out if the reader is further behind than so many.", Schema: whole(1, 0)},
	"timeout":      {Description: "How many seconds to wait for the first event.", Schema: &reference.Schema{Type: "number", Minimum: new(0.0), Maximum: new(core.MaxPollWait.Seconds())}},
	"outcome":      {Description: "What became of the attempts.", Schema: choice(string(core.Delivered), string(core.Retrying), string(core.Dead))},
	"stream":       {Description: "The id or the name of a stream.", Schema: text()},
	"group":        {Description: "The id or the name of a group. It needs its stream.", Schema: text()},
	"reason":       {Description: "Why the last attempt failed, exactly.", Schema: text()},
	"event type":   {Name: "type", Description: "The `event_type` of the events.", Schema: text()},
	"letter state": {Name: "state", Description: "Where letters are in their life.", Schema: choice(string(core.Parked), string(core.Replaying))},
	"replay state": {Name: "state", Description: "Where replays are in their life.", Schema: choice(string(core.ReplayRunning), string(core.ReplayDone), string(core.ReplayFailed), string(core.ReplayStopped))},
	"keys":         {Description: "What becomes of the keys that the user leaves. The default is keep.", Schema: choice(string(core.KeepKeys), string(core.RevokeKeys), string(core.HandOverKeys))},
	"role":         {Description: "Only keys that would be wider than the user in this role.", Schema: text()},
	"created_by":   {Description: "The id of the user or the key that made them.", Schema: &reference.Schema{Type: "string", Format: "uuid"}},
	"children":     {Description: "With all that the key has made. The default is false.", Schema: choice("true", "false")},
	"prefix":       {Description: "What the names begin with.", Schema: text()},
	"stats":        {Description: "With how much each stream holds, and how its groups keep up. The default is false.", Schema: choice("true", "false")},
	rest.PartialParameter: {
		Description: "While a shard is away: `true` asks for what the others have, and for `missing`, which says what is not in the answer. Otherwise it is 503.",
		Schema:      choice("true", "false"),
	},
	"buckets":    {Description: "In how many parts of the time events are counted.", Schema: whole(1, core.MaxHistogramBuckets), Required: true},
	"event_type": {Description: "The type of the events.", Schema: text()},
	"payload.<path>": {
		Description: "The value at a path in the payload, as in `payload.customer.id=17`. Up to ten may be given.", Schema: text(),
	},
}

// headers are the headers of requests.
var headers = map[string]reference.Parameter{
	rest.HeaderIdempotencyKey: {Description: "The producer's name for the event, instead of `idempotency_key` in the body. Quoted or bare.", Schema: text()},
	"traceparent":             {Description: "The W3C trace context that the event keeps, unless its `context` has one.", Schema: text()},
	"Last-Event-ID":           {Description: "The offset of the event that was seen last. It counts more than `after`.", Schema: text()},
	"If-Match":                {Description: "The `ETag` of the revision that is meant. The request is refused with 412 if there is another one by now.", Schema: text()},
	"If-None-Match":           {Description: "The `ETag` of what the client has. The answer is 304 if it is still the same.", Schema: text()},
}

// places are the parts of paths.
var places = map[string]reference.Parameter{
	"stream":    {Description: "The id or the name of the stream.", Example: "orders"},
	"group":     {Description: "The id or the name of the consumer group.", Example: "mail"},
	"processor": {Description: "The id or the name of the processor.", Example: "big-orders"},
	"event_id":  {Description: "The id of the event.", Example: "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"},
	"id":        {Description: "The id.", Example: "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"},
	"type":      {Description: "The type of the events.", Example: "order.paid"},
	"version":   {Description: "The number of the version.", Example: "1"},
	"token":     {Description: "The secret part of the source's address.", Example: "in_6f1c…"},
}

// parametersOf are all parameters of an operation.
func parametersOf(method, path string, o operation) (all []reference.Parameter) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			place := places[strings.TrimSuffix(name, "}")]
			place.Name, place.In, place.Required, place.Schema = strings.TrimSuffix(name, "}"), "path", true, text()
			all = append(all, place)
		}
	}
	for _, name := range o.query {
		parameter := known(parameters, name)
		parameter.In = "query"
		all = append(all, parameter)
	}
	names := o.headers
	switch {
	case o.revised && (method == "PATCH" || method == "DELETE"):
		names = append(names, "If-Match")
	case o.revised && method == "GET" && !strings.HasPrefix(path, streamPath+"/"):
		names = append(names, "If-None-Match")
	}
	for _, name := range names {
		header := known(headers, name)
		header.In = "header"
		all = append(all, header)
	}
	return all
}

func known(from map[string]reference.Parameter, name string) reference.Parameter {
	parameter, ok := from[name]
	if !ok {
		panic("nothing is said about the parameter " + name)
	}
	if parameter.Name == "" {
		parameter.Name = name
	}
	return parameter
}
