package jetstream

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// floor says where a stream begins. It is set before anything is removed, so that what is
// missing in front, and was not removed, is known to be damaged. The message looks like
// this: version (1 byte), offset (8), complete (1), CRC-32C. A version before this one wrote
// no complete, and set a floor only where a stream begins within a block.
type floor struct {
	// seq is the message's place, 0 where there is none.
	seq    uint64
	offset core.Offset
	// complete says that nothing behind offset was ever removed.
	complete bool
}

const (
	floorVersion = 1
	floorSize    = 1 + 8
)

func (f *floor) encode() []byte {
	data := binary.BigEndian.AppendUint64([]byte{floorVersion}, uint64(f.offset))
	data = append(data, 1)
	return binary.BigEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

func decodeFloor(m *message) (floor, error) {
	if m == nil {
		return floor{}, nil
	}
	body, err := m.sound(floorVersion, floorSize)
	if err != nil {
		return floor{}, err
	}
	return floor{m.seq, core.Offset(binary.BigEndian.Uint64(body[1:])), len(body) > floorSize}, nil
}

// floorOf asks the leader where a stream begins. One that has lost the answer hides nothing.
func (p *partition) floorOf(ctx context.Context, stream core.ID) (floor, error) {
	m, err := p.fromLeader(ctx, get{LastFor: p.floor(stream)})
	if err != nil {
		return floor{}, err
	}
	return decodeFloor(m)
}

// surelyFloorOf is floorOf where the answer must be of now: nothing but what is below it
// was removed. complete is known of a stream that was made with its mark, too.
func (p *partition) surelyFloorOf(ctx context.Context, org, stream core.ID) (floor, error) {
	m, err := p.find(ctx, get{LastFor: p.floor(stream)})
	if err != nil {
		return floor{}, err
	}
	at, err := decodeFloor(m)
	if err != nil || at.complete {
		return at, err
	}
	mark, err := p.find(ctx, get{LastFor: p.owned(org, stream)})
	at.complete = err == nil && mark != nil && len(mark.data) > 0
	return at, err
}

// mark says that an organization has a stream, and that floors tell all that was removed of
// it. A version before this one wrote none of the latter.
func (p *partition) mark(org, stream core.ID) outgoing {
	return outgoing{p.owned(org, stream), []byte{1}, anything}
}

// setFloor has a stream begin at an offset, if it does not begin later already: several
// nodes remove at once, by clocks of their own.
func (p *partition) setFloor(ctx context.Context, stream core.ID, offset core.Offset) error {
	for {
		if err := p.trust(ctx); err != nil {
			return err
		}
		now, err := p.floorOf(ctx, stream)
		if err != nil || now.complete && now.offset >= offset {
			return err
		}
		at := floor{offset: max(now.offset, offset)}
		seq, err := p.settle(ctx, []outgoing{{p.floor(stream), at.encode(), int64(now.seq)}})
		switch {
		case errors.Is(err, errOvertaken) && pause(ctx, 10*time.Millisecond) == nil:
			continue
		case err != nil:
			return err
		}
		p.saw(seq)
		if now.seq == 0 {
			return nil
		}
		return p.purge(ctx, p.floor(stream), seq)
	}
}
