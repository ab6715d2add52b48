package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The statements for idempotency keys.
const (
	selectKey  = `select key, "offset", id, received_at, fingerprint from event_keys where stream = ? and key = ?`
	selectKeys = `select key, "offset", id, received_at, fingerprint from event_keys where stream = ? and key in `

	deleteKey = `delete from event_keys where stream = ? and key = ?`
	// See insertEvents.
	insertKeys     = `insert or fail into event_keys (stream, key, "offset", id, received_at, fingerprint) values `
	keyRow         = `(?, ?, ?, ?, ?, ?)`
	insertKey      = insertKeys + keyRow
	keyColumns     = 6
	keysPerSelect  = 32
	keysPerInsert  = 32
	selectManyKeys = selectKeys + `(?` + `,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
)

// insertManyKeys is insertKey for keysPerInsert keys.
var insertManyKeys = insertKey + strings.Repeat(","+keyRow, keysPerInsert-1)

// storedKey is what is remembered of the event that has a key.
type storedKey struct {
	offset      core.Offset
	id          core.ID
	receivedAt  time.Time
	fingerprint core.Fingerprint
}

// keys are the idempotency keys of one append. Those that it finds known, and those that
// it adds, are told apart from new ones. An execution costs about as much as a row, so
// many keys are read and written at once.
type keys struct {
	in *inserter
	// known are the keys of the streams, by their numbers. It is nil without any.
	known map[int64]map[string]storedKey
	// args are the columns of the keys that wait for their statement.
	args []any
}

func (in *inserter) keys() *keys { return &keys{in: in} }

// look reads which keys of the entries the stream has.
func (k *keys) look(ctx context.Context, stream int64, entries []core.Entry) error {
	var texts []any
	for i := range entries {
		if key := entries[i].IdempotencyKey; key != "" {
			texts = append(texts, key)
		}
	}
	if k.known[stream] == nil && len(texts) > 0 {
		if k.known == nil {
			k.known = map[int64]map[string]storedKey{}
		}
		k.known[stream] = make(map[string]storedKey, len(texts))
	}
	for len(texts) > 0 {
		text, n := selectKey, 1
		if len(texts) >= keysPerSelect {
			text, n = selectManyKeys, keysPerSelect
		}
		if err := k.read(ctx, text, stream, texts[:n]); err != nil {
			return err
		}
		texts = texts[n:]
	}
	return nil
}

// read adds what a statement finds. A key that was added in the same append stays.
func (k *keys) read(ctx context.Context, text string, stream int64, texts []any) (err error) {
	found, err := k.in.statements[text].QueryContext(ctx, append([]any{stream}, texts...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var key string
		var offset, receivedAt int64
		var id, fingerprint sql.RawBytes
		if err := found.Scan(&key, &offset, &id, &receivedAt, &fingerprint); err != nil {
			return err
		}
		if _, added := k.known[stream][key]; !added {
			k.note(stream, key, storedKey{core.Offset(offset), core.ID(id), fromMicros(receivedAt), core.Fingerprint(fingerprint)})
		}
	}
	return found.Err()
}

func (k *keys) note(stream int64, key string, stored storedKey) {
	k.known[stream][key] = stored
}

// recall reports whether an entry's key is known. A key of an event that was received
// before since does not count any more. The entry of a known key becomes the event that
// has it, or a mismatch where that event's content is another.
func (k *keys) recall(stream int64, entry *core.Entry, since time.Time) bool {
	stored, known := k.known[stream][entry.IdempotencyKey]
	if !known || stored.receivedAt.Before(since) {
		return false
	}
	if stored.fingerprint != entry.Fingerprint {
		entry.Outcome = core.Mismatch
		return true
	}
	entry.ID, entry.Offset, entry.ReceivedAt, entry.Outcome = stored.id, stored.offset, stored.receivedAt, core.Duplicate
	return true
}

// add remembers an entry's key, in place of one that is too old to count. All keys of the
// entries have been looked for.
func (k *keys) add(ctx context.Context, stream int64, entry *core.Entry) error {
	if _, old := k.known[stream][entry.IdempotencyKey]; old {
		if err := errors.Join(k.flush(ctx), k.in.exec(ctx, deleteKey, stream, entry.IdempotencyKey)); err != nil {
			return err
		}
	}
	k.note(stream, entry.IdempotencyKey, storedKey{entry.Offset, entry.ID, entry.ReceivedAt, entry.Fingerprint})
	k.args = append(k.args, stream, entry.IdempotencyKey, int64(entry.Offset), entry.ID[:], entry.ReceivedAt.UnixMicro(), entry.Fingerprint[:])
	if len(k.args) < keysPerInsert*keyColumns {
		return nil
	}
	err := k.in.exec(ctx, insertManyKeys, k.args...)
	k.args = k.args[:0]
	return err
}

// flush writes the keys that still wait, one by one.
func (k *keys) flush(ctx context.Context) error {
	for args := k.args; len(args) > 0; args = args[keyColumns:] {
		if err := k.in.exec(ctx, insertKey, args[:keyColumns]...); err != nil {
			return err
		}
	}
	k.args = k.args[:0]
	return nil
}
