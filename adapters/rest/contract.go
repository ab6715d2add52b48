package rest

// Prefix begins the path of every address of this version of the API.
const Prefix = "/api/v1"

// The headers that EventFlow gives a meaning.
const (
	// HeaderAPIKey carries an API key. `Authorization: Bearer` may carry it, too.
	HeaderAPIKey = "X-API-Key" //nolint:gosec // the name of a header, no credential
	// HeaderRequestID is the id of a request, in answers and in the server's log.
	HeaderRequestID = "X-Request-Id"
	// HeaderIdempotencyKey is the idempotency key of the one event of a request,
	// quoted or bare.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderLease, HeaderLeaseExpires and HeaderNextOffset belong to a delivery in
	// CloudEvents, whose body has no place for them.
	HeaderLease        = "X-EventFlow-Lease"
	HeaderLeaseExpires = "X-EventFlow-Lease-Expires"
	HeaderNextOffset   = "X-EventFlow-Next-Offset"
)

// The media types of requests and answers.
const (
	TypeJSON    = "application/json"
	TypeForm    = "application/x-www-form-urlencoded"
	TypeNDJSON  = "application/x-ndjson"
	TypeCSV     = "text/csv; charset=utf-8"
	TypeProblem = "application/problem+json"
	// TypeEventStream is the media type of a live tail.
	TypeEventStream = "text/event-stream"
)
