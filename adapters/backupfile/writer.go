// Package backupfile is the format of a backup: one stream of parts, each of which is
// lines of JSON, compressed by zstd. `zstd -dc FILE | head` shows what is in it.
//
//	["eventflow backup",1]             what it is, and the version of the format
//	["part",{…}]                       begins a part, and says which
//	{…}                                a line of it, an object
//	["end of part",2,"5891b5b5…"]      how many lines it has, and the SHA-256 of them
//	["end of backup",1,"a3f5c0d1…"]    how many parts there are, and the SHA-256 of theirs
//
// A line that was altered, left out or moved shows at the end of its part, a part at
// the end of the backup, and a backup that was cut off has no end.
package backupfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// What the first line says.
const (
	name    = "eventflow backup"
	version = 1
)

// Writer writes a backup. It is for one goroutine.
type Writer struct {
	packed *zstd.Encoder
	parts  counted
	lines  counted
	// open is whether a part has begun and not ended.
	open bool
}

// counted is how many of something there are, and the hash of all of them.
type counted struct {
	n   int64
	sum hash.Hash
}

func newCounted() counted { return counted{sum: sha256.New()} }

func (c *counted) add(text []byte) {
	c.n++
	c.sum.Write(text)
	c.sum.Write([]byte{'\n'})
}

func (c *counted) hex() string { return hex.EncodeToString(c.sum.Sum(nil)) }

// NewWriter begins a backup.
func NewWriter(to io.Writer) (*Writer, error) {
	packed, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	w := &Writer{packed: packed, parts: newCounted()}
	err = w.mark(name, version)
	return w, err
}

// mark writes a line that is no part's.
func (w *Writer) mark(values ...any) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return w.write(text)
}

func (w *Writer) write(line []byte) error {
	if _, err := w.packed.Write(line); err != nil {
		return err
	}
	_, err := w.packed.Write([]byte{'\n'})
	return err
}

// Part begins the next part. head says which it is, as JSON.
func (w *Writer) Part(head any) error {
	if err := w.endPart(); err != nil {
		return err
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	w.lines, w.open = newCounted(), true
	w.lines.sum.Write(text)
	return w.mark("part", json.RawMessage(text))
}

func (w *Writer) endPart() error {
	if !w.open {
		return nil
	}
	w.open = false
	sum := w.lines.hex()
	w.parts.add([]byte(sum))
	return w.mark("end of part", w.lines.n, sum)
}

// Line adds a line to the part: a JSON object without a line break.
func (w *Writer) Line(line []byte) error {
	if !w.open || len(line) == 0 || line[0] != '{' || bytes.IndexByte(line, '\n') >= 0 {
		return errors.New("a line of a backup must be a JSON object in one line of a part")
	}
	w.lines.add(line)
	return w.write(line)
}

// Close ends the backup. Without it there is none.
func (w *Writer) Close() error {
	if err := w.endPart(); err != nil {
		return err
	}
	if err := w.mark("end of backup", w.parts.n, w.parts.hex()); err != nil {
		return err
	}
	return w.packed.Close()
}

// Abandon lets go of a backup that has no end.
func (w *Writer) Abandon() { w.packed.Reset(nil) }
