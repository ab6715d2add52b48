// Package process does something with the events of a stream without a consumer of its
// owner's: it filters them, transforms them, and sends them to a destination. [New] is
// the way in.
//
// A processor is a consumer group whose consumer is this package. So leases, retries,
// dead letters, lag and reset are those of core/deliver, and every node takes part. The
// files, in reading order.
//
// The use cases, which check who asks:
//
//   - process.go: all of them, and their ports;
//   - processors.go: making, reading and deleting processors;
//   - changes.go: changing, pausing, resuming them, and rotating their secrets;
//   - destinations.go: what somebody says about a destination, checked and sealed;
//   - streamsink.go: another stream as a destination;
//   - circles.go: streams that would feed themselves;
//   - trial.go: what a filter and a transform would do;
//   - verdict.go: what processors make of one event, for its trace;
//   - deliveries.go: attempts to send, sending one again, and giving back what failed;
//   - census.go: how many processors there are in an installation;
//
// The work:
//
//   - runner.go: which processors work on this node;
//   - work.go: one of them, from lease to lease;
//   - lease.go: the events of one lease, on their way to the sink;
//   - slowlane.go: pipelines that take long, and the CPU that they may have;
//   - attemptid.go: ids of attempts, in their order;
//   - settling.go: what became of them, as the group is told;
//   - tally.go: what was done, as people are told;
//   - disable.go: ending a processor whose destination does not want or answer.
package process
