package core

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// A cursor is opaque to clients. It holds the place where a list goes on and a
// checksum over that place and the list. So a damaged cursor, or one of another
// list, is refused instead of silently answering from elsewhere. A cursor grants
// nothing: every page checks the permission anew.

// DefaultPageSize and MaxPageSize bound `limit`.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
)

// PageBytes bounds the payloads of one page: a thousand events of the largest
// size would fill a gigabyte.
const PageBytes = 16 << 20

// PageLimit returns the size of the page that a request asks for. Zero asks for
// [DefaultPageSize].
func PageLimit(limit int) (int, error) {
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

// Cut makes a page of what was found. The caller looks for one item more than limit,
// which shows whether there is a next page. cursor seals the place of the page's
// last item.
func Cut[T any](found []T, limit int, cursor func(last *T) string) Page[T] {
	if len(found) <= limit {
		return Page[T]{Items: found}
	}
	return Page[T]{Items: found[:limit], HasMore: true, NextCursor: cursor(&found[limit-1])}
}

// pagePiece is how many items are read at once of what may be large: as many of the
// largest events fill four pages.
const pagePiece = 64

// Fill makes a page of what may be large, up to limit items and [PageBytes]. A page holds
// one item at least, however large. read returns up to limit items that follow the last
// one, or the first ones when last is nil; size is what an item counts for.
func Fill[T any](limit int, size func(*T) int, cursor func(last *T) string, read func(last *T, limit int) ([]T, error)) (page Page[T], err error) {
	var last *T
	for room := PageBytes; ; {
		wanted := min(limit+1-len(page.Items), pagePiece)
		piece, err := read(last, wanted)
		if err != nil {
			return Page[T]{}, err
		}
		for i := range piece {
			room -= size(&piece[i])
			if full := len(page.Items) == limit || room < 0; full && last != nil {
				page.HasMore, page.NextCursor = true, cursor(last)
				return page, nil
			}
			page.Items, last = append(page.Items, piece[i]), &piece[i]
		}
		if len(piece) < wanted {
			return page, nil
		}
	}
}

// ErrBadCursor refuses a cursor that is damaged or of another list.
var ErrBadCursor = Invalid("cursor", "is not a cursor of this list with these filters; start again without it")

// SealCursor encodes a place in the list that scope describes.
func SealCursor(scope, place []byte) string {
	sum := crc32.Update(crc32.ChecksumIEEE(scope), crc32.IEEETable, place)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(slices.Clip(place), sum))
}

// OpenCursor decodes a cursor and returns its place, or an error when it was
// not sealed for the same scope.
func OpenCursor(scope []byte, cursor string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 4 || len(raw) > 4096 || strings.ContainsAny(cursor, "\r\n") { // the decoder skips line ends
		return nil, ErrBadCursor
	}
	place, sum := raw[:len(raw)-4], binary.BigEndian.Uint32(raw[len(raw)-4:])
	if sum != crc32.Update(crc32.ChecksumIEEE(scope), crc32.IEEETable, place) {
		return nil, ErrBadCursor
	}
	return place, nil
}

// IDCursor seals the id of a page's last item.
func IDCursor(scope []byte, last ID) string { return SealCursor(scope, last[:]) }

// ParseIDCursor returns the id after which a list goes on, or zero without a cursor.
func ParseIDCursor(scope []byte, cursor string) (ID, error) {
	if cursor == "" {
		return ID{}, nil
	}
	place, err := OpenCursor(scope, cursor)
	if err != nil || len(place) != len(ID{}) {
		return ID{}, ErrBadCursor
	}
	return ID(place), nil
}
