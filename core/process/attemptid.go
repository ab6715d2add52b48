package process

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// attemptIDs makes the ids of a processor's attempts, by which they are listed. They sort as
// they were made, within a millisecond and where the clock goes back, too: a fast destination
// takes many in a millisecond, and people read the list as what happened. The processor's
// tally guards it.
type attemptIDs struct {
	// last is the id that was made last.
	last core.ID
}

// next makes an id of a time.
func (a *attemptIDs) next(now time.Time) core.ID {
	id := core.RandomID(now)
	if bytes.Compare(id[:], a.last[:]) <= 0 {
		id = a.last
		// The random part is counted up (RFC 9562, section 6.2, method 2). Its two highest bits are
		// the variant of the id, and no processor makes as many attempts as would reach them.
		binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])+1)
	}
	a.last = id
	return id
}
