package rest

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
