package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

// keyedEntry is an entry with an idempotency key.
type keyedEntry struct {
	entry *core.Entry
	// id is the entry's own id. A duplicate takes over the id of the event before
	// it, and gets its own one back if the append is begun anew.
	id     core.ID
	stream core.ID
	hash   [16]byte
	// since is where the stream's window begins: an older key counts as unknown.
	since time.Time
	// expired says that the key is stored, and is older than since. Its row has to
	// go before the new one can be stored.
	expired bool
}

// keyHash stands for a key in the database. It is 128 bits of SHA-256: they make
// small index entries, need no escaping in a statement, and two keys with the
// same ones are not to be expected.
func keyHash(key string) [16]byte {
	sum := sha256.Sum256([]byte(key))
	return [16]byte(sum[:16])
}

type streamKey struct{ stream, hash [16]byte }

// sender is a connection or a transaction.
type sender interface {
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// recall looks the plan's keys up and answers the entries whose key is known.
//
// In the same round trip it reads the streams' counters anew. An append that
// brings nothing but duplicates to a stream takes no offsets there, so the guard
// in the database is not asked, and would not notice that the stream's time is
// later than the group's.
func (p *plan) recall(ctx context.Context, conn sender) error {
	if len(p.keyed) == 0 {
		return nil
	}
	wanted := make(map[streamKey]*keyedEntry, len(p.keyed))
	streams, hashes := make([][16]byte, len(p.keyed)), make([][16]byte, len(p.keyed))
	for i := range p.keyed {
		k := &p.keyed[i]
		// What an attempt before has found is void: this one looks for itself.
		k.expired, k.entry.ID, k.entry.Outcome = false, k.id, core.Stored
		streams[i], hashes[i] = k.stream, k.hash
		wanted[streamKey{k.stream, k.hash}] = k
	}
	var batch pgx.Batch
	batch.Queue(`select stream, next_offset, last_at from heads where stream = any($1)`, streams)
	batch.Queue(`select k.stream, k.key, k."offset", k.id, k.received_at, k.fingerprint
		from unnest($1::uuid[], $2::uuid[]) as wanted (stream, key) join event_keys k using (stream, key)`, streams, hashes)
	results := conn.SendBatch(ctx, &batch)
	defer results.Close() //nolint:errcheck // the reads below say what went wrong
	heads, err := results.Query()
	if err != nil {
		return err
	}
	if err := p.readHeads(heads); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	var key streamKey
	var id, fingerprint [16]byte
	var offset core.Offset
	var receivedAt time.Time
	_, err = pgx.ForEachRow(rows, []any{&key.stream, &key.hash, &offset, &id, &receivedAt, &fingerprint}, func() error {
		wanted[key].answer(offset, id, receivedAt.UTC(), fingerprint)
		return nil
	})
	return errors.Join(err, results.Close())
}

// answer tells the entry about the event that has its key.
func (k *keyedEntry) answer(offset core.Offset, id core.ID, receivedAt time.Time, fingerprint core.Fingerprint) {
	switch {
	case receivedAt.Before(k.since):
		k.expired = true
	case fingerprint != k.entry.Fingerprint:
		k.entry.Outcome = core.Mismatch
	default:
		k.entry.Outcome = core.Duplicate
		k.entry.ID, k.entry.Offset, k.entry.ReceivedAt = id, offset, receivedAt
	}
}

// writeKeys writes the statements that remember the new keys. A key that another
// server has stored since recall violates the primary key, which refuses the
// whole append. An expired key is removed only while it is still the old one: if
// another server has renewed it, the insert is what is refused.
func (p *plan) writeKeys(b *bytes.Buffer) {
	separator := "insert into event_keys (stream, key, \"offset\", id, received_at, fingerprint) values\n"
	for i := range p.keyed {
		if k := &p.keyed[i]; k.expired {
			fmt.Fprintf(b, "delete from event_keys where stream = '%s' and key = '%x' and received_at < '%s';\n", k.stream, k.hash, sqlTime(k.since))
		}
	}
	for i := range p.keyed {
		k := &p.keyed[i]
		if k.entry.Outcome != core.Stored {
			continue
		}
		fmt.Fprintf(b, "%s('%s', '%x', %d, '%s', '%s', '%x')", separator, k.stream, k.hash, k.entry.Offset, k.entry.ID, sqlTime(p.at), k.entry.Fingerprint)
		separator = ",\n"
	}
	if separator == ",\n" {
		b.WriteString(";\n")
	}
}
