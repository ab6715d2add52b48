// Package core is EventFlow without its surroundings: what an event, a stream
// and a credential are, what the log promises, and the use cases that keep
// those promises on any storage. It imports the standard library only and
// compiles for every platform Go knows, js/wasm included.
//
// Read it in this order:
//
//   - event.go, stream.go, group.go, deadletter.go, credential.go: the nouns, which are also the JSON of
//     the API;
//   - ports.go: what an adapter must do, method by method;
//   - decode.go over json.go: the one strict parser that decides what an event is;
//   - ingest.go over commit.go: from a request to a durable offset, many
//     requests to a transaction;
//   - query.go over cursor.go: pages, searches and exports;
//   - consume.go over lane.go, lease.go and settle.go: from a poll to a lease and
//     its end; deadletters.go and replay.go: what could not be processed;
//   - recent.go: who waits is told; tail.go and trace.go: for people who watch;
//   - streams.go and access.go: managing streams, authenticating keys;
//   - retention.go: what is removed, and when.
//
// DESIGN.md beside this file keeps the decisions with their reasons and
// measurements. The packages core/storetest, core/catalogtest and core/grouptest
// are the executable contracts of the adapters.
package core
