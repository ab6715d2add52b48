package main

import (
	"encoding/json"
	"slices"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// operation is what the routes do not say about themselves.
type operation struct {
	// body is of the type of the request's body, and example is one as JSON. Other media that
	// are taken are media.
	body     any
	example  string
	optional bool
	media    []string
	// query and headers name parameters.
	query, headers []string
	// answers are of the types of the answers' bodies, nil for none. also are other media in
	// which a success is answered to whoever asks for them.
	answers map[int]any
	also    []string
	// errors are the refusals beside those that every operation of its kind has. batch says
	// that a refusal may tell of each event.
	errors []core.Code
	batch  bool
	// revised says that the answer has an entity tag, on which a change may depend.
	revised, located bool
	// more follows the summary.
	more string
}

// BatchProblem is a refusal of a whole batch. It may say what became of each event, as a
// BatchResult does.
type BatchProblem struct {
	rest.Problem
	Accepted    *int             `json:"accepted,omitempty"`
	Rejected    *int             `json:"rejected,omitempty"`
	Quarantined *int             `json:"quarantined,omitempty"`
	Results     []rest.BatchItem `json:"results,omitempty"`
}

// Quarantined is an event that its stream's schema refused. It is kept apart, with the
// reasons, until somebody mends it, discards it, or the stream's retention removes it.
type Quarantined struct {
	core.Quarantined
	// Event is what was sent, and `received_at` when.
	Event QuarantinedEvent `json:"event"`
}

// QuarantinedEvent is an event that is in no stream, so it has no id and no offset.
type QuarantinedEvent struct {
	core.Event
	ID     *never `json:"event_id"`
	Offset *never `json:"offset"`
}

// never is the type of a member that an answer does not have, although JSON would have it of
// an embedded struct.
type never struct{}

// either is one of several types.
type either []any

type answers = map[int]any

var (
	pages       = []string{"cursor", "limit"}
	filters     = []string{"type", "source", "subject", "from", "to", "after", "order", "payload.<path>"}
	events      = append(slices.Clip(filters), pages...)
	exports     = append(slices.Clip(filters), "format", "bom")
	one         = []string{rest.HeaderIdempotencyKey, "traceparent"}
	ingest      = []core.Code{core.CodeSchemaMismatch, core.CodeConflict, core.CodeIdempotencyMismatch, core.CodeStorageFull}
	conflict    = []core.Code{core.CodeConflict}
	missing     = []core.Code{core.CodeNotFound}
	passwords   = []core.Code{core.CodeUnauthorized}
	links       = []core.Code{core.CodeUnauthorized, core.CodeForbidden, core.CodeNotFound, core.CodeConflict}
	lastPage    = "There is one page."
	shownOnce   = "The secret is in this answer only."
	newEvent    = `{"event_type":"order.paid","payload":{"order":4711,"total":49.9},"subject":"customer-17"}`
	newBatch    = `[{"event_type":"order.paid","payload":{"order":4712}},{"event_type":"order.sent","payload":{"order":4712}}]`
	anEvent     = `{"event_type":"order.paid","stream":"orders","payload":{"order":4713}}`
	aBatch      = `[{"event_type":"order.paid","stream":"orders","payload":{"order":4714}}]`
	aSchema     = `{"type":"object","required":["order"],"properties":{"order":{"type":"integer"}}}`
	leaseID     = `"lease":"{lease}"`
	batchMedia  = []string{rest.TypeNDJSON, cloudevents.TypeBatch}
	eventMedia  = []string{cloudevents.TypeEvent}
	tailQuery   = []string{"type", "source", "subject", "after", "max_behind"}
	exportMedia = []string{rest.TypeNDJSON, "text/csv"}
)

// operations are all there are, by route.
var operations = map[string]operation{
	"GET /":                                {answers: answers{200: rest.Root{}}, also: []string{"text/html"}},
	"GET /livez":                           {answers: answers{200: alive{}}},
	"GET /readyz":                          {answers: answers{200: rest.Health{}, 503: rest.Health{}}},
	"GET /metrics":                         {answers: answers{200: nil}, also: []string{"text/plain"}, errors: []core.Code{core.CodeUnauthorized, core.CodeNotFound}},
	"GET /openapi.json":                    {answers: answers{200: map[string]any{}}},
	"GET /docs":                            {answers: answers{200: nil}, also: []string{"text/html"}},
	"GET " + rest.Prefix + "/health":       {answers: answers{200: rest.Health{}, 503: rest.Health{}}},
	"GET " + rest.Prefix + "/health/ready": {answers: answers{200: rest.Health{}, 503: rest.Health{}}},
	"GET " + rest.Prefix + "/health/live":  {answers: answers{200: alive{}}},

	"POST " + streamPath + "/events": {
		body: rest.NewEvent{}, example: newEvent, media: eventMedia, headers: one, errors: ingest, answers: answers{202: core.Receipt{}},
		more: "The answer comes when the event is durable. CloudEvents are taken, too, structured or in headers.",
	},
	"POST " + streamPath + "/events/batch": {
		body: []rest.NewEvent{}, example: newBatch, media: batchMedia, errors: ingest, batch: true,
		answers: answers{202: rest.BatchResult{}, 207: rest.BatchResult{}, 400: rest.BatchResult{}},
		more:    "A batch has up to 10,000 events or 16 MiB, as a JSON array or as lines, and may be packed with gzip. The answer has a result for each event: 202 when all were accepted, 207 when some were or are kept in quarantine, 400 when none was.",
	},
	"POST " + rest.EventsPath: {
		body: rest.NewEvent{}, example: anEvent, media: eventMedia, headers: one, errors: append(ingest, core.CodeNotFound),
		answers: answers{202: core.Receipt{}},
		more:    "The event names its `stream`, or goes to the default stream of the key.",
	},
	"POST " + rest.EventsPath + "/batch": {
		body: []rest.NewEvent{}, example: aBatch, media: batchMedia, errors: append(ingest, core.CodeNotFound), batch: true,
		answers: answers{202: rest.BatchResult{}, 207: rest.BatchResult{}, 400: rest.BatchResult{}},
		more:    "Each event names its `stream`, or goes to the default stream of the key.",
	},
	"POST " + streamPath + "/validate": {
		body: rest.NewEvent{}, example: newEvent, media: eventMedia, headers: one, errors: ingest, answers: answers{200: rest.Validity{}},
	},

	"GET " + streamPath + "/events":        {query: events, answers: answers{200: rest.List[core.Event]{}}, also: []string{cloudevents.TypeBatch}},
	"GET " + streamPath + "/events/export": {query: exports, answers: answers{200: nil}, also: exportMedia},
	"GET " + streamPath + "/events/live": {
		query: tailQuery, headers: []string{"Last-Event-ID"},
		answers: answers{200: nil}, also: []string{rest.TypeEventStream}, more: "Coming back with `Last-Event-ID` goes on after that event.",
	},
	"GET " + streamPath + "/events/{event_id}": {answers: answers{200: core.Event{}}, also: eventMedia},
	"GET " + rest.EventsPath: {
		query: append(slices.Clip(events), rest.PartialParameter), answers: answers{200: rest.AllEvents{}}, also: []string{cloudevents.TypeBatch},
	},
	"GET " + rest.EventsPath + "/export":           {query: exports, answers: answers{200: nil}, also: exportMedia},
	"GET " + rest.EventsPath + "/{event_id}/trace": {answers: answers{200: core.EventTrace{}}},

	"GET " + rest.AllGroupsPath: {query: pages, answers: answers{200: rest.List[core.GroupOverview]{}}},
	"GET " + groupsPath:         {answers: answers{200: rest.List[core.Group]{}}, more: lastPage},
	"POST " + groupsPath: {
		body: core.GroupSpec{}, example: `{"name":"mail","mode":"shared","start":"start"}`, errors: conflict,
		answers: answers{201: core.Group{}}, revised: true, located: true,
	},
	"GET " + groupPath: {answers: answers{200: rest.GroupWithStatus{}}, revised: true},
	"PATCH " + groupPath: {
		body: core.GroupChange{}, example: `{"max_attempts":8}`, errors: conflict,
		answers: answers{200: core.Group{}}, revised: true,
	},
	"DELETE " + groupPath:          {errors: conflict, answers: answers{204: nil}, revised: true},
	"GET " + groupPath + "/lag":    {answers: answers{200: core.GroupStatus{}}},
	"POST " + groupPath + "/reset": {body: rest.ResetRequest{}, example: `{"to":"start"}`, errors: conflict, answers: answers{200: rest.ResetAnswer{}}},
	"GET " + groupPath + "/events": {
		query: []string{"limit", "timeout"}, errors: conflict,
		answers: answers{200: rest.Delivery{}}, also: []string{cloudevents.TypeBatch},
	},
	"POST " + groupPath + "/offsets": {body: rest.CommitRequest{}, example: `{"offset":0}`, errors: conflict, answers: answers{200: rest.Committed{}}},
	"POST " + groupPath + "/ack":     {body: rest.AckRequest{}, example: `{` + leaseID + `,"offsets":[{offset}]}`, errors: conflict, answers: answers{204: nil}},
	"POST " + groupPath + "/nack": {
		body: rest.NackRequest{}, example: `{` + leaseID + `,"events":[{"offset":{offset},"action":"retry","reason":"no stock"}]}`,
		errors: conflict, answers: answers{204: nil},
	},
	"POST " + groupPath + "/extend": {
		body: rest.ExtendRequest{}, example: `{` + leaseID + `,"visibility":60}`, errors: conflict,
		answers: answers{200: rest.Extended{}},
	},

	"GET " + rest.AllProcessorsPath: {query: pages, answers: answers{200: rest.List[core.ProcessorOverview]{}}},
	"GET " + processorsPath:         {answers: answers{200: rest.List[core.ProcessorOverview]{}}, more: lastPage},
	"POST " + processorsPath: {
		body: core.ProcessorSpec{}, example: `{"name":"big-orders","filter":"payload.total > 40.0","destination":{"type":"log"}}`, errors: conflict,
		answers: answers{201: core.CreatedProcessor{}}, revised: true, located: true, more: shownOnce,
	},
	"POST " + processorsPath + "/test": {
		body: core.TrialSpec{}, example: `{"filter":"payload.total > 40.0","last":5}`,
		answers: answers{200: rest.List[core.Trial]{}},
	},
	"GET " + processorPath: {answers: answers{200: core.ProcessorOverview{}}, revised: true},
	"PATCH " + processorPath: {
		body: core.ProcessorChange{}, example: `{"filter":""}`, errors: conflict,
		answers: answers{200: core.CreatedProcessor{}}, revised: true,
	},
	"DELETE " + processorPath:           {errors: conflict, answers: answers{204: nil}, revised: true},
	"POST " + processorPath + "/pause":  {errors: conflict, answers: answers{200: core.Processor{}}},
	"POST " + processorPath + "/resume": {errors: conflict, answers: answers{200: core.Processor{}}},
	"POST " + processorPath + "/test":   {body: rest.TrialRequest{}, example: `{"last":5}`, answers: answers{200: rest.List[core.Trial]{}}},
	"POST " + processorPath + "/rotate-secret": {
		body: rest.RotateSecretRequest{}, example: `{"grace":3600}`, errors: conflict, answers: answers{200: core.CreatedProcessor{}}, more: shownOnce,
	},
	"POST " + processorPath + "/send-test": {errors: conflict, answers: answers{200: core.DeliveryAttempt{}}},
	"POST " + processorPath + "/recover": {
		body: rest.RecoverRequest{}, example: `{"since":"2026-01-31T12:00:00Z"}`, errors: conflict, answers: answers{202: core.Replay{}}, located: true,
	},
	"GET " + processorPath + "/deliveries":         {query: append(pages, "outcome"), answers: answers{200: rest.List[core.DeliveryAttempt]{}}},
	"POST " + rest.DeliveriesPath + "/{id}/resend": {errors: conflict, answers: answers{200: core.DeliveryAttempt{}}},

	"GET " + rest.DeadLettersPath: {
		query: append(pages, "stream", "group", "reason", "event type", "letter state"), errors: missing,
		answers: answers{200: rest.List[core.DeadLetter]{}},
	},
	"GET " + rest.DeadLettersPath + "/counts": {
		query: []string{"stream", "group", "reason", "event type", "letter state"}, errors: missing,
		answers: answers{200: rest.List[core.LetterCount]{}}, more: lastPage,
	},
	"POST " + rest.DeadLettersPath + "/replay": {
		body: rest.ReplayRequest{}, example: `{"stream":"orders","group":"mail","rate":10}`, errors: append(conflict, core.CodeNotFound),
		answers: answers{200: rest.ReplayCount{}, 202: core.Replay{}}, more: "A dry run is answered 200, with the count. A replay also ends within two seconds when whoever started it may not do so any more.",
	},
	"GET " + rest.ReplaysPath:                 {query: append(pages, "replay state"), answers: answers{200: rest.List[core.Replay]{}}},
	"GET " + rest.ReplaysPath + "/{id}":       {answers: answers{200: core.Replay{}}},
	"POST " + rest.ReplaysPath + "/{id}/stop": {answers: answers{200: core.Replay{}}},
	"GET " + letterPath:                       {answers: answers{200: core.DeadLetter{}}},
	"POST " + letterPath + "/replay": {
		body: letterReplay{}, example: `{"payload":{"order":4711,"total":50}}`, optional: true, errors: conflict,
		answers: answers{200: core.DeadLetter{}},
	},
	"POST " + letterPath + "/discard": {errors: conflict, answers: answers{204: nil}},

	"POST " + rest.AuthPath + "/login": {
		body: rest.LoginRequest{}, example: `{"email":"ann@example.com","password":"Correct-Horse-9","want_refresh_token":true}`, errors: append(passwords, core.CodeForbidden, core.CodeNotFound),
		answers: answers{200: rest.SignedIn{}},
	},
	"POST " + rest.AuthPath + "/setup":  {body: rest.SetupRequest{}, errors: links, answers: answers{200: rest.SignedIn{}}},
	"POST " + rest.AuthPath + "/link":   {body: rest.LinkRequest{}, errors: links, answers: answers{204: nil}},
	"POST " + rest.AuthPath + "/accept": {body: rest.AcceptRequest{}, errors: links, answers: answers{200: rest.SignedIn{}}},
	"POST " + rest.AuthPath + "/refresh": {
		body: rest.RefreshRequest{}, example: `{"refresh_token":"{refresh}","want_refresh_token":true}`, errors: append(passwords, core.CodeForbidden),
		answers: answers{200: rest.SignedIn{}},
	},
	"POST " + rest.AuthPath + "/switch": {
		body: rest.SwitchRequest{}, errors: append(passwords, core.CodeForbidden, core.CodeNotFound),
		answers: answers{200: rest.SignedIn{}},
	},
	"POST " + rest.AuthPath + "/logout": {
		body: rest.RefreshRequest{}, optional: true, errors: []core.Code{core.CodeForbidden, core.CodeUnauthorized},
		answers: answers{204: nil},
	},
	"POST " + rest.AuthPath + "/password/forgot": {
		body: rest.ForgotRequest{}, example: `{"email":"ann@example.com"}`, errors: []core.Code{core.CodeNotFound, core.CodeConflict},
		answers: answers{202: nil},
	},
	"POST " + rest.AuthPath + "/password/reset": {body: rest.ResetPasswordRequest{}, errors: links, answers: answers{204: nil}},
	"POST " + rest.AuthPath + "/password":       {body: rest.PasswordChange{}, errors: conflict, answers: answers{204: nil}},
	"GET " + rest.AuthPath + "/me":              {answers: answers{200: rest.Me{}}},
	"GET " + rest.SessionsPath:                  {answers: answers{200: rest.List[rest.Session]{}}, more: lastPage},
	"POST " + rest.SessionsPath + "/end": {
		body: rest.SessionEnd{}, errors: []core.Code{core.CodeNotFound, core.CodeConflict},
		answers: answers{204: nil},
	},

	"GET " + rest.UsersPath: {query: pages, answers: answers{200: rest.List[core.User]{}}},
	"POST " + rest.UsersPath: {
		body: rest.InviteRequest{}, example: `{"email":"ben@example.com","name":"Ben","role":"developer"}`, errors: conflict,
		answers: answers{201: rest.Invited{}}, located: true,
	},
	"GET " + rest.UsersPath + "/{id}": {answers: answers{200: core.User{}}, revised: true},
	"PATCH " + rest.UsersPath + "/{id}": {
		body: core.UserChange{}, example: `{"role":"viewer"}`, query: []string{"keys"}, errors: conflict,
		answers: answers{200: rest.ChangedUser{}}, revised: true,
	},
	"DELETE " + rest.UsersPath + "/{id}": {
		query: []string{"keys"}, errors: conflict,
		answers: answers{200: rest.KeysLeft{}, 204: nil}, revised: true,
	},
	"GET " + rest.UsersPath + "/{id}/keys":          {query: []string{"role"}, answers: answers{200: rest.KeysLeft{}}},
	"POST " + rest.UsersPath + "/{id}/invitation":   {errors: conflict, answers: answers{200: rest.Invited{}}},
	"POST " + rest.UsersPath + "/{id}/sessions/end": {errors: conflict, answers: answers{204: nil}},
	"POST " + rest.OrganizationsPath: {
		body: rest.OrganizationRequest{}, example: `{"name":"acme"}`, errors: conflict,
		answers: answers{201: rest.OrganizationCreated{}},
	},
	"GET " + rest.OrganizationPath:   {answers: answers{200: core.Organization{}}},
	"PATCH " + rest.OrganizationPath: {body: rest.OrganizationChange{}, example: `{"name":"acme"}`, answers: answers{200: core.Organization{}}},
	"GET " + rest.UsagePath:          {answers: answers{200: core.Usage{}}},
	"GET " + rest.SummaryPath:        {query: []string{rest.PartialParameter}, answers: answers{200: core.Summary{}}},
	"GET " + rest.SystemPath:         {answers: answers{200: rest.System{}}, errors: []core.Code{core.CodeNotFound}},
	"GET " + rest.RolesPath:          {answers: answers{200: rest.Roles{}}},
	"GET " + rest.AuditPath:          {query: events, answers: answers{200: rest.List[core.Event]{}}},

	"GET " + rest.APIKeysPath: {query: append(pages, "created_by"), answers: answers{200: rest.List[core.APIKey]{}}},
	"POST " + rest.APIKeysPath: {
		body: core.KeyRequest{}, example: `{"label":"shop","environment":"test","streams":["orders"]}`, errors: append(conflict, core.CodeNotFound),
		answers: answers{201: rest.KeyWithSecret{}}, located: true, more: shownOnce,
	},
	"GET " + rest.APIKeysPath + "/{id}": {answers: answers{200: core.APIKey{}}},
	"POST " + rest.APIKeysPath + "/{id}/rotate": {
		body: rest.RotateRequest{}, example: `{"grace":3600}`, optional: true, errors: conflict,
		answers: answers{200: rest.KeyWithSecret{}},
	},
	"GET " + rest.APIKeysPath + "/{id}/children": {answers: answers{200: rest.KeysLeft{}}},
	"DELETE " + rest.APIKeysPath + "/{id}":       {query: []string{"children"}, answers: answers{204: nil}},
	"GET " + rest.ServiceTokensPath:              {query: append(pages, "created_by"), answers: answers{200: rest.List[core.APIKey]{}}},
	"POST " + rest.ServiceTokensPath: {
		body: core.KeyRequest{}, example: `{"label":"mailer","streams":["orders"]}`, errors: append(conflict, core.CodeNotFound),
		answers: answers{201: rest.KeyWithSecret{}}, located: true, more: shownOnce,
	},
	"GET " + rest.ServiceTokensPath + "/{id}": {answers: answers{200: core.APIKey{}}},
	"POST " + rest.ServiceTokensPath + "/{id}/rotate": {
		body: rest.RotateRequest{}, example: `{"grace":3600}`, optional: true, errors: conflict,
		answers: answers{200: rest.KeyWithSecret{}},
	},
	"GET " + rest.ServiceTokensPath + "/{id}/children": {answers: answers{200: rest.KeysLeft{}}},
	"DELETE " + rest.ServiceTokensPath + "/{id}":       {query: []string{"children"}, answers: answers{204: nil}},

	"POST " + rest.Prefix + "/in/{token}": {
		body: map[string]any{}, example: `{"type":"order.paid","order":4711}`, media: []string{rest.TypeForm},
		errors:  append(ingest, core.CodeUnauthorized, core.CodeForbidden, core.CodeNotFound),
		answers: answers{200: map[string]any{}, 202: rest.Taken{}}, more: "The token in the path is the credential; the sender's signature is checked as the source says.",
	},
	"GET " + rest.SourcesPath: {query: pages, answers: answers{200: rest.List[core.Source]{}}},
	"POST " + rest.SourcesPath: {
		body: core.SourceSpec{}, example: `{"name":"github","stream":"orders","preset":"github","secret":"it-is-shared-with-github"}`, errors: append(conflict, core.CodeNotFound),
		answers: answers{201: rest.SourceWithToken{}}, revised: true, located: true,
	},
	"GET " + rest.SourcesPath + "/{id}": {answers: answers{200: core.Source{}}, revised: true},
	"PATCH " + rest.SourcesPath + "/{id}": {
		body: core.SourceChange{}, example: `{"state":"paused"}`, errors: conflict,
		answers: answers{200: core.Source{}}, revised: true,
	},
	"DELETE " + rest.SourcesPath + "/{id}":       {answers: answers{204: nil}, revised: true},
	"POST " + rest.SourcesPath + "/{id}/rotate":  {answers: answers{200: rest.SourceWithToken{}}, revised: true},
	"GET " + rest.SourcesPath + "/{id}/refusals": {answers: answers{200: rest.List[core.SourceRefusal]{}}, more: lastPage},

	"GET " + rest.StreamsPath: {
		query:   append(pages, "prefix", "stats"),
		answers: answers{200: either{rest.List[core.Stream]{}, rest.List[core.StreamOverview]{}}},
	},
	"POST " + rest.StreamsPath: {
		body: core.StreamSpec{}, example: `{"name":"orders","description":"What customers buy","retention_days":30}`,
		errors: append(conflict, core.CodeStorageFull), answers: answers{201: core.Stream{}}, revised: true, located: true,
	},
	"GET " + streamPath: {answers: answers{200: core.Stream{}}, revised: true},
	"PATCH " + streamPath: {
		body: core.StreamChange{}, example: `{"retention_days":60}`, errors: conflict,
		answers: answers{200: core.Stream{}}, revised: true,
	},
	"DELETE " + streamPath: {errors: conflict, answers: answers{204: nil}, revised: true},
	"POST " + streamPath + "/move": {
		body: rest.StreamMove{}, example: `{"shard":0}`, errors: conflict, answers: answers{202: core.Stream{}}, revised: true,
	},
	"GET " + streamPath + "/stats":     {answers: answers{200: core.StreamStats{}}},
	"GET " + streamPath + "/retention": {answers: answers{200: core.StreamRetention{}}},
	"GET " + streamPath + "/histogram": {query: []string{"from", "to", "buckets"}, answers: answers{200: core.Histogram{}}},

	"GET " + streamPath + "/schemas": {query: append(pages, "event_type"), answers: answers{200: rest.List[core.SchemaVersion]{}}},
	"POST " + streamPath + "/schemas": {
		body: core.SchemaSpec{}, example: `{"event_type":"order.paid","schema":` + aSchema + `}`, errors: conflict,
		answers: answers{200: core.SchemaVersion{}, 201: core.SchemaVersion{}}, located: true,
	},
	"POST " + streamPath + "/schemas/check": {
		body: core.SchemaTrial{}, example: `{"event_type":"order.paid","schema":` + aSchema + `}`, errors: conflict,
		answers: answers{200: core.SchemaVerdict{}},
	},
	"POST " + streamPath + "/schemas/infer": {
		body: core.SchemaSamples{}, example: `{"event_type":"order.paid","last":100}`, errors: conflict,
		answers: answers{200: core.InferredSchema{}},
	},
	"GET " + streamPath + "/schemas/{type}/{version}": {answers: answers{200: core.SchemaVersion{}}},
	"GET " + streamPath + "/quarantine":               {query: append(pages, "event_type"), answers: answers{200: rest.List[Quarantined]{}}},
	"GET " + streamPath + "/quarantine/{id}":          {answers: answers{200: Quarantined{}}},
	"POST " + streamPath + "/quarantine/{id}/ingest": {
		body: core.Mend{}, example: `{"payload":{"order":4711}}`, errors: ingest,
		answers: answers{202: core.Receipt{}},
	},
	"POST " + streamPath + "/quarantine/{id}/discard": {answers: answers{204: nil}},
}

const (
	streamPath     = rest.StreamsPath + "/{stream}"
	groupsPath     = streamPath + "/consumer-groups"
	groupPath      = groupsPath + "/{group}"
	processorsPath = streamPath + "/processors"
	processorPath  = processorsPath + "/{processor}"
	letterPath     = rest.DeadLettersPath + "/{id}"
)

// alive is the answer that the process answers.
type alive struct {
	Status string `json:"status"`
}

// letterReplay may have another payload for the event.
type letterReplay struct {
	Payload json.RawMessage `json:"payload"`
}
