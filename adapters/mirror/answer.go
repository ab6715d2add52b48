package mirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// answer is what the other side said of a batch.
type answer struct {
	status int
	// after is its Retry-After.
	after time.Duration
	text  []byte
	// Code, Message and RequestID are of an answer that is an error as a whole.
	Code      core.Code `json:"error_code"`
	Message   string    `json:"message"`
	RequestID string    `json:"request_id"`
	// Results has one item for each event, but for errors that were found before there
	// were events.
	Results []item `json:"results"`
}

// item is what the other side said of one event.
type item struct {
	Status    string      `json:"status"`
	Offset    core.Offset `json:"offset"`
	Duplicate bool        `json:"duplicate"`
	Error     *struct {
		Code    core.Code     `json:"error_code"`
		Message string        `json:"message"`
		Details []core.Detail `json:"details"`
	} `json:"error"`
}

// longestAfter bounds how long the other side may put a processor off.
const longestAfter = time.Hour

func readAnswer(response *http.Response, text []byte) *answer {
	a := &answer{status: response.StatusCode, text: text}
	// An answer that is no JSON is a proxy's. Its status says what there is to know.
	_ = json.Unmarshal(text, a)
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		a.after = min(time.Duration(min(seconds, int(longestAfter/time.Second)))*time.Second, longestAfter)
	}
	return a
}

// results returns the result of each of n events.
func (a *answer) results(n int, to *settings) []core.Sent {
	if len(a.Results) != n || a.status >= http.StatusInternalServerError {
		sent := core.Sent{Err: a.failure(to), After: a.after, Status: a.status, Response: destination.Excerpt(a.text)}
		if a.status == http.StatusRequestEntityTooLarge {
			sent.Verdict = core.NeverAgain // it was alone: more than one are sent in halves
		}
		return destination.All(n, sent)
	}
	results := make([]core.Sent, n)
	for i := range a.Results {
		results[i] = a.result(&a.Results[i])
	}
	return results
}

// result says what the answer means for one event.
func (a *answer) result(i *item) core.Sent {
	switch {
	case i.Error == nil && i.Status == core.Accepted && i.Duplicate:
		return core.Sent{Status: a.status, Response: fmt.Sprintf("offset %d, where it was already", i.Offset)}
	case i.Error == nil && i.Status == core.Accepted:
		return core.Sent{Status: a.status, Response: fmt.Sprintf("offset %d", i.Offset)}
	case i.Error == nil:
		return core.Sent{Err: errors.New("the other side does not say whether it has the event"), Status: a.status, After: a.after}
	}
	said, _ := json.Marshal(i.Error)
	sent := core.Sent{
		Err: fmt.Errorf("the other side refuses the event: %s: %s", i.Error.Code, i.Error.Message), Verdict: core.TryAgain,
		Status: a.status, Response: destination.Excerpt(said), After: a.after,
	}
	switch i.Error.Code {
	case core.CodeIdempotencyMismatch:
		sent.Err = errors.New("the other side has this event with another content, as it was sent before the processor's transform was changed")
		sent.Verdict = core.NeverAgain
	case core.CodeValidation, core.CodeSchemaMismatch, core.CodePayloadTooLarge:
		sent.Verdict = core.NeverAgain
	}
	return sent
}

// failure says in the words of who has set up a mirror why nothing has arrived.
func (a *answer) failure(to *settings) error {
	switch {
	case a.status >= http.StatusMultipleChoices && a.status < http.StatusBadRequest:
		return fmt.Errorf("%s answers with a redirect, which is not followed: give the address of the EventFlow itself", to.URL)
	case a.status == http.StatusUnauthorized:
		return errors.New("the other side does not take the API key: it is wrong, has expired or was revoked")
	case a.status == http.StatusForbidden:
		return fmt.Errorf("the API key may not send to the stream %q of the other side: it needs the role producer", to.Stream)
	case a.status == http.StatusNotFound:
		return fmt.Errorf("the other side has no stream %q, or the API key is not for it", to.Stream)
	case a.status == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%s, or a proxy before it, takes no events of this size", to.URL)
	case a.status == http.StatusTooManyRequests:
		return errors.New("the other side's rate limit for the API key is used up")
	case a.Code == "":
		return fmt.Errorf("%s answers with status %d, and not as an EventFlow does", to.URL, a.status)
	}
	return fmt.Errorf("the other side answers with status %d, %s: %s (its request %s)", a.status, a.Code, a.Message, a.RequestID)
}
