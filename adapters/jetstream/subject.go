package jetstream

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The servers keep every subject in memory, so ids are 22 characters in them, not 36.
//
//	N.p.m                  the marker: one message, so that no partition is empty
//	N.p.b.STREAM           blocks of events, in order of their offsets
//	N.p.k.STREAM.KEY       what is remembered of an idempotency key
//	N.p.o.ORG.STREAM       one message: the organization has the stream
//	N.p.f.STREAM           where a stream begins, if anything was removed
//
// N is the store's name and p the partition's number.

func short(id core.ID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// long is what short was made of.
func long(text string) (id core.ID, ok bool) {
	n, err := base64.RawURLEncoding.Decode(id[:], []byte(text))
	return id, err == nil && n == len(id) && len(text) == 22
}

// streamName is the name of a partition's JetStream stream.
func streamName(name string, number int) string { return name + "-" + strconv.Itoa(number) }

func (p *partition) marker() string               { return p.prefix + "m" }
func (p *partition) blocks(stream core.ID) string { return p.prefix + "b." + short(stream) }
func (p *partition) floor(stream core.ID) string  { return p.prefix + "f." + short(stream) }
func (p *partition) keys(stream core.ID) string   { return p.prefix + "k." + short(stream) + ".*" }
func (p *partition) owned(org, stream core.ID) string {
	return p.prefix + "o." + short(org) + "." + short(stream)
}

// ofKey says whether a subject is an idempotency key's.
func (p *partition) ofKey(subject string) bool { return strings.HasPrefix(subject, p.prefix+"k.") }

// key is the subject of an idempotency key. Half of a SHA-256 is 128 bits: nobody
// finds two keys that have the same one.
func (p *partition) key(stream core.ID, key string) string {
	sum := sha256.Sum256([]byte(key))
	return p.prefix + "k." + short(stream) + "." + short(core.ID(sum[:16]))
}
