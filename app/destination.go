package app

import (
	"log/slog"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Outside is what a connector is given to reach the world with.
type Outside struct {
	// Dial connects to addresses that organizations name, and refuses those that this
	// server must not reach. Judge refuses them in settings already.
	Dial   destination.Dial
	Judge  destination.Judge
	Logger *slog.Logger
}

// NewConnector returns a connector. It is called once, at the start of a server.
type NewConnector func(Outside) core.Connector

// Destination makes a type of destination available to processors: with
// Destination("pigeon", pigeon.New), a processor may have the destination
// {"type": "pigeon", …}. It takes the place of one of the stock program's of that type.
func Destination(kind string, open NewConnector) Option {
	return func(p *program) { p.destinations[kind] = open }
}
