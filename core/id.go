package core

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ID is a UUID (RFC 9562). The ids that EventFlow makes are of version 7, whose first
// 48 bits are the Unix time in milliseconds. So ids sort by age, and an event is
// found by its id without an index on ids.
type ID [16]byte

// NewID makes a version 7 id of the given time. random must hold at least 10
// unpredictable bytes: they are all that tells two ids of one millisecond apart.
func NewID(at time.Time, random []byte) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	copy(id[6:], random[:10])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Time returns the millisecond a version 7 id was made in, in UTC.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}

// IsZero reports whether id is the nil UUID, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the canonical lower-case form.
func (id ID) String() string {
	return string(id.AppendText(make([]byte, 0, 36)))
}

// AppendText appends the canonical form to b.
func (id ID) AppendText(b []byte) []byte {
	b = hex.AppendEncode(b, id[0:4])
	for _, part := range [][]byte{id[4:6], id[6:8], id[8:10], id[10:16]} {
		b = append(b, '-')
		b = hex.AppendEncode(b, part)
	}
	return b
}

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

var errNotAnID = errors.New("must be a UUID like 0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f")

// ParseID reads the canonical form, in either case, and nothing else.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, errNotAnID
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, errNotAnID
	}
	return id, nil
}

// OldestID returns an id that sorts before all ids of a time and behind those of earlier
// milliseconds.
func OldestID(at time.Time) ID { return NewID(at, make([]byte, 10)) }

// RandomID makes an id of the given time from the system's randomness.
func RandomID(at time.Time) ID {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return NewID(at, random[:])
}
