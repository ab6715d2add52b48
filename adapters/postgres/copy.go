package postgres

import (
	"encoding/binary"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The binary COPY format: https://www.postgresql.org/docs/current/sql-copy.html

// copyColumns is how many values a row has. appendCopyRow writes them in the
// order of the columns in the plan's statement, in the types of the table: the
// binary format names neither, and PostgreSQL notices only some of the mistakes.
const copyColumns = 15

// appendCopyHeader writes the signature, no flags and no extension.
func appendCopyHeader(b []byte) []byte {
	return append(b, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
}

func appendCopyRow(b []byte, batch *core.Batch, day int32, entry *core.Entry) []byte {
	b = binary.BigEndian.AppendUint16(b, copyColumns)
	b = appendID(b, batch.Stream)
	b = appendInt32(b, day)
	b = appendInt64(b, int64(entry.Offset))
	b = appendID(b, batch.Org)
	b = appendID(b, entry.ID)
	b = appendText(b, entry.Type)
	b = appendInt32(b, entry.Version)
	b = appendInt64(b, postgresMicros(entry.OccurredAt))
	b = appendInt64(b, postgresMicros(entry.ReceivedAt))
	b = appendText(b, entry.Source)
	b = appendText(b, entry.Subject)
	b = appendNullable(b, entry.APIKeyID[:], entry.APIKeyID.IsZero())
	b = appendText(b, entry.IdempotencyKey)
	b = appendNullable(b, entry.Context, len(entry.Context) == 0)
	return appendText(b, entry.Payload)
}

// appendText writes a value whose binary form is its bytes: text, json, uuid.
func appendText[T ~string | ~[]byte](b []byte, text T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func appendNullable(b, value []byte, null bool) []byte {
	if null {
		return binary.BigEndian.AppendUint32(b, 0xffffffff) // a length of -1
	}
	return appendText(b, value)
}

func appendID(b []byte, id core.ID) []byte { return appendText(b, id[:]) }

func appendInt32(b []byte, n int32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), uint32(n))
}

func appendInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
}

// epoch is 2000-01-01, from which PostgreSQL counts a timestamp's microseconds, in
// microseconds since 1970.
const epoch = 946_684_800_000_000

func postgresMicros(t time.Time) int64 { return t.UnixMicro() - epoch }

func fromPostgresMicros(micros int64) time.Time { return time.UnixMicro(micros + epoch).UTC() }
