// Command pigeon is the stock server with one type of destination more.
package main

import (
	"example.com/pigeon/pigeon"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	app.Main(
		app.Destination(pigeon.Type, pigeon.New),
		app.SharedStorage("sqlite", sqlite.Open),
	)
}
