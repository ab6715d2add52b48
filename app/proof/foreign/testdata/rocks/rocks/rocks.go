// Package rocks is a storage of a team's own, in a module of its own: a journal
// file that is flushed before anything is acknowledged, over an index in
// memory that is rebuilt from the journal.
package rocks

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// Storage implements core.Storage.
type Storage struct {
	core.Storage // the index, which answers the reads

	mu      sync.Mutex
	journal *os.File
}

// record is one change of the log.
type record struct {
	At      time.Time
	Batches []core.Batch // an append
	Trimmed core.ID      // or a trim
}

// Open opens the journal in the folder that the URL names: rocks:FOLDER.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	index, err := memory.Open(ctx, nil)
	if err != nil {
		return nil, err
	}
	folder := u.Opaque + u.Path // rocks:relative or rocks:/absolute
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	journal, err := os.OpenFile(filepath.Join(folder, "journal"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s := &Storage{Storage: index, journal: journal}
	return s, s.replay(ctx)
}

// replay rebuilds the index. A record that a crash cut short was never
// acknowledged, and is cut off.
func (s *Storage) replay(ctx context.Context) error {
	var whole int64
	for {
		var size [4]byte
		if _, err := io.ReadFull(s.journal, size[:]); err != nil {
			break
		}
		text := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(s.journal, text); err != nil {
			break
		}
		var r record
		if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&r); err != nil {
			return err
		}
		if err := s.apply(ctx, r); err != nil {
			return err
		}
		whole += int64(len(size) + len(text))
	}
	if err := s.journal.Truncate(whole); err != nil {
		return err
	}
	_, err := s.journal.Seek(whole, io.SeekStart)
	return err
}

func (s *Storage) apply(ctx context.Context, r record) error {
	if r.Batches == nil {
		return s.Storage.Trim(ctx, r.Trimmed, r.At)
	}
	return s.Storage.Append(ctx, r.At, r.Batches)
}

// write makes a record durable.
func (s *Storage) write(r record) error {
	text := bytes.NewBuffer(make([]byte, 4))
	if err := gob.NewEncoder(text).Encode(r); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(text.Bytes(), uint32(text.Len()-4))
	if _, err := s.journal.Write(text.Bytes()); err != nil {
		return err
	}
	return s.journal.Sync()
}

// Append implements core.Appender: journal first, then the index.
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkClock(ctx, at, batches); err != nil {
		return err
	}
	if err := s.write(record{At: at, Batches: batches}); err != nil {
		return errors.Join(core.ErrUnknownOutcome, err)
	}
	return s.Storage.Append(ctx, at, batches)
}

// checkClock refuses, before it is in the journal, what the index would refuse.
func (s *Storage) checkClock(ctx context.Context, at time.Time, batches []core.Batch) error {
	for i := range batches {
		bounds, err := s.Bounds(ctx, []core.ID{batches[i].Stream})
		if err != nil {
			return err
		}
		if at.Before(bounds[0].Last) {
			return &core.ClockError{Last: bounds[0].Last}
		}
	}
	return nil
}

// Trim implements core.Trimmer.
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(record{At: before, Trimmed: stream}); err != nil {
		return err
	}
	return s.Storage.Trim(ctx, stream, before)
}

// Check implements core.Storage: the journal is flushed before every answer.
func (s *Storage) Check(context.Context) error {
	_, err := s.journal.Stat()
	return err
}

// Close implements core.Storage.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.Storage.Close(), s.journal.Close())
}
