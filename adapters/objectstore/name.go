package objectstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/eventflow-go/eventflow/core"
)

// regionOf returns the region that an address names. Where it names none, it is the one
// that stores other than Amazon's take. A client that is not told would ask, which
// takes a permission that writing does not need.
func regionOf(endpoint url.URL) string {
	if region := s3utils.GetRegionFromURL(endpoint); region != "" {
		return region
	}
	return "us-east-1"
}

// folderOf returns the folder of a stream's files, with a slash at its end.
func folderOf(prefix, stream string) string {
	if prefix != "" {
		prefix += "/"
	}
	return prefix + "stream=" + partition(stream) + "/"
}

// partition writes a name as Hive does in the name of a folder, and as all who read such
// folders understand: what might mean something there is escaped by its bytes.
func partition(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// hashLength is how much of the hash is in a name, in bytes. Files share a name by
// accident only where they begin and end with the same events.
const hashLength = 8

// nameOf returns the name of the file of some events, of one hour and in their order,
// which are these lines.
func nameOf(events []core.Outgoing, lines []byte, format string) string {
	first, last := &events[0].Event, &events[len(events)-1].Event
	sum := sha256.Sum256(lines)
	return first.ReceivedAt.UTC().Format("date=2006-01-02/hour=15/") +
		fmt.Sprintf("%020d-%020d-%s.%s", first.Offset, last.Offset, hex.EncodeToString(sum[:hashLength]), format)
}
