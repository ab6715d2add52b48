package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// The bounds of a stretch, in events and in bytes.
const (
	stretchEvents = core.MaxBatchEvents
	stretchBytes  = 8 << 20
)

// copied is an entry as it is written into a backup: the API's event, but for the
// stream, which is said once, and the payload and the context, which are texts, because
// JSON within JSON would not keep their bytes.
type copied struct {
	core.Event
	Stream      *core.ID `json:"stream_id,omitempty"`
	Payload     string   `json:"payload"`
	Context     string   `json:"context,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
}

// EncodeEntry writes an entry as one line of JSON, without a line break. Equal entries
// are equal lines.
func EncodeEntry(entry *core.Entry) ([]byte, error) {
	c := copied{Event: entry.Event, Payload: string(entry.Payload), Context: string(entry.Context)}
	if entry.Fingerprint != (core.Fingerprint{}) {
		c.Fingerprint = hex.EncodeToString(entry.Fingerprint[:])
	}
	for _, text := range []string{c.Payload, c.Context, c.Type, c.Source, c.Subject, c.IdempotencyKey} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("the event at offset %d of the stream %s holds text that is not UTF-8", entry.Offset, entry.Stream)
		}
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(c)
	return bytes.TrimSuffix(line.Bytes(), []byte{'\n'}), err
}

// DecodeEntry reads what EncodeEntry has written of an event of a stream.
func DecodeEntry(stream core.ID, line []byte) (core.Entry, error) {
	var c copied
	if err := json.Unmarshal(line, &c); err != nil {
		return core.Entry{}, fmt.Errorf("an event of the stream %s is damaged: %w", stream, err)
	}
	entry := core.Entry{Event: c.Event}
	entry.Stream, entry.Payload = stream, json.RawMessage(c.Payload)
	entry.OccurredAt, entry.ReceivedAt = c.OccurredAt.UTC(), c.ReceivedAt.UTC()
	if c.Context != "" {
		entry.Context = json.RawMessage(c.Context)
	}
	fingerprint, err := hex.DecodeString(c.Fingerprint)
	if err != nil || len(fingerprint) != 0 && len(fingerprint) != len(entry.Fingerprint) {
		return core.Entry{}, fmt.Errorf("the fingerprint of offset %d of the stream %s is damaged", entry.Offset, stream)
	}
	copy(entry.Fingerprint[:], fingerprint)
	return entry, nil
}

// Entries yields what a log has of a stream from an offset on, up to the end that of
// says. What retention removes meanwhile is left out.
func Entries(ctx context.Context, log core.Copyable, of core.StreamLog, from core.Offset) iter.Seq2[core.Entry, error] {
	return func(yield func(core.Entry, error) bool) {
		for from = max(from, of.First); from < of.Next; {
			var page []core.Entry
			err := patiently(ctx, func() (err error) {
				page, err = log.Entries(ctx, of.Stream, core.Scan{From: from, To: of.Next, Limit: stretchEvents, Bytes: stretchBytes})
				return err
			})
			if err != nil {
				yield(core.Entry{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			from = page[len(page)-1].Offset + 1
		}
	}
}

// Stretches makes of a stream's entries from an offset on what another log takes. of says
// where the stream begins and ends. Entries that are missing before its end were removed,
// and the stream begins behind them. There is one stretch at least, which says so. It is
// good until the next one.
func Stretches(of core.StreamLog, from core.Offset, entries iter.Seq2[core.Entry, error]) iter.Seq2[core.Stretch, error] {
	return func(yield func(core.Stretch, error) bool) {
		s := core.Stretch{Org: of.Org, Stream: of.Stream, First: of.First, Last: of.Last}
		next, size := max(from, of.First), 0
		flush := func() bool {
			going := yield(s, nil)
			s.Entries, size = s.Entries[:0], 0
			return going
		}
		for entry, err := range entries {
			if err != nil {
				yield(core.Stretch{}, err)
				return
			}
			if entry.Offset != next {
				if len(s.Entries) > 0 && !flush() {
					return
				}
				s.First = entry.Offset
			}
			s.Entries, next, size = append(s.Entries, entry), entry.Offset+1, size+entry.Size()
			if (len(s.Entries) == stretchEvents || size >= stretchBytes) && !flush() {
				return
			}
		}
		if next < of.Next {
			if len(s.Entries) > 0 && !flush() {
				return
			}
			s.First = of.Next
		}
		yield(s, nil)
	}
}

// CopyStream brings a stream of one log, from an offset on and up to the end that of
// says, into another log. moved is told how many events are there, now and then.
func CopyStream(ctx context.Context, from, to core.Copyable, of core.StreamLog, begin core.Offset, moved func(events int)) error {
	return PutStream(ctx, to, of, begin, Entries(ctx, from, of, begin), moved)
}

// PutStream puts the entries of a stream into a log. The rest is as with [CopyStream].
func PutStream(
	ctx context.Context, to core.Copyable, of core.StreamLog, begin core.Offset, entries iter.Seq2[core.Entry, error], moved func(events int),
) error {
	for stretch, err := range Stretches(of, begin, entries) {
		if err != nil {
			return err
		}
		if err := patiently(ctx, func() error { return to.Put(ctx, stretch) }); err != nil {
			return err
		}
		moved(len(stretch.Entries))
	}
	return nil
}

// patience is how long a copy waits in all for a store that cannot be reached. It takes
// long, and what it does can be done again.
const patience = time.Minute

// patiently calls do again while the store cannot be reached.
func patiently(ctx context.Context, do func() error) error {
	for waited, wait := time.Duration(0), time.Second; ; waited, wait = waited+wait, 2*wait {
		err := do()
		if core.CodeOf(err) != core.CodeUnavailable || waited+wait > patience {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Sum is the SHA-256 of entries as [EncodeEntry] writes them, each with a line break.
func Sum(entries iter.Seq2[core.Entry, error]) (sum [sha256.Size]byte, events int, err error) {
	all := sha256.New()
	for entry, err := range entries {
		if err != nil {
			return sum, events, err
		}
		line, err := EncodeEntry(&entry)
		if err != nil {
			return sum, events, err
		}
		all.Write(append(line, '\n'))
		events++
	}
	return [sha256.Size]byte(all.Sum(nil)), events, nil
}
