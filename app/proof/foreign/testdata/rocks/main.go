// Command rocks is the stock server with one storage more.
package main

import (
	"example.com/rocks/rocks"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	app.Main(
		app.Storage("rocks", rocks.Open),
		app.SharedStorage("sqlite", sqlite.Open),
		app.SharedStorage("postgres", postgres.Open),
		app.SharedStorage("postgresql", postgres.Open),
		app.Storage("memory", memory.Open),
	)
}
