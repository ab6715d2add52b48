// Package core says what things are in EventFlow and what an adapter must do. It
// holds the nouns, which are also the JSON of the API, and the ports. It imports the
// standard library only and compiles for every platform Go knows, js/wasm included.
//
// # Words
//
//   - An event is a thing that happened, as its producer tells it: a type and a
//     payload. Once stored it never changes.
//   - A stream is an append-only sequence of events. An offset is an event's place
//     in it: 0, 1, 2, … without a gap.
//   - An idempotency key is the producer's name for an event. An event that is sent
//     again under its key is stored once.
//   - A schema says what payloads must look like. It is registered in versions, for types
//     of events. What does not fit is refused, kept in quarantine, or taken and reported.
//   - Retention removes the oldest events of a stream.
//   - A consumer group, or group, is a named reader of one stream. Together its
//     consumers get each event at least once.
//   - A lease gives a consumer events for a time, its visibility. The consumer settles
//     them: it acks what it has processed and nacks what it refuses. What is not
//     settled in time is handed out again.
//   - Lag is how many events a group has not settled.
//   - A dead letter is an event that a group gave up after its attempts. A replay
//     gives dead letters back to their group.
//   - An organization is a tenant: nothing of one is ever visible in another.
//   - A principal is who makes a request: a user with a session, or an API key or
//     service token. Its role permits actions.
//   - The audit trail records who did what, in a stream that no request can name.
//   - A processor is a consumer group whose consumer is the server itself: it filters
//     events, transforms them and sends them to a destination by a sink.
//   - A source is an address at which a sender that cannot speak the API puts events
//     into a stream. What it cannot believe or read it keeps apart as a refusal. A feed
//     is another system whose messages a source fetches instead.
//   - A shard is one of several places where a store keeps streams. A stream is on one
//     of them, its home.
//   - A node is one server of several that share a store.
//
// # Rooms
//
// The use cases live in packages below this one. Imports go one way:
//
//	core ← eventjson ← eventlog ← deliver, identity, inbound
//	deliver ← process
//
// The packages are
//
//   - core/eventjson: the one strict parser, which decides what an event is;
//   - core/compat: says whether one JSON Schema takes all that another one takes;
//   - core/eventlog: takes events in, keeps their order and answers questions;
//   - core/deliver: hands events to consumer groups and keeps what they could not
//     process;
//   - core/identity: people, their sign-ins and machines' keys;
//   - core/process: filters events, transforms them and sends them on;
//   - core/inbound: takes in what senders of webhooks send, and fetches what feeds hold;
//   - core/storetest, core/catalogtest, core/grouptest, core/limitertest,
//     core/sinktest: the contracts of the adapters in executable form.
//
// Storage adapters import this package alone. DESIGN.md beside this file keeps the
// decisions with their reasons and measurements.
//
// # Files
//
// What all others use:
//
//   - id.go: UUIDs that sort by age;
//   - clock.go: the time as it is stored, and who keeps it for all nodes;
//   - time.go: the time as it is read from others;
//   - errors.go: what a client may read, by code;
//   - text.go: the rules of short texts and of names;
//   - seconds.go: a duration as a number in JSON;
//   - page.go: a part of a list, and the cursor that continues it;
//   - revision.go: a change under optimistic concurrency;
//   - tenant.go: the organization in a context;
//   - requests.go: the requests that one piece of work is done for, in its context.
//
// Events and streams:
//
//   - event.go: an event and the limits of its fields;
//   - stream.go: a stream, and the requests to make and change one;
//   - schema.go: what payloads must fit, by type and version, and what becomes of those
//     that do not;
//   - quarantine.go: an event that did not fit, and its mend;
//   - inference.go: a schema from samples;
//   - retention.go: what is kept of a stream, and what was removed;
//   - archive.go: old events in a cheaper place, and what is kept there;
//   - batch.go: events on their way into the log, and what became of them;
//   - receipt.go: the answer to a producer;
//   - query.go: the questions about events, and a page of the answer.
//
// Consumer groups:
//
//   - group.go: a group, and how far it got;
//   - start.go: a place in a stream, as people name it;
//   - backoff.go: how long a refused event waits;
//   - delivery.go: a poll, what it hands out, and a refusal;
//   - progress.go: a group's state as a store keeps it, and a step to the next one;
//   - attempt.go: a failed attempt to have events processed;
//   - deadletter.go, replay.go: what could not be processed, and giving it back;
//   - trace.go: the way of one event through all groups;
//   - numbers.go: the summary, the histogram and the census of groups, which are
//     read and never stored.
//
// Processing:
//
//   - processor.go: what is done with a stream's events, and where they are sent;
//   - trial.go: what a filter and a transform would do;
//   - deliveryattempt.go: an attempt to send an event, and how many there were;
//   - pipeline.go: a filter and a transform, compiled;
//   - sink.go: a destination, what it is handed, and what became of that;
//   - source.go: an address at which senders put events in, and what it refused;
//   - feed.go: a system that a source fetches events from.
//
// Who may do what:
//
//   - organization.go, user.go, key.go: tenants, people and machines' credentials;
//   - keyfate.go: what becomes of the keys of people who leave;
//   - membership.go: an organization that a person may switch to;
//   - session.go, token.go, ticket.go: a sign-in, what its tokens say, and the right
//     to do one thing once;
//   - principal.go, role.go: who makes a request, and what roles and actions there
//     are;
//   - seal.go: how secrets are kept that the server itself uses;
//   - visitor.go: where a request comes from;
//   - audit.go: what is recorded of it;
//   - limit.go, rate.go: how often something may be done, and a limit of one's own;
//   - share.go: what organizations share, and what refuses more than a part of it;
//   - budget.go: how much work a definition of a tenant may cause.
//
// What an adapter must do:
//
//   - storage.go: the log of events, all that a storage of your own implements;
//   - shard.go: what a storage says besides that keeps its streams in several places;
//   - extent.go: how far they have come, to find out an engine that lost something;
//   - move.go: what it takes to move a stream from one place to another;
//   - copy.go: what a storage may do besides: its log can be copied into another one;
//   - catalog.go: everything small that people configure. What keeps processors, sources,
//     schemas and the quarantine is in the files of these;
//   - pool.go, disk.go: how much of its connections and of its disk an engine uses;
//   - ports.go: tokens, passwords, mail, news between nodes, schemas, permissions
//     and rate limits;
//   - examine.go: what a look at an installation finds, and who can look at itself;
//   - ran.go: who is told of the work that a node does by itself.
package core
