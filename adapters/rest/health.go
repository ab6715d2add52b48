package rest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Health says whether a server is well, and what it depends on.
type Health struct {
	// Status is [StatusOK], [StatusDegraded] or [StatusUnavailable]. A server that
	// is unavailable should get no requests.
	Status    string           `json:"status"`
	Checks    map[string]Check `json:"checks"`
	Timestamp time.Time        `json:"timestamp"`
}

// Check is the state of one thing that a server depends on.
type Check struct {
	Status string `json:"status"`
	// Message says more. Anybody may read it.
	Message string `json:"message,omitempty"`
	// LastRun is when work that the server does by itself was last done.
	LastRun time.Time `json:"last_run,omitzero"`
}

// The states of a server and its dependencies.
const (
	StatusOK          = "ok"
	StatusDegraded    = "degraded"
	StatusUnavailable = "unavailable"
)

// Health asks a server for its health. A server that is not ready is no error.
func (c *Client) Health(ctx context.Context) (health Health, err error) {
	got, err := c.send(ctx, request{method: "GET", path: Prefix + "/health"})
	if err != nil {
		return health, err
	}
	defer got.body.Close()
	if got.header("Content-Type") != TypeJSON {
		return health, readError(got)
	}
	err = json.NewDecoder(got.body).Decode(&health)
	return health, err
}

// Ready returns nil when the server can serve requests.
func (c *Client) Ready(ctx context.Context) error {
	health, err := c.Health(ctx)
	if err == nil && health.Status == StatusUnavailable {
		err = core.Unavailable(nil, time.Second, "the server is not ready")
	}
	return err
}
