package jetstream

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// remembered is what is kept of an idempotency key. The message looks like this:
// version (1 byte), id (16), offset (8), time of receipt (8), fingerprint (16), CRC-32C.
type remembered struct {
	seq         uint64
	id          core.ID
	offset      core.Offset
	at          time.Time
	fingerprint core.Fingerprint
}

const (
	keyVersion = 1
	keySize    = 1 + 16 + 8 + 8 + 16
)

func (r *remembered) encode() []byte {
	data := append(make([]byte, 0, keySize+blockTail), keyVersion)
	data = append(data, r.id[:]...)
	data = binary.BigEndian.AppendUint64(data, uint64(r.offset))
	data = append(appendTime(data, r.at), r.fingerprint[:]...)
	return binary.BigEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

func decodeKey(m *message) (*remembered, error) {
	body, err := m.sound(keyVersion, keySize)
	if err != nil {
		return nil, err
	}
	r, c := &remembered{seq: m.seq}, cursor{rest: body[1:]}
	c.id(&r.id)
	r.offset, r.at = core.Offset(c.number()), c.time()
	copy(r.fingerprint[:], c.take(16))
	return r, nil
}

// recall looks up the keys of a plan. A replica that knows the streams' ends as the plan
// has them knows all their keys: keys are written together with blocks.
func (s *Storage) recall(ctx context.Context, p *partition, of *plan, sure bool) error {
	known := uint64(0)
	byKey := map[string]*line{}
	var subjects []string
	for _, one := range of.shares {
		known = max(known, one.head.seq)
		for i := range one.lines {
			l := &one.lines[i]
			l.known = nil
			if l.entry.IdempotencyKey != "" {
				subject := p.key(one.stream, l.entry.IdempotencyKey)
				subjects, byKey[subject] = append(subjects, subject), l
			}
		}
	}
	if sure {
		known = p.known()
	}
	found, err := p.lasts(ctx, subjects, known)
	if err != nil {
		return err
	}
	for subject, m := range found {
		l := byKey[subject]
		if l == nil {
			continue
		}
		if l.known, err = decodeKey(m); err != nil {
			return err
		}
	}
	return nil
}
