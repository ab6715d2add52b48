// Package deliver hands the events of a log to consumer groups: in leases, at least
// once each, and in order where the group is ordered. An event that fails is tried
// again, and one that keeps failing becomes a dead letter. [New] is the way in.
//
// The progress of a group is one small document. A pure state machine turns it into
// the next one, and a step stores that one unless another node was faster. The files,
// in reading order.
//
// The state machine, which is told time and chance and knows no store:
//
//   - state.go: the document, and the effect of retention and of a reset on it;
//   - span.go: the run of offsets with one fate that everything is made of;
//   - take.go: which events go out next, in ordered and in shared groups;
//   - keyed.go: which go out next where events of one key are in order;
//   - queue.go: the events that wait behind others of their key;
//   - lease.go: the events that one consumer holds, until the lease expires;
//   - pastlease.go: how the last leases ended, for a consumer that comes back late;
//   - settle.go: ack, nack, extend and commit;
//   - waiting.go: failed events, and when they go out again;
//   - unleased.go: what becomes of a group in a copy of the installation;
//
// The steps, which make it durable:
//
//   - turns.go: one step after the other, and anew where another node was faster;
//   - lane.go: the queue of one group;
//   - op.go: one thing to be done in a step, and its answer;
//   - turn.go: one step in the making, and how it is stored;
//   - park.go: the dead letters that a step makes;
//
// The use cases, which check who asks:
//
//   - deliver.go: all of them, and their ports;
//   - groups.go: making, changing and resetting groups;
//   - consumers.go: polls, from the request to the events;
//   - lookahead.go: the keys of the events that come next;
//   - contents.go: the events of a lease;
//   - longpoll.go: polls that wait, of which there may be thousands;
//   - acknowledge.go: the answers of consumers;
//   - workers.go: consumers that are part of the server;
//   - ahead.go: what the only consumer of a group gets next, read while it is busy;
//   - letters.go: dead letters, one by one;
//   - replays.go: giving back many dead letters;
//   - replayer.go: the worker that does it;
//   - withdraw.go: stopping it once whoever wanted it may not want it any more;
//   - tracer.go: what has become of one event;
//
// The numbers, which people and metrics ask for:
//
//   - numbers.go: who counts;
//   - lag.go: how far a group is behind, in events and in seconds;
//   - standing.go: groups beside the bounds of their streams;
//   - overview.go: streams and groups in lists;
//   - summary.go: an organization;
//   - summaries.go: summaries that were counted a moment ago;
//   - histogram.go: a stream over time;
//   - census.go: the whole installation.
//
// The backoff is [core.Backoff]. testdata tells the rules of the state machine as
// transcripts, and the examples show the use cases.
package deliver
