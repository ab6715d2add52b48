// Package server is EventFlow's HTTP server: it turns requests into calls of
// core's use cases, and their outcomes into answers. It is the only package that
// knows Fiber.
//
// A request is held to limits before it costs anything: first its framing, then
// the credential, then media types and sizes, and last the body. Fiber and
// fasthttp use their buffers again, so whatever outlives a handler is copied
// first.
//
// A request passes through these files, from the connection to its handler:
//
//   - server.go: the server, from its start to its end;
//   - options.go: what it serves, and how;
//   - limits.go: what one client, and all of them together, may take of it;
//   - pool.go: what all organizations share, and nobody gets all of;
//   - listener.go: connections, counted, and some beyond for questions about health;
//   - conn.go: a connection that gives requests, and closes late enough for its last answer;
//   - arrival.go: requests on their way, awaited at next to no cost;
//   - requestend.go: whether a request has arrived;
//   - hungup_unix.go, hungup_other.go: whether the client has left, and whether more has arrived;
//   - middleware.go: around every request: panics, log, metrics;
//   - traced.go: the trace that it belongs to;
//   - call.go: one request, and its answer;
//   - clock.go: how long the client has for sending it;
//   - expect.go: whether its body may come;
//   - deadline.go: how long it may take;
//   - requestid.go: its id;
//   - framing.go: headers that two servers could read differently;
//   - routes.go: every address, its handler and the permission it needs;
//   - allow.go: what an address answers, and takes;
//   - dispatch.go: from the router to a handler, past the guards;
//   - authenticate.go: whose credential a request presents;
//   - visitor.go: from which address it comes;
//   - rates.go: how many requests each may make.
//
// What handlers have in common:
//
//   - list.go: headers, of which many are lists;
//   - parameters.go: parameters of the address;
//   - body.go: bodies, read within their limits;
//   - upload.go: bodies on their way, and how fast they must come;
//   - gzip.go: compressed bodies;
//   - mediatype.go: what a body is;
//   - accept.go: what the client wants to get;
//   - object.go: bodies that are one JSON object, read strictly;
//   - untilclose.go: answers that end with their connection;
//   - page.go: lists that come in pages;
//   - revision.go: changes that depend on a revision;
//   - cookie.go: the browser's refresh token, and which site asks;
//   - headers.go: the headers of every answer;
//   - errors.go: errors as they are answered.
//
// The handlers, each with its noun:
//
//   - streams.go: streams, their numbers, and their events over time;
//   - events.go: one event stored, and events read in pages;
//   - batch.go: many events in one request;
//   - cloudevents.go: events that come and go as CloudEvents;
//   - handshake.go: whether they may be delivered here;
//   - export.go: all events of a query, in one answer;
//   - csv.go: the same as CSV;
//   - tail.go: events as they come;
//   - frames.go: the newest events as all tails send them;
//   - trace.go: what has become of an event;
//   - schemas.go: the schemas of a stream, by event type and version;
//   - quarantine.go: events that were kept apart, because they did not fit;
//   - groups.go: consumer groups;
//   - processors.go: processors, and what they would do;
//   - deliveries.go: their attempts to send;
//   - consume.go: events handed to a consumer under a lease;
//   - settle.go: what a consumer says of them: ack, nack, commit, extend;
//   - sources.go: sources, and what they refused;
//   - inbound.go: what senders send to them;
//   - deadletters.go: events that could not be processed;
//   - replay.go: dead letters on their way back;
//   - keys.go: API keys and service tokens;
//   - users.go: the users of an organization;
//   - signin.go: signing in and out;
//   - password.go: changing a password, and choosing another one;
//   - sessions.go: where a user is signed in;
//   - me.go: who a client is to the server;
//   - organization.go: organizations;
//   - audit.go: the audit trail, read and written;
//   - summary.go: the organization in numbers;
//   - roles.go: what each role may do;
//   - system.go: how the server describes itself;
//   - health.go: whether it can serve;
//   - reference.go: the reference of the API, for people and for programs;
//   - root.go: what is at `/`, for people and for programs;
//   - metrics.go: what it counts, for Prometheus;
//   - site.go: the dashboard's files and pages.
package server
