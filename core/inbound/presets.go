package inbound

import "github.com/eventflow-go/eventflow/core"

// preset is what one sender does in its own way.
type preset struct {
	// prove returns a [core.CodeUnauthorized] error unless a request is the sender's. It is
	// nil where whoever knows the address is believed.
	prove func(proof) error
	// shake answers what the sender asks before it sends. It may be nil.
	shake func(Request, []byte) (reply any, asked bool)
	// Where the fields are: at the first of several places that has something.
	types, ids, times, subjects []string
	// detail is a place whose text is appended to the type, behind a dot.
	detail string
	// headers are those that the context keeps.
	headers []string
	// wrapped is the field of a form that holds the JSON, where the sender can send forms.
	wrapped string
	// batches says that an array is several events.
	batches bool
	// idsOf is the place of what an id is unique within, besides the source. It may be empty.
	idsOf string
	// anybody says that the sender may be anybody, so one of CloudEvents, too.
	anybody bool
	// quiet says that the sender shows people what it is answered.
	quiet bool
}

// presets say of each sender where its documentation has the fields.
var presets = map[core.Preset]*preset{
	core.PresetStripe: {
		prove: byStripe, types: []string{"payload.type"}, ids: []string{"payload.id"}, times: []string{"payload.created"},
		subjects: []string{"payload.data.object.id"},
	},
	core.PresetGitHub: {
		prove: byGitHub, shake: pinged, types: []string{"header.X-GitHub-Event"}, detail: "payload.action",
		ids: []string{"header.X-GitHub-Delivery"}, subjects: []string{"payload.repository.full_name", "payload.organization.login"},
		headers: []string{"X-GitHub-Event", "X-GitHub-Delivery", "X-GitHub-Hook-ID", "X-GitHub-Hook-Installation-Target-Type", "X-GitHub-Hook-Installation-Target-ID"},
		wrapped: "payload",
	},
	core.PresetShopify: {
		prove: byShopify, types: []string{"header.X-Shopify-Topic"}, ids: []string{"header.X-Shopify-Webhook-Id"},
		times: []string{"header.X-Shopify-Triggered-At"}, subjects: []string{"payload.admin_graphql_api_id", "payload.id"},
		headers: []string{"X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-API-Version", "X-Shopify-Webhook-Id", "X-Shopify-Event-Id"},
	},
	core.PresetSlack: {
		prove: bySlack, shake: challenged, types: []string{"payload.event.type", "payload.type", "payload.command"},
		ids: []string{"payload.event_id", "payload.trigger_id"}, times: []string{"payload.event_time"},
		subjects: []string{"payload.event.user", "payload.user.id", "payload.user_id", "payload.team_id"},
		headers:  []string{"X-Slack-Retry-Num", "X-Slack-Retry-Reason"}, wrapped: "payload", quiet: true,
	},
	core.PresetStandard: {
		prove: byStandard, types: []string{"payload.type", "payload.event_type", "payload.eventType"}, ids: []string{"header.webhook-id", "header.svix-id"},
		times: []string{"payload.timestamp", "header.webhook-timestamp", "header.svix-timestamp"}, headers: []string{"webhook-id", "svix-id"},
	},
	core.PresetEventGrid: {
		shake: validated, types: []string{"payload.eventType", "payload.type"}, ids: []string{"payload.id"},
		times: []string{"payload.eventTime", "payload.time"}, subjects: []string{"payload.subject"}, batches: true,
		headers: []string{"aeg-event-type", "aeg-subscription-name", "aeg-delivery-count"},
	},
	core.PresetKafka: {
		types:    append([]string{"header.event_type", "header.ce_type"}, append(anyTypes, "header.kafka-topic")...),
		times:    []string{"header.occurred_at", "header.ce_time", "header.kafka-time"},
		subjects: []string{"header.subject", "header.ce_subject", "header.kafka-key"},
	},
	core.PresetHMAC: {prove: byHMAC, anybody: true, types: anyTypes, ids: anyIDs, times: anyTimes},
	core.PresetNone: {anybody: true, types: anyTypes, ids: anyIDs, times: anyTimes},
}

// Where senders in general have the fields. A member `id` is none of them: it names a thing
// that many events are about as often as it names the event.
var (
	anyTypes = []string{"payload.type", "payload.event_type", "payload.event"}
	anyIDs   = []string{"header.Idempotency-Key", "header.webhook-id"}
	anyTimes = []string{"payload.timestamp", "payload.occurred_at", "payload.created_at"}
)

// defaultType is the type of an event whose request names none.
const defaultType = "webhook"
