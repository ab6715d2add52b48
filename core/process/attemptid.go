package process

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// attemptIDs makes the ids of attempts, by which they are listed. Those of one millisecond
// sort as they were made: a fast destination takes many in that time, and people read the
// list as what happened.
type attemptIDs struct {
	mu sync.Mutex
	// last is the id that was made last.
	last core.ID
}

// ids are those of this node, whoever sends.
var ids attemptIDs

// next makes an id of a time.
func (a *attemptIDs) next(now time.Time) core.ID {
	id := core.RandomID(now)
	a.mu.Lock()
	defer a.mu.Unlock()
	if id.Time().Equal(a.last.Time()) && bytes.Compare(id[:], a.last[:]) <= 0 {
		id = a.last
		// The random part is counted up. Its two highest bits are the variant of the id, and no
		// millisecond has room for as many attempts as would reach them.
		binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])+1)
	}
	a.last = id
	return id
}
