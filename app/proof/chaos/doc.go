// Package chaos kills servers and databases under load and checks that no
// promise was broken: what was acknowledged is in the log exactly once, byte
// for byte, offsets have no gap, and whoever followed the log missed nothing.
//
// It also pauses a server that shares its database with another one (SIGSTOP), and
// has its connections to the database lose everything without an end. The other
// server must acknowledge again within six seconds, on every stream and every time.
// So that these tests are known to see it when it does not, two more run without
// the time-outs of the sessions, and must find it late.
//
// It makes the network sick between two servers, PostgreSQL and Redis, by toxiproxy: slow,
// resetting connections, and swallowing what is sent. Each request must be answered within
// the server's limit, and servers must work again when the network does.
//
// It cuts the power, by a file system that forgets what was not flushed (package disk),
// under SQLite and under a whole PostgreSQL. That takes root and Linux's FUSE. So that
// these tests are known to see loss, two more run with synchronous=NORMAL and with
// synchronous_commit=off, and must find it.
//
// The same file system gets full, under both engines and under PostgreSQL's own log.
//
// Processors send to a receiver that fails three times in ten, is late, or hangs, and
// copy to another stream, while servers and databases are killed, stopped cleanly, and
// the processors changed and paused.
//
// `make test` kills and pauses a few times and leaves the power on, `make chaos` does
// more of it, and `make chaos-long` pauses, cuts off, cuts the power and kills under
// processors 100 times each, and copies a million events. After n times without a failure
// the true rate of failures is below 3/n, with a confidence of 95 %.
//
// Of three servers of JetStream one is killed or paused, all are killed, a leader, a
// follower, or each in turns is cut off from the others, peers are replaced, and servers for
// good, servers upgraded one after the other, bits flip on the disk of one, or it gets full,
// and the power of one or all is cut, while two servers of EventFlow keep their log there. When servers come back with empty disks, nobody is
// shown an empty log. `make chaos` and `make chaos-long` do it;
// EVENTFLOW_TEST_JETSTREAM_KEEP names a folder for the data and logs of what failed.
//
// Of a store of two shards the server, or the database of either shard, is killed while
// streams move between them.
//
// A primary of PostgreSQL is killed for good, and its synchronous standby takes over. That
// one must acknowledge nothing before it has a standby itself.
//
// `make chaos` also runs the browser tests against three nodes behind a proxy, no two
// requests of a page to the same one, and restarts and pauses each node of such a fleet
// under somebody who is signed in: package e2e.
//
// Two servers hand the same old events over to an archive, and one of them is killed at
// each step of it, while a reader reads them through the other. `make chaos` does it.
//
// Copies from one store into another are killed on the way, and go on; a backup is
// taken under load, and restored on the other engine.
//
// The tests run real processes. The record of what producers and followers saw
// is written outside of them; package history compares it with the log.
package chaos
