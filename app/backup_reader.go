package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/eventflow-go/eventflow/adapters/backupfile"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// backupReader reads a backup from its beginning to its end.
type backupReader struct {
	file *backupfile.Reader
	head manifest
	logs []core.StreamLog
	// next is the part that is being read, and ended whether there is none.
	next  partHead
	ended bool
}

// openBackup reads what a backup begins with. Close its file.
func openBackup(from io.Reader) (*backupReader, error) {
	reader, err := backupfile.NewReader(from)
	if err != nil {
		return nil, err
	}
	b := &backupReader{file: reader}
	if err := b.begin(); err != nil {
		reader.Close()
		return nil, err
	}
	return b, nil
}

func (b *backupReader) begin() error {
	if err := b.part(); err != nil {
		return err
	}
	if b.next.Backup == nil {
		return fmt.Errorf("%w: it does not say what it is of", backupfile.ErrDamaged)
	}
	b.head = *b.next.Backup
	if err := b.part(); err != nil {
		return err
	}
	for line, err := range b.lines() {
		var one streamLine
		if err == nil {
			err = json.Unmarshal(line, &one)
		}
		if err != nil {
			return fmt.Errorf("the list of streams: %w", err)
		}
		b.logs = append(b.logs, one.log())
	}
	return b.part()
}

// part goes to the next part.
func (b *backupReader) part() error {
	b.next = partHead{}
	err := b.file.Part(&b.next)
	if errors.Is(err, io.EOF) {
		b.ended = true
		return nil
	}
	return err
}

// lines yields the lines of the part. Each is good until the next one.
func (b *backupReader) lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := b.file.Line()
			if errors.Is(err, io.EOF) || !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// rows hands each row of the catalog to add, table by table.
func (b *backupReader) rows(add func(table string, row catalog.Row) error) error {
	for b.next.Table != "" {
		for line, err := range b.lines() {
			if err != nil {
				return err
			}
			var row catalog.Row
			if err := json.Unmarshal(line, &row); err != nil {
				return fmt.Errorf("a row of the table %s: %w", b.next.Table, err)
			}
			if err := add(b.next.Table, row); err != nil {
				return err
			}
		}
		if err := b.part(); err != nil {
			return err
		}
	}
	return nil
}

// streams hands each stream to put, with its entries, all of which it has to read.
func (b *backupReader) streams(put func(of core.StreamLog, entries iter.Seq2[core.Entry, error]) error) error {
	for _, of := range b.logs {
		if b.next.Events != of.Stream {
			return fmt.Errorf("%w: the events of the stream %s are missing", backupfile.ErrDamaged, of.Stream)
		}
		if err := put(of, b.entries(of.Stream)); err != nil {
			return err
		}
		if err := b.part(); err != nil {
			return err
		}
	}
	if !b.ended {
		return fmt.Errorf("%w: it has parts that do not belong there", backupfile.ErrDamaged)
	}
	return nil
}

func (b *backupReader) entries(stream core.ID) iter.Seq2[core.Entry, error] {
	return func(yield func(core.Entry, error) bool) {
		for line, err := range b.lines() {
			var entry core.Entry
			if err == nil {
				entry, err = eventlog.DecodeEntry(stream, line)
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}
