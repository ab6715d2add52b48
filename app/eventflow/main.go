// Command eventflow is the stock server. A build with other storage is a copy
// of this file with one more line.
package main

import (
	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	app.Main(
		app.SharedStorage("sqlite", sqlite.Open),
		app.SharedStorage("postgres", postgres.Open),
		app.SharedStorage("postgresql", postgres.Open),
		app.Storage("memory", memory.Open),
		app.SharedStorage("nats", jetstream.Open), app.StorageInit("nats", jetstream.Init),
	)
}
