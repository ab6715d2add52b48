package jetstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// block is one message: events of one stream at successive offsets, as one append
// brought them. It looks like this, numbers big-endian, times in microseconds:
//
//	version     1 byte
//	flags       1 byte: whether events have times of receipt of their own
//	id          16 bytes, the same for all blocks of an append
//	org         16 bytes
//	stream      16 bytes
//	offset      8 bytes, of the first event
//	count       4 bytes
//	first, last 8 bytes each: when the first and the last event were received
//	events
//	checksum    4 bytes, CRC-32C of everything before
//
// A block of no event says only where the stream goes on, and its clock.
type block struct {
	// seq is the block's place in the partition. It is not in the message.
	seq         uint64
	id          core.ID
	org, stream core.ID
	offset      core.Offset
	count       int
	first, last time.Time
	// entries are all of them, or none where only the rest was asked for.
	entries []core.Entry
}

const (
	blockVersion = 1
	blockHead    = 2 + 3*16 + 8 + 4 + 2*8
	blockTail    = 4
	// ownTimes flags a block whose events were not received at one time.
	ownTimes = 1
)

// The bounds of a block that a writer makes. One event may be larger than bytes.
const (
	blockEvents = 1000
	blockBytes  = 700 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (b *block) next() core.Offset { return b.offset + core.Offset(b.count) }

// encode returns the message.
func (b *block) encode() []byte {
	size := blockHead + blockTail
	for i := range b.entries {
		size += entrySize(&b.entries[i])
	}
	flags := byte(0)
	if b.count > 0 && !b.first.Equal(b.last) {
		flags = ownTimes
	}
	data := append(make([]byte, 0, size), blockVersion, flags)
	data = append(append(append(data, b.id[:]...), b.org[:]...), b.stream[:]...)
	data = binary.BigEndian.AppendUint64(data, uint64(b.offset))
	data = binary.BigEndian.AppendUint32(data, uint32(b.count))
	data = appendTime(appendTime(data, b.first), b.last)
	for i := range b.entries {
		data = appendEntry(data, &b.entries[i], flags)
	}
	return binary.BigEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

// entrySize is at least what appendEntry appends.
func entrySize(e *core.Entry) int {
	return 70 + len(e.Type) + len(e.Source) + len(e.Subject) + len(e.IdempotencyKey) + len(e.Payload) + len(e.Context)
}

func appendTime(data []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(data, uint64(at.UnixMicro()))
}

func appendEntry(data []byte, e *core.Entry, flags byte) []byte {
	data = append(append(data, e.ID[:]...), e.APIKeyID[:]...)
	data = appendTime(data, e.OccurredAt)
	if flags&ownTimes != 0 {
		data = appendTime(data, e.ReceivedAt)
	}
	data = binary.AppendUvarint(data, uint64(e.Version))
	for _, text := range []string{e.Type, e.Source, e.Subject, e.IdempotencyKey} {
		data = append(binary.AppendUvarint(data, uint64(len(text))), text...)
	}
	data = append(binary.AppendUvarint(data, uint64(len(e.Payload))), e.Payload...)
	return append(binary.AppendUvarint(data, uint64(len(e.Context))), e.Context...)
}

// damage is said of a message that cannot be what was written.
func damage(m *message, what string) error {
	return fmt.Errorf("%w: the message at sequence %d of %s is damaged: %s", errDamaged, m.seq, m.subject, what)
}

// decodeHead reads a block without its events. The message's checksum must hold.
func decodeHead(m *message) (*block, error) {
	b, _, _, err := openBlock(m)
	return b, err
}

func openBlock(m *message) (b *block, flags byte, c cursor, err error) {
	body, err := m.sound(blockVersion, blockHead)
	if err != nil {
		return nil, 0, c, err
	}
	c.rest = body[1:]
	b = &block{seq: m.seq}
	flags = c.take(1)[0]
	c.id(&b.id)
	c.id(&b.org)
	c.id(&b.stream)
	b.offset = core.Offset(c.number())
	b.count = int(binary.BigEndian.Uint32(c.take(4)))
	b.first, b.last = c.time(), c.time()
	if b.count > len(c.rest) {
		return nil, 0, c, damage(m, "it has fewer events than it says")
	}
	return b, flags, c, nil
}

// decodeBlock reads a block. It keeps nothing of the message.
func decodeBlock(m *message) (*block, error) {
	b, flags, c, err := openBlock(m)
	if err != nil {
		return nil, err
	}
	b.entries = make([]core.Entry, b.count)
	for i := range b.entries {
		e := &b.entries[i]
		e.Stream, e.Offset, e.ReceivedAt = b.stream, b.offset+core.Offset(i), b.first
		c.entry(e, flags)
	}
	if c.short || len(c.rest) > 0 {
		return nil, damage(m, "its events do not end where it does")
	}
	return b, nil
}

// sound returns a message without its checksum, which must hold.
func (m *message) sound(version byte, least int) ([]byte, error) {
	if len(m.data) < least+blockTail {
		return nil, damage(m, "it is too short")
	}
	body, sum := m.data[:len(m.data)-blockTail], binary.BigEndian.Uint32(m.data[len(m.data)-blockTail:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, damage(m, "its checksum does not hold")
	}
	if body[0] != version {
		return nil, fmt.Errorf("the message at sequence %d of %s has version %d of its format, and this program knows %d; a newer one wrote it", m.seq, m.subject, body[0], version)
	}
	return body, nil
}

// cursor takes a message apart. It is short once more was taken than there was.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return make([]byte, min(max(n, 0), blockHead))
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) id(id *core.ID)  { copy(id[:], c.take(len(id))) }
func (c *cursor) number() uint64  { return binary.BigEndian.Uint64(c.take(8)) }
func (c *cursor) time() time.Time { return time.UnixMicro(int64(c.number())).UTC() }
func (c *cursor) text() string    { return string(c.bytes()) }
func (c *cursor) uvarint() uint64 {
	n, width := binary.Uvarint(c.rest)
	if width <= 0 {
		c.short, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[width:]
	return n
}

func (c *cursor) bytes() []byte {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.short, c.rest = true, nil
		return nil
	}
	return c.take(int(n))
}

func (c *cursor) entry(e *core.Entry, flags byte) {
	c.id(&e.ID)
	c.id(&e.APIKeyID)
	e.OccurredAt = c.time()
	if flags&ownTimes != 0 {
		e.ReceivedAt = c.time()
	}
	e.Version = int32(c.uvarint())
	e.Type, e.Source, e.Subject, e.IdempotencyKey = c.text(), c.text(), c.text(), c.text()
	e.Payload = append([]byte{}, c.bytes()...)
	if context := c.bytes(); len(context) > 0 {
		e.Context = append([]byte{}, context...)
	}
}

// split cuts entries at successive offsets into blocks, which have no id yet. A block
// holds events of one hour, so that retention takes whole blocks.
func split(org, stream core.ID, entries []core.Entry) (blocks []*block) {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && n < blockEvents && (n == 0 || size+entrySize(&entries[n]) <= blockBytes) &&
			hour(entries[n].ReceivedAt).Equal(hour(entries[0].ReceivedAt)) {
			size += entrySize(&entries[n])
			n++
		}
		blocks = append(blocks, &block{
			org: org, stream: stream, offset: entries[0].Offset, count: n,
			first: entries[0].ReceivedAt, last: entries[n-1].ReceivedAt, entries: entries[:n:n],
		})
		entries = entries[n:]
	}
	return blocks
}

// hour is the period of retention.
func hour(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }
