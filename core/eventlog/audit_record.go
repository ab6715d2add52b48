package eventlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// AuditStream returns the id of an organization's trail. It follows from the
// organization's id and is in no catalog, so a request cannot name it.
func AuditStream(org core.ID) core.ID {
	sum := sha256.Sum256(append([]byte("eventflow audit "), org[:]...))
	id := core.ID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8: not one that is given to streams
	return id
}

// auditRoot takes the place of the hash before the first record.
var auditRoot = strings.Repeat("0", 2*sha256.Size)

// These fields are the same in every record. The hash leaves them out, and
// checkRecord compares them instead.
const (
	auditSource  = "eventflow"
	auditVersion = 1
)

// auditHash is the hash of a record. It covers every field in which records differ;
// the length before each keeps text from moving between neighbours unnoticed.
func auditHash(event *core.Event) string {
	sum := sha256.New()
	for _, part := range [][]byte{
		event.ID[:], []byte(event.Type), []byte(event.OccurredAt.UTC().Format(time.RFC3339Nano)), []byte(event.ReceivedAt.UTC().Format(time.RFC3339Nano)),
		[]byte(event.Subject), event.Payload,
	} {
		fmt.Fprintf(sum, "%d:", len(part)) // never fails: see the package's documentation
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// checkRecord returns what is wrong with the event at an offset of a trail, or "".
// previous is the hash of the record before it.
func checkRecord(event *core.Event, offset core.Offset, previous string) string {
	var entry core.AuditEntry
	switch {
	case event.Offset != offset:
		return "it is missing"
	case event.Source != auditSource || event.Version != auditVersion || len(event.Context) > 0 || !event.APIKeyID.IsZero(),
		json.Unmarshal(event.Payload, &entry) != nil:
		return "it is not a record"
	case entry.Sequence != int64(offset):
		return fmt.Sprintf("it says that it is record %d", entry.Sequence)
	case entry.Previous != previous:
		return "it does not follow from the record before it: one of the two was changed, or one in between was removed"
	}
	return ""
}
