package eventlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// AuditMark is a record's number and hash. Because each hash covers the one before
// it, a mark stands for the record and all records before it. A mark that is kept
// elsewhere shows that a trail was cut off or rewritten, which the trail alone
// cannot show.
type AuditMark struct {
	Record core.Offset
	Hash   string
}

// String returns the mark as [ParseAuditMark] reads it.
func (m AuditMark) String() string { return fmt.Sprintf("%d:%s", m.Record, m.Hash) }

// ParseAuditMark reads a mark as [AuditMark.String] writes it; the hash may be in
// either case.
func ParseAuditMark(text string) (AuditMark, error) {
	number, hash, _ := strings.Cut(text, ":")
	record, err := strconv.ParseInt(number, 10, 64)
	if raw, malformed := hex.DecodeString(hash); err != nil || record < 0 || malformed != nil || len(raw) != sha256.Size {
		return AuditMark{}, errors.New("must be a record's number, a colon and its full hash, like 11: and 64 hexadecimal digits")
	}
	return AuditMark{core.Offset(record), strings.ToLower(hash)}, nil
}
