package rest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// BatchResult is the answer to a batch: one result for each event, in order.
type BatchResult struct {
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
	// Quarantined is how many events are kept in quarantine.
	Quarantined int         `json:"quarantined,omitempty"`
	Results     []BatchItem `json:"results"`
}

// Rejected is the status of an event of a batch that was refused. The others
// have [core.Accepted] or [core.InQuarantine].
const Rejected = "REJECTED"

// BatchItem is the answer to one event of a batch. It has the fields of a
// receipt, or Error.
type BatchItem struct {
	Index      int         `json:"index"`
	Status     string      `json:"status"`
	ID         core.ID     `json:"event_id,omitzero"`
	Offset     core.Offset `json:"offset"`
	ReceivedAt time.Time   `json:"received_at,omitzero"`
	Duplicate  bool        `json:"duplicate,omitempty"`
	// Quarantine and Reasons are as in a [core.Receipt].
	Quarantine core.ID       `json:"quarantine_id,omitzero"`
	Reasons    []core.Detail `json:"reasons,omitempty"`
	Error      *ItemError    `json:"error,omitempty"`
}

// ItemError says why one event of a batch was refused.
type ItemError struct {
	Code    core.Code     `json:"error_code"`
	Message string        `json:"message"`
	Details []core.Detail `json:"details"`
}

// PublishBatch sends many events and returns one result for each, in order. An
// error means that the request as a whole failed. Events that the server
// refused are no error: their results say why.
func (c *Client) PublishBatch(ctx context.Context, stream string, events []NewEvent) (result BatchResult, err error) {
	body, err := appendEvents(nil, events)
	if err != nil {
		return result, err
	}
	got, err := c.send(ctx, request{method: "POST", path: StreamEventsPath(stream) + "/batch", body: body})
	if err != nil {
		return result, err
	}
	defer got.body.Close()
	if isError(got.status) && got.header("Content-Type") != TypeJSON {
		return result, readError(got)
	}
	err = json.NewDecoder(got.body).Decode(&result)
	return result, err
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
