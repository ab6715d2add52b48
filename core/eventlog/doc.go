// Package eventlog takes events in, keeps their order and answers questions about
// them. Its use cases hold on every storage what the product promises: an
// acknowledged event is durable, its offset follows the order of commits, and a key
// that comes again stores nothing.
//
// The files, in reading order. Streams:
//
//   - streams.go: making, changing and deleting them;
//   - open_stream.go: from the name in a request to a stream ready for use;
//   - stream_list.go: pages of streams;
//   - moves.go: bringing a stream to another shard of the store;
//   - moves_left.go: moves whose server has died;
//   - shares.go: what an organization may have of them, and of all else;
//   - evaluations.go: an organization's share of the CPU for its schemas;
//   - schemas.go: the versions of schemas of types of events, and their compatibility;
//   - schema_trial.go: what would become of a schema, and a schema from events.
//
// From a request to a durable offset:
//
//   - ingest.go, batch.go: one event, and many events for one or several streams;
//   - misfit.go: what becomes of events that do not fit;
//   - quarantine.go: what people decide about those that are kept apart;
//   - fingerprint.go: what tells two events with one idempotency key apart;
//   - commit.go: the group commit, many requests to a transaction;
//   - pending.go: a request that waits for its commit;
//   - lane.go: the queue and the one goroutine that commits it;
//   - scatter.go: a group whose streams turned out to be on several shards;
//   - ahead.go: streams whose newest event is ahead of the clock;
//   - outcome.go: what to do when the connection breaks during a commit;
//   - shared_clock.go: the one clock by which all nodes judge;
//   - retention.go: what is removed, and when;
//   - handover.go: what goes into the archive;
//   - bound.go: how far the bounds of a stream reach, and what is kept of it;
//   - copy.go: streams on their way into another log or a backup.
//
// Questions:
//
//   - query.go: pages, exports and single events;
//   - stream_walk.go, all_walk.go: the events of one stream, and of all streams,
//     page by page;
//   - turns.go: what reads that go far back take of the store, tails among them.
//
// Following:
//
//   - recent.go: the hub that wakes followers and keeps the newest events;
//   - recent_shards.go: news of one shard while another one hangs;
//   - followed.go: a stream with followers, and what is kept of it;
//   - tails.go: live views, for people who watch;
//   - pace.go: what all tails together may take of a node;
//   - reads.go: what requests that read the log may take while others produce.
//
// The audit trail:
//
//   - trail.go: adding records and reading them;
//   - deeds.go: how many deeds are recorded one by one;
//   - counts.go: refused requests and all other deeds, counted;
//   - audit_record.go: what makes an event a record, and its hash;
//   - audit_mark.go: a record's number and hash, to be kept elsewhere;
//   - verified.go: is the trail still intact?
//
// The whole log:
//
//   - examination.go, sound.go: is every event there, and as it was stored?
package eventlog
