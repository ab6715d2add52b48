package rest

import (
	"encoding/json"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// List is a page of a list.
type List[T any] struct {
	Items      []T        `json:"items"`
	Pagination Pagination `json:"pagination"`
}

// Pagination leads to the next page.
type Pagination struct {
	// NextCursor continues the list; it is empty at its end.
	NextCursor string `json:"next_cursor"`
	HasMore    bool   `json:"has_more"`
}

// NewEvent is an event as a producer sends it. Only Type and Payload are
// required; core's documentation of [core.Event] says what the fields mean.
type NewEvent struct {
	// Stream is for the requests that name no stream in their path.
	Stream         string            `json:"stream,omitempty"`
	Type           string            `json:"event_type,omitempty"`
	Version        int32             `json:"event_version,omitempty"`
	OccurredAt     time.Time         `json:"occurred_at,omitzero"`
	Source         string            `json:"source,omitempty"`
	Subject        string            `json:"subject,omitempty"`
	Payload        json.RawMessage   `json:"payload"`
	Context        map[string]string `json:"context,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
}

// appendJSON appends the event as JSON, its payload byte for byte: encoding/json
// would compact it.
func (e NewEvent) appendJSON(b []byte) ([]byte, error) {
	payload := e.Payload
	e.Payload = nil
	type fields NewEvent
	head, err := json.Marshal(struct {
		fields
		Payload *struct{} `json:"payload,omitempty"` // hides the field of that name
	}{fields: fields(e)})
	if err != nil || len(payload) == 0 {
		return append(b, head...), err
	}
	b = append(b, head[:len(head)-1]...)
	if len(head) > len("{}") {
		b = append(b, ',')
	}
	b = append(b, `"payload":`...)
	b = append(b, payload...)
	return append(b, '}'), nil
}

func appendEvents(b []byte, events []NewEvent) (_ []byte, err error) {
	b = append(b, '[')
	for i, event := range events {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = event.appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// BatchResult is the answer to a batch: one result for each event, in order.
type BatchResult struct {
	Accepted int         `json:"accepted"`
	Rejected int         `json:"rejected"`
	Results  []BatchItem `json:"results"`
}

// Rejected is the status of an event of a batch that was refused;
// [core.Accepted] is that of the others.
const Rejected = "REJECTED"

// BatchItem is the answer to one event of a batch: the fields of a receipt, or
// Error.
type BatchItem struct {
	Index      int         `json:"index"`
	Status     string      `json:"status"`
	ID         core.ID     `json:"event_id,omitzero"`
	Offset     core.Offset `json:"offset"`
	ReceivedAt time.Time   `json:"received_at,omitzero"`
	Duplicate  bool        `json:"duplicate,omitempty"`
	Error      *ItemError  `json:"error,omitempty"`
}

// ItemError says why one event of a batch was refused.
type ItemError struct {
	Code    core.Code     `json:"error_code"`
	Message string        `json:"message"`
	Details []core.Detail `json:"details"`
}

// Validity is the answer to a dry run that found nothing wrong; one that did
// is answered with the error that storing the event would get.
type Validity struct {
	Valid bool `json:"valid"`
}

// Health says how a server is.
type Health struct {
	// Status is [StatusOK], [StatusDegraded] or [StatusUnavailable]; a server
	// that is unavailable should get no requests.
	Status    string           `json:"status"`
	Checks    map[string]Check `json:"checks"`
	Timestamp time.Time        `json:"timestamp"`
}

// Check is the state of one thing that a server depends on.
type Check struct {
	Status string `json:"status"`
	// Message says more, in words that everybody may read.
	Message string `json:"message,omitempty"`
}

// The states of a server and its dependencies.
const (
	StatusOK          = "ok"
	StatusDegraded    = "degraded"
	StatusUnavailable = "unavailable"
)
