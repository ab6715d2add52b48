package core

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// A cursor is opaque to clients: what it belongs to, where to go on, and a
// checksum, so that a damaged cursor, or one of another list, is refused
// instead of silently answering from elsewhere. It carries no permission.

// DefaultPageSize and MaxPageSize bound `limit`.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
)

func pageLimit(limit int) (int, error) {
	if limit == 0 {
		return DefaultPageSize, nil
	}
	if limit < 1 || limit > MaxPageSize {
		return 0, Invalid("limit", "must be 1 to %d", MaxPageSize)
	}
	return limit, nil
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// NextCursor continues the list; it is empty at its end.
	NextCursor string
	HasMore    bool
}

// cut makes a page of what was found: one item more than limit shows that there
// is a next page. cursor seals the place of the page's last item.
func cut[T any](found []T, limit int, cursor func(last *T) string) Page[T] {
	if len(found) <= limit {
		return Page[T]{Items: found}
	}
	return Page[T]{Items: found[:limit], HasMore: true, NextCursor: cursor(&found[limit-1])}
}

var errBadCursor = Invalid("cursor", "is not a cursor of this list with these filters; start again without it")

// sealCursor encodes a place in the list that scope describes.
func sealCursor(scope, place []byte) string {
	sum := crc32.Update(crc32.ChecksumIEEE(scope), crc32.IEEETable, place)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(slices.Clip(place), sum))
}

// openCursor decodes a cursor and returns its place, or an error when it was
// not sealed for the same scope.
func openCursor(scope []byte, cursor string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 4 || len(raw) > 4096 || strings.ContainsAny(cursor, "\r\n") { // which the decoder skips
		return nil, errBadCursor
	}
	place, sum := raw[:len(raw)-4], binary.BigEndian.Uint32(raw[len(raw)-4:])
	if sum != crc32.Update(crc32.ChecksumIEEE(scope), crc32.IEEETable, place) {
		return nil, errBadCursor
	}
	return place, nil
}

func nameCursor(org ID, prefix, name string) string {
	return sealCursor(nameScope(org, prefix), []byte(name))
}

func nameScope(org ID, prefix string) []byte {
	return append(append([]byte("streams\x00"), org[:]...), prefix...)
}

func parseNameCursor(org ID, query StreamQuery) (string, error) {
	if query.Cursor == "" {
		return "", nil
	}
	place, err := openCursor(nameScope(org, query.Prefix), query.Cursor)
	if err != nil || checkStreamName(string(place)) != nil || !strings.HasPrefix(string(place), query.Prefix) {
		return "", errBadCursor
	}
	return string(place), nil
}

func idCursor(scope []byte, last ID) string { return sealCursor(scope, last[:]) }

// parseIDCursor returns the id where a list goes on, zero without a cursor.
func parseIDCursor(scope []byte, cursor string) (ID, error) {
	if cursor == "" {
		return ID{}, nil
	}
	place, err := openCursor(scope, cursor)
	if err != nil || len(place) != len(ID{}) {
		return ID{}, errBadCursor
	}
	return ID(place), nil
}

func offsetCursor(scope []byte, offset Offset) string {
	return sealCursor(scope, binary.BigEndian.AppendUint64(nil, uint64(offset)))
}

func parseOffsetCursor(scope []byte, cursor string) (Offset, error) {
	place, err := openCursor(scope, cursor)
	if err != nil || len(place) != 8 || place[0]&0x80 != 0 {
		return 0, errBadCursor
	}
	return Offset(binary.BigEndian.Uint64(place)), nil
}

func positionCursor(scope []byte, p Position) string {
	place := binary.BigEndian.AppendUint64(nil, uint64(p.ReceivedAt.UnixMicro()))
	place = append(place, p.Stream[:]...)
	return sealCursor(scope, binary.BigEndian.AppendUint64(place, uint64(p.Offset)))
}

func parsePositionCursor(scope []byte, cursor string) (Position, error) {
	place, err := openCursor(scope, cursor)
	if err != nil || len(place) != 32 {
		return Position{}, errBadCursor
	}
	return Position{
		ReceivedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(place))).UTC(),
		Stream:     ID(place[8:24]),
		Offset:     Offset(binary.BigEndian.Uint64(place[24:])),
	}, nil
}
