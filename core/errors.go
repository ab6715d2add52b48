package core

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is the machine-readable name of an error, as clients see it in
// `error_code`. The set is closed: an adapter that meets something it cannot
// name returns a plain error, which clients see as [CodeInternal].
type Code string

// The codes of the public contract, each with the HTTP status it maps to.
const (
	CodeValidation          Code = "VALIDATION_ERROR"       // 400
	CodeSchemaMismatch      Code = "SCHEMA_MISMATCH"        // 400
	CodeUnauthorized        Code = "UNAUTHORIZED"           // 401
	CodeForbidden           Code = "FORBIDDEN"              // 403
	CodeNotFound            Code = "NOT_FOUND"              // 404
	CodeMethodNotAllowed    Code = "METHOD_NOT_ALLOWED"     // 405
	CodeTimeout             Code = "REQUEST_TIMEOUT"        // 408
	CodeConflict            Code = "CONFLICT"               // 409
	CodePreconditionFailed  Code = "PRECONDITION_FAILED"    // 412
	CodePayloadTooLarge     Code = "PAYLOAD_TOO_LARGE"      // 413
	CodeUnsupportedMedia    Code = "UNSUPPORTED_MEDIA_TYPE" // 415
	CodeIdempotencyMismatch Code = "IDEMPOTENCY_MISMATCH"   // 422
	CodeRateLimited         Code = "RATE_LIMIT_EXCEEDED"    // 429
	CodeInternal            Code = "INTERNAL_ERROR"         // 500
	CodeUnavailable         Code = "SERVICE_UNAVAILABLE"    // 503
	CodeStorageFull         Code = "STORAGE_FULL"           // 507
)

// Detail names one field of the input and what is wrong with it. Field is a
// path as the client wrote it (`payload.user.id`, `limit`, `events[3]`).
type Detail struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Error is an error meant for the client: everything in it may be shown.
// Its cause, if any, is for logs only.
type Error struct {
	Code    Code
	Message string
	Details []Detail
	// RetryAfter tells the client when to try again; zero says nothing.
	RetryAfter time.Duration
	cause      error
}

// Errorf returns an *Error with the code and a formatted message. Like
// [fmt.Errorf] it keeps an operand of %w as its cause, but the cause's text
// is part of the message only because the format says so.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), cause: errors.Unwrap(wrapped)}
}

// Invalid returns a [CodeValidation] error about one field of the input.
func Invalid(field, reason string, args ...any) *Error {
	if len(args) > 0 {
		reason = fmt.Sprintf(reason, args...)
	}
	return &Error{
		Code:    CodeValidation,
		Message: field + ": " + reason,
		Details: []Detail{{Field: field, Reason: reason}},
	}
}

// Unavailable returns a retry-safe [CodeUnavailable] error that keeps cause
// out of the client's sight.
func Unavailable(cause error, retryAfter time.Duration, message string) *Error {
	return &Error{Code: CodeUnavailable, Message: message, RetryAfter: retryAfter, cause: cause}
}

// StorageFull returns a [CodeStorageFull] error, as [Unavailable] does. Only people make
// room, so a client does well to wait longer.
func StorageFull(cause error, message string) *Error {
	return &Error{Code: CodeStorageFull, Message: message, RetryAfter: 30 * time.Second, cause: cause}
}

// Error implements error.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap returns the cause, for logs and [errors.Is].
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the first *Error in err's chain, [CodeInternal]
// when there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Under puts a place before the fields that err names, and before the first of them in
// its message. The `type` of an event is `events[3].type` in the batch that it came in, and
// its `body` is `events[3]`. An error that is no [*Error] stays as it is.
func Under(err error, place string) error {
	var known *Error
	if !errors.As(err, &known) {
		return err
	}
	placed := *known
	placed.Details = make([]Detail, len(known.Details))
	for i, detail := range known.Details {
		placed.Details[i] = Detail{Field: place + detail.Field, Reason: detail.Reason}
		if detail.Field == "body" { // all of what stands at the place
			placed.Details[i].Field = strings.TrimSuffix(place, ".")
		}
	}
	if len(known.Details) > 0 {
		if rest, named := strings.CutPrefix(known.Message, known.Details[0].Field); named {
			placed.Message = placed.Details[0].Field + rest
		}
	}
	return &placed
}

// IsNotFound reports whether err says that something is not there.
func IsNotFound(err error) bool { return CodeOf(err) == CodeNotFound }

// StoreFailed turns a store's error into one that a client may read. A failure that
// the store has no code for becomes a [CodeUnavailable], because the request may be
// sent again. Other errors, and nil, stay as they are.
func StoreFailed(err error) error {
	if err == nil || CodeOf(err) != CodeInternal {
		return err
	}
	return Unavailable(err, time.Second, "the store cannot be reached; try again")
}
