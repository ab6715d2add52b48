package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// fail answers with an error, and logs what the client does not get to see of it.
func (c *call) fail(err error) { c.answerError(c.named(err)) }

// answerError answers with an error that has a code.
func (c *call) answerError(err error) {
	problem := rest.NewProblem(err, string(c.id))
	if errors.Is(err, errHeaderTooLarge) {
		problem.Status = fasthttp.StatusRequestHeaderFieldsTooLarge
	}
	body, marshalErr := json.Marshal(problem)
	if marshalErr != nil {
		body = nil // cannot happen: a problem is made of texts
	}
	c.setErrorHeaders(rest.Public(err))
	c.ctx.Response.ResetBody()
	c.answer(problem.Status, contentProblem, body)
}

// named returns an error that has a code, and logs what the client does not get
// to see.
func (c *call) named(err error) error {
	unseen, named := explained(err)
	c.logUnseen(unseen)
	return named
}

// unseen is what a client does not get to see of an error, with the words for the log. Its
// cause is nil where the client sees all of it.
type unseen struct {
	message string
	cause   error
}

func (c *call) logUnseen(seen unseen) {
	if seen.cause != nil {
		c.server.Logger.ErrorContext(c.lines(), seen.message, "request_id", string(c.id), "error", seen.cause) //nolint:sloglint // one of three constants
	}
}

// explained returns an error that has a code, and beside it what the client does not get to see.
func explained(err error) (unseen, error) {
	var known *core.Error
	if errors.As(err, &known) && known.Code != core.CodeInternal {
		if known.Code == core.CodeUnavailable {
			return unseen{"a request could not be served", errors.Unwrap(known)}, err
		}
		return unseen{}, err
	}
	var ofFiber *fiber.Error
	switch {
	case errors.As(err, &ofFiber) && ofFiber.Code == fiber.StatusNotFound:
		return unseen{}, core.Errorf(core.CodeNotFound, "there is nothing at this address")
	case errors.As(err, &ofFiber) && ofFiber.Code == fiber.StatusMethodNotAllowed:
		return unseen{}, core.Errorf(core.CodeMethodNotAllowed, "this method is not allowed at this address; the Allow header lists those that are")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unseen{"a request took too long", err}, core.Unavailable(err, time.Second, "the server could not answer in time; try again")
	}
	return unseen{"a request failed", err}, err
}

func (c *call) setErrorHeaders(err *core.Error) {
	header := &c.ctx.Response.Header
	if err.RetryAfter > 0 {
		header.Set(fasthttp.HeaderRetryAfter, strconv.FormatInt(wholeSeconds(err.RetryAfter), 10))
	}
	switch err.Code {
	case core.CodeUnauthorized:
		header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="eventflow"`)
	case core.CodeMethodNotAllowed:
		header.Set(fasthttp.HeaderAllow, c.server.allowed(string(c.ctx.URI().PathOriginal())))
	case core.CodeUnsupportedMedia:
		c.acceptable(err)
	}
}

// wholeSeconds rounds up, so that nobody comes back too early.
func wholeSeconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

var (
	errHeaderTooLarge = core.Invalid("headers", "the request line and headers are too large")
	errBadRequest     = core.Invalid("request", "is not valid HTTP/1.1")
	errSlowRequest    = core.Errorf(core.CodeTimeout, "the request did not arrive in time")
)

// refuse answers a request that could not even be parsed. The text of
// fasthttp's error may quote the request, credentials included, so it is not
// passed on.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, err error) {
	c := s.begin(ctx)
	defer s.end(c)
	var tooLarge *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &tooLarge):
		err = errHeaderTooLarge
	case isTimeout(err):
		err = errSlowRequest
	default:
		err = errBadRequest
	}
	c.abandon()
	c.fail(err)
}

func isTimeout(err error) bool {
	var ofNet net.Error
	return errors.As(err, &ofNet) && ofNet.Timeout() || errors.Is(err, fasthttp.ErrTimeout)
}

// bodyError says what went wrong while a body was read.
func bodyError(err error) error {
	var known *core.Error
	switch {
	case errors.As(err, &known):
		return err
	case isTimeout(err):
		return errSlowRequest
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return core.Invalid("body", "ended early")
	}
	return core.Invalid("body", "is not framed as HTTP/1.1 requires")
}
