// Package rest is EventFlow's HTTP contract, for both of its sides: addresses,
// headers, bodies, which error code has which status, and a typed [Client]. It
// imports core and the standard library only, and builds for js/wasm, where the
// client uses the browser's fetch.
//
// The bodies of events, streams, receipts and requests are core's own types.
// This package adds what exists only because there is HTTP in between. Each file
// has the addresses, the bodies and the calls of one noun:
//
//   - streams.go: streams, their numbers, and their events over time;
//   - events.go: events, sent one by one and read in pages;
//   - batch.go: many events in one request;
//   - export.go: all events of a query, in one answer;
//   - tail.go: events as they come;
//   - trace.go: what has become of an event;
//   - schemas.go: the schemas of a stream, by event type and version;
//   - quarantine.go: events that were kept apart, because they did not fit;
//   - groups.go: consumer groups;
//   - consume.go: events handed to a consumer under a lease;
//   - settle.go: what a consumer says of them: ack, nack, commit, extend;
//   - consumer.go: the loop that does both, for a handler;
//   - handler.go: what the handler returns, and what that means;
//   - processors.go: processors, and what they would do;
//   - deliveries.go: their attempts to send;
//   - sources.go: sources, and what senders are answered;
//   - deadletters.go: events that could not be processed;
//   - replay.go: dead letters on their way back;
//   - keys.go: API keys and service tokens;
//   - users.go: the users of an organization;
//   - signin.go: signing in and out;
//   - password.go: changing a password, and choosing another one;
//   - sessions.go: where a user is signed in;
//   - me.go: who a client is to the server;
//   - organization.go: organizations;
//   - audit.go: the audit trail;
//   - summary.go: the organization in numbers;
//   - roles.go: what each role may do;
//   - system.go: how a server describes itself;
//   - health.go: whether it can serve;
//   - root.go: what is at `/` for programs.
//
// What they have in common:
//
//   - contract.go: the prefix of all addresses, headers and media types;
//   - errors.go: errors as they are answered, and as the client returns them;
//   - page.go: lists that come in pages;
//   - client.go: the client, and the four methods of HTTP that it uses;
//   - request.go: a request on its way out, and its answer;
//   - retry.go: when to try again;
//   - transport_net.go, transport_js.go: how requests are sent, here and in a
//     browser.
package rest
