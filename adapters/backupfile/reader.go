package backupfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// ErrDamaged marks what is wrong with a file that is no backup, or not a whole one.
var ErrDamaged = errors.New("the backup is damaged")

// Reader reads a backup and checks it on the way. It is for one goroutine.
type Reader struct {
	packed *zstd.Decoder
	text   *bufio.Reader
	parts  counted
	lines  counted
	open   bool
	// long holds a line that is longer than the buffer.
	long []byte
}

// maxLine bounds a line, and with it the memory that a damaged backup may take: an
// event of the largest size is a sixth of it, with all of its payload escaped.
const maxLine = 64 << 20

// NewReader begins to read a backup. Close it.
func NewReader(from io.Reader) (*Reader, error) {
	packed, err := zstd.NewReader(from, zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	r := &Reader{packed: packed, text: bufio.NewReaderSize(packed, 1<<20), parts: newCounted()}
	var kind string
	var written int
	if err := r.mark(&kind, &written); err != nil || kind != name {
		packed.Close()
		return nil, fmt.Errorf("%w: it is not one that 'eventflow backup' has made, or its beginning is missing", ErrDamaged)
	}
	if written > version {
		packed.Close()
		return nil, fmt.Errorf("the backup has the format %d and this program knows only %d: run a newer eventflow", written, version)
	}
	return r, nil
}

// Close lets go of the reader.
func (r *Reader) Close() { r.packed.Close() }

// next reads a line. It is good until the next call.
func (r *Reader) next() ([]byte, error) {
	line, err := r.text.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = r.long[:0]
		for errors.Is(err, bufio.ErrBufferFull) && len(r.long) < maxLine {
			r.long = append(r.long, line...)
			line, err = r.text.ReadSlice('\n')
		}
		r.long = append(r.long, line...)
		line = r.long
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: it was cut off after %d of its parts", ErrDamaged, r.parts.n)
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: a line of part %d is too long", ErrDamaged, r.parts.n+1)
	case err != nil:
		return nil, fmt.Errorf("%w in part %d: %w", ErrDamaged, r.parts.n+1, err)
	}
	return bytes.TrimSuffix(line, []byte{'\n'}), nil
}

// mark reads a line that is no part's.
func (r *Reader) mark(values ...any) error {
	line, err := r.next()
	if err != nil {
		return err
	}
	return unmark(line, values...)
}

func unmark(line []byte, values ...any) error {
	var found []json.RawMessage
	if err := json.Unmarshal(line, &found); err != nil || len(found) < len(values) {
		return fmt.Errorf("%w: %.40q is not what it has there", ErrDamaged, line)
	}
	for i, value := range values {
		if err := json.Unmarshal(found[i], value); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return nil
}

// Part goes to the next part and reads its head. It passes over what is left of the
// part before, and checks that. It is [io.EOF] where the backup is whole and has no more.
func (r *Reader) Part(head any) error {
	for r.open {
		if _, err := r.Line(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	line, err := r.next()
	if err != nil {
		return err
	}
	var kind string
	var second json.RawMessage
	if err := unmark(line, &kind, &second); err != nil {
		return err
	}
	switch kind {
	case "part":
		r.lines, r.open = newCounted(), true
		r.lines.sum.Write(second)
		if err := json.Unmarshal(second, head); err != nil {
			return fmt.Errorf("%w: the head of part %d: %w", ErrDamaged, r.parts.n+1, err)
		}
		return nil
	case "end of backup":
		return r.end(line)
	}
	return fmt.Errorf("%w: it has a line of the kind %.40q", ErrDamaged, kind)
}

// end checks the end of the backup, behind which nothing may be.
func (r *Reader) end(line []byte) error {
	if err := r.parts.matches(line); err != nil {
		return fmt.Errorf("%w: parts are missing or were moved", ErrDamaged)
	}
	if _, err := r.text.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it goes on behind its end", ErrDamaged)
	}
	return io.EOF
}

// matches compares with a line that says how many there are, and their hash.
func (c *counted) matches(line []byte) error {
	var kind, sum string
	var n int64
	if err := unmark(line, &kind, &n, &sum); err != nil || n != c.n || sum != c.hex() {
		return ErrDamaged
	}
	return nil
}

// Line returns the next line of the part, which is good until the next call, and
// [io.EOF] where the part is whole and has no more.
func (r *Reader) Line() ([]byte, error) {
	if !r.open {
		return nil, io.EOF
	}
	line, err := r.next()
	if err != nil {
		return nil, err
	}
	if len(line) > 0 && line[0] == '{' {
		r.lines.add(line)
		return line, nil
	}
	r.open = false
	if err := r.lines.matches(line); err != nil {
		return nil, fmt.Errorf("%w: lines of part %d are missing or were altered", ErrDamaged, r.parts.n+1)
	}
	r.parts.add([]byte(r.lines.hex()))
	return nil, io.EOF
}
