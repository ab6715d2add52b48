package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Problem is the body of every answer that is an error. It has four members of
// EventFlow's own, and those of RFC 9457 (application/problem+json).
type Problem struct {
	Code      core.Code     `json:"error_code"`
	Message   string        `json:"message"`
	RequestID string        `json:"request_id"`
	Details   []core.Detail `json:"details"`
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
}

// codes maps each code to its HTTP status, and to a title that says what the
// code means.
var codes = map[core.Code]struct {
	status int
	title  string
}{
	core.CodeValidation:          {400, "The request is not valid"},
	core.CodeSchemaMismatch:      {400, "The payload does not fit the stream's schema"},
	core.CodeUnauthorized:        {401, "A valid credential is required"},
	core.CodeForbidden:           {403, "The credential does not permit this"},
	core.CodeNotFound:            {404, "Not found"},
	core.CodeMethodNotAllowed:    {405, "The method is not allowed here"},
	core.CodeTimeout:             {408, "The request took too long to arrive"},
	core.CodeConflict:            {409, "The request conflicts with the current state"},
	core.CodePreconditionFailed:  {412, "The resource has changed in the meantime"},
	core.CodePayloadTooLarge:     {413, "The request is too large"},
	core.CodeUnsupportedMedia:    {415, "The media type is not supported"},
	core.CodeIdempotencyMismatch: {422, "The idempotency key belongs to another event"},
	core.CodeRateLimited:         {429, "Too many requests"},
	core.CodeInternal:            {500, "Something went wrong on the server"},
	core.CodeUnavailable:         {503, "The service is not available right now"},
	core.CodeStorageFull:         {507, "The storage is full"},
}

// Status returns the HTTP status of a code, 500 for one that it does not know.
func Status(code core.Code) int {
	if known, ok := codes[code]; ok {
		return known.status
	}
	return codes[core.CodeInternal].status
}

// NewProblem returns what a client may see of an error: everything about a
// [*core.Error], and nothing about any other error but that it occurred.
func NewProblem(err error, requestID string) Problem {
	public := Public(err)
	known, ok := codes[public.Code]
	if !ok {
		known = codes[core.CodeInternal]
	}
	details := public.Details
	if details == nil {
		details = []core.Detail{}
	}
	return Problem{
		Code: public.Code, Message: public.Message, RequestID: requestID, Details: details,
		Type: typePrefix + string(public.Code), Title: known.title, Status: known.status,
	}
}

// typePrefix turns a code into a URI, as RFC 9457 wants it.
const typePrefix = "urn:eventflow:error:"

var errInternal = core.Errorf(core.CodeInternal, "something went wrong on the server; its log has the reason under this request id")

// Public returns the error that a client may see in place of err.
func Public(err error) *core.Error {
	var known *core.Error
	if errors.As(err, &known) && known.Code != core.CodeInternal {
		return known
	}
	return errInternal
}

// Error is an error that a server answered with. It wraps a [*core.Error], so
// [core.CodeOf] and [errors.As] work on it as if there were no network between.
type Error struct {
	// Status is the HTTP status. RequestID identifies the request in the server's
	// log.
	Status    int
	RequestID string
	cause     *core.Error
}

// Error implements error.
func (e *Error) Error() string {
	if e.RequestID == "" {
		return e.cause.Error()
	}
	return e.cause.Error() + " (request " + e.RequestID + ")"
}

// Unwrap returns the [*core.Error].
func (e *Error) Unwrap() error { return e.cause }

// errorOf turns the body of an error back into an error.
func errorOf(status int, problem Problem, retryAfter time.Duration) *Error {
	if problem.Code == "" {
		problem.Code = codeOfStatus(status)
		problem.Message = "the server, or a proxy in front of it, answered without a reason"
	}
	return &Error{Status: status, RequestID: problem.RequestID, cause: &core.Error{
		Code: problem.Code, Message: problem.Message, Details: problem.Details, RetryAfter: retryAfter,
	}}
}

// codeOfStatus guesses the code of an answer that did not come from EventFlow,
// but from a proxy, say.
func codeOfStatus(status int) core.Code {
	switch status {
	case 400:
		return core.CodeValidation
	case 502, 504:
		return core.CodeUnavailable
	}
	for code, known := range codes {
		if known.status == status {
			return code
		}
	}
	return core.CodeInternal
}

// isError reports whether an answer with this status is an error. The API never
// redirects.
func isError(status int) bool { return status >= 300 }

// maxProblemBytes bounds how much of an error's body is read.
const maxProblemBytes = 4 << 20

// readError reads an answer that is an error.
func readError(got answer) error {
	var problem Problem
	body, _ := io.ReadAll(io.LimitReader(got.body, maxProblemBytes))
	if json.NewDecoder(bytes.NewReader(body)).Decode(&problem) != nil {
		problem = Problem{}
	}
	if problem.RequestID == "" {
		problem.RequestID = got.header(HeaderRequestID)
	}
	seconds, _ := strconv.Atoi(got.header("Retry-After"))
	return errorOf(got.status, problem, time.Duration(seconds)*time.Second)
}
