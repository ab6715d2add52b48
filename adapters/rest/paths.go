package rest

import "net/url"

// Prefix is where this version of the API lives.
const Prefix = "/api/v1"

// The headers with a meaning of EventFlow's own.
const (
	// HeaderAPIKey carries an API key; `Authorization: Bearer` does as well.
	HeaderAPIKey = "X-API-Key" //nolint:gosec // the name of a header, no credential
	// HeaderRequestID names a request in answers and logs.
	HeaderRequestID = "X-Request-Id"
	// HeaderIdempotencyKey names one event, quoted or bare.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderLease, HeaderLeaseExpires and HeaderNextOffset say of a delivery in
	// the form of CloudEvents what its body has no place for.
	HeaderLease        = "X-EventFlow-Lease"
	HeaderLeaseExpires = "X-EventFlow-Lease-Expires"
	HeaderNextOffset   = "X-EventFlow-Next-Offset"
)

// The media types of requests and answers.
const (
	TypeJSON    = "application/json"
	TypeNDJSON  = "application/x-ndjson"
	TypeCSV     = "text/csv; charset=utf-8"
	TypeProblem = "application/problem+json"
	// TypeEventStream is a live tail.
	TypeEventStream = "text/event-stream"
)

// The formats of an export, as `format` names them.
const (
	FormatNDJSON = "ndjson"
	FormatCSV    = "csv"
)

// StreamsPath is the list of streams.
const StreamsPath = Prefix + "/streams"

// EventsPath is the events of all streams.
const EventsPath = Prefix + "/events"

// StreamPath is one stream, by id or name.
func StreamPath(ref string) string { return StreamsPath + "/" + url.PathEscape(ref) }

// GroupsPath is the consumer groups of a stream.
func GroupsPath(stream string) string { return StreamPath(stream) + "/consumer-groups" }

// GroupPath is one consumer group, by id or name.
func GroupPath(stream, group string) string {
	return GroupsPath(stream) + "/" + url.PathEscape(group)
}

// AllGroupsPath is the list of the consumer groups of all streams.
const AllGroupsPath = Prefix + "/consumer-groups"

// DeadLettersPath is the list of dead letters.
const DeadLettersPath = Prefix + "/dead-letters"

// DeadLetterPath is one dead letter.
func DeadLetterPath(id string) string { return DeadLettersPath + "/" + url.PathEscape(id) }

// ReplayPath is one replay of dead letters.
func ReplayPath(id string) string { return DeadLettersPath + "/replays/" + url.PathEscape(id) }

// StreamEventsPath is the events of one stream, or of all when ref is empty.
func StreamEventsPath(ref string) string {
	if ref == "" {
		return EventsPath
	}
	return StreamPath(ref) + "/events"
}
