package objectstore

import (
	"bytes"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/eventflow-go/eventflow/core"
)

// formatParquet is the format Parquet, with a column for each field of an event. It is
// the ending of the files' names, too.
const formatParquet = "parquet"

// row is an event in Parquet. Payload and context are JSON in a column each: their
// fields differ from type to type, and who reads Parquet reads JSON, too. The context is
// a text to Parquet, because the library breaks JSON that may be missing (v0.32.0).
type row struct {
	ID             string    `parquet:"event_id"`
	Stream         string    `parquet:"stream_id"`
	Offset         int64     `parquet:"offset"`
	Type           string    `parquet:"event_type,dict"`
	Version        int32     `parquet:"event_version"`
	OccurredAt     time.Time `parquet:"occurred_at,timestamp(microsecond)"`
	ReceivedAt     time.Time `parquet:"received_at,timestamp(microsecond)"`
	Source         string    `parquet:"source,dict"`
	Subject        string    `parquet:"subject,optional"`
	Payload        string    `parquet:"payload,json"`
	Context        string    `parquet:"context,optional"`
	APIKeyID       string    `parquet:"api_key_id,optional"`
	IdempotencyKey string    `parquet:"idempotency_key,optional"`
}

func rowOf(event *core.Event) row {
	r := row{
		ID: event.ID.String(), Stream: event.Stream.String(), Offset: int64(event.Offset), Type: event.Type, Version: event.Version,
		OccurredAt: event.OccurredAt, ReceivedAt: event.ReceivedAt, Source: event.Source, Subject: event.Subject,
		Payload: string(event.Payload), Context: string(event.Context), IdempotencyKey: event.IdempotencyKey,
	}
	if !event.APIKeyID.IsZero() {
		r.APIKeyID = event.APIKeyID.String()
	}
	return r
}

// tableOf returns the events as a file in the format Parquet.
func tableOf(events []core.Outgoing) ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Zstd))
	rows := make([]row, len(events))
	for i := range events {
		rows[i] = rowOf(&events[i].Event)
	}
	if _, err := w.Write(rows); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
