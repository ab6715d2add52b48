package eventlog

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// fingerprintDomain keeps the fingerprints that are made here apart from the ones
// that earlier versions made of the payload alone.
const fingerprintDomain = "eventflow event 2"

// fingerprintOf returns a hash of everything that makes an event what it is, as it
// will be stored. It tells two events with one idempotency key apart. The context
// does not count, because a retry may have another one. occurred_at counts when the
// producer says it.
//
// When the key alone decides, as the source and id of a CloudEvent do, all events
// with the key are one event.
func fingerprintOf(draft *eventjson.Draft, event *core.Event) (f core.Fingerprint) {
	sum := sha256.New()
	part := func(bytes []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(bytes)))
		sum.Write(length[:])
		sum.Write(bytes)
	}
	part([]byte(fingerprintDomain))
	if !draft.KeyDecides {
		part(draft.Fingerprint[:])
		part([]byte(event.Type))
		part(binary.BigEndian.AppendUint32(nil, uint32(event.Version)))
		part([]byte(event.Source))
		part([]byte(event.Subject))
		if !event.OccurredAt.IsZero() {
			part(binary.BigEndian.AppendUint64(nil, uint64(event.OccurredAt.UnixMicro())))
		}
	}
	copy(f[:], sum.Sum(nil))
	return f
}
