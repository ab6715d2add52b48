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
	entry  *core.Entry
	id     core.ID // the entry's own, which a duplicate's replaces
	stream core.ID
	hash   [16]byte
	since  time.Time
	// expired: the key is known, but from before its window.
	expired bool
}

// keyHash stands for a key in the database: 128 bits of SHA-256, which need no
// escaping and make small index entries.
func keyHash(key string) [16]byte {
	sum := sha256.Sum256([]byte(key))
	return [16]byte(sum[:16])
}

type streamKey struct{ stream, hash [16]byte }

// sender is a connection, within a transaction or not.
type sender interface {
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// recall looks the plan's keys up and answers the entries whose key is known.
// It reads the streams' counters anew with them: a stream of which nothing but
// duplicates came takes no offsets, so that no guard would notice its clock.
func (p *plan) recall(ctx context.Context, conn sender) error {
	if len(p.keyed) == 0 {
		return nil
	}
	wanted := make(map[streamKey]*keyedEntry, len(p.keyed))
	streams, hashes := make([][16]byte, len(p.keyed)), make([][16]byte, len(p.keyed))
	for i := range p.keyed {
		k := &p.keyed[i]
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

// answer gives the entry the event that has its key.
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

// writeKeys remembers the new keys. One that another server remembered
// meanwhile violates the primary key, and the append begins anew.
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
