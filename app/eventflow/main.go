// Command eventflow is the stock server. A build with other storage is a copy
// of this file with one more line.
package main

import (
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	app.Main(
		app.Storage("sqlite", sqlite.Open),
		app.Storage("postgres", postgres.Open),
		app.Storage("postgresql", postgres.Open),
		app.Storage("memory", memory.Open),
	)
}
