package server

import (
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

// frames keeps the newest events as tails send them. An event is encoded once,
// however many follow its stream.
type frames struct {
	// mu guards what follows. It is held for a look into the map.
	mu   sync.Mutex
	kept map[frameKey][]byte
	// order has the keys, the oldest at next: each new one takes the place of that.
	order [keptFrames]frameKey
	next  int
	bytes int
}

// What is kept at most. It is little more than what tails at the heads of a few
// streams ask for at the same time.
const (
	keptFrames     = 1024
	keptFrameBytes = 4 << 20
)

// frameKey is an event in one of the forms that a client may ask for.
type frameKey struct {
	event core.ID
	form  string
}

// get returns a frame, which nobody changes any more, or nil.
func (f *frames) get(key frameKey) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept[key]
}

// put keeps a frame in place of the oldest ones.
func (f *frames) put(key frameKey, frame []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = make(map[frameKey][]byte, keptFrames)
	}
	if f.kept[key] != nil || len(frame) > keptFrameBytes/4 {
		return
	}
	f.drop(f.next)
	for at := f.next; f.bytes+len(frame) > keptFrameBytes; {
		at = (at + 1) % keptFrames
		f.drop(at)
	}
	f.order[f.next], f.kept[key] = key, frame
	f.bytes += len(frame)
	f.next = (f.next + 1) % keptFrames
}

// drop lets go of the frame at a place, if there is one.
func (f *frames) drop(at int) {
	f.bytes -= len(f.kept[f.order[at]])
	delete(f.kept, f.order[at])
}
