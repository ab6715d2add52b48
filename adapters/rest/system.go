package rest

import (
	"context"
	"time"
)

// SystemPath is what a server says of itself.
const SystemPath = Prefix + "/system"

// System is a server in words.
type System struct {
	Version string `json:"version"`
	// Go is the toolchain that built it.
	Go string `json:"go"`
	// Store is the kind of storage that keeps the events, such as `postgres`.
	Store     string    `json:"store"`
	StartedAt time.Time `json:"started_at"`
	// IngestP99 is the time, in milliseconds, within which this server answered
	// all but one of a hundred requests to store events since it started. It is
	// for people, and missing where there was none.
	IngestP99 float64 `json:"ingest_p99_ms,omitempty"`
	// Settings are for admins of the installation's first organization. Secrets
	// are masked.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting is one of the server's settings.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Usage string `json:"usage"`
}

// System returns what the server says of itself.
func (c *Client) System(ctx context.Context) (system System, err error) {
	err = c.get(ctx, SystemPath, &system)
	return system, err
}
