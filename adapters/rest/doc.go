// Package rest is EventFlow's HTTP contract, seen from both sides: paths,
// header names, bodies, which error code is which status, and a typed
// [Client]. It imports core and the standard library only, and builds for
// js/wasm, where the client uses the browser's fetch.
//
// The bodies of events, streams, receipts and requests are core's own types;
// this package adds only what exists because there is HTTP in between.
package rest
