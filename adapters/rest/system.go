package rest

import (
	"context"
	"time"
)

// SystemPath is the address of a server's description of itself.
const SystemPath = Prefix + "/system"

// System is a server's description of itself. Version, Go and StartedAt are for people,
// and for keys of the role admin that are not narrowed to streams.
type System struct {
	Version string `json:"version,omitempty"`
	// Go is the version of Go that built the server.
	Go string `json:"go,omitempty"`
	// Store is the kind of storage that holds the events, such as `postgres`.
	Store string `json:"store"`
	// Shards is how many shards the store has, if it is more than one.
	Shards    int       `json:"shards,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	// IngestP99 is a time in milliseconds: since it started, the server answered 99
	// of 100 requests to store events within that time. It is for people to look
	// at. It is missing if there was no such request.
	IngestP99 float64 `json:"ingest_p99_ms,omitempty"`
	// Settings are the server's settings, with secrets masked. Only admins of the
	// installation's first organization get them.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting is one of the server's settings.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Usage string `json:"usage"`
}

// System asks a server to describe itself.
func (c *Client) System(ctx context.Context) (system System, err error) {
	err = c.get(ctx, SystemPath, &system)
	return system, err
}
