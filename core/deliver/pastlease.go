package deliver

import (
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// leaseEnd is how a lease ended.
type leaseEnd string

const (
	leaseSettled leaseEnd = "s"
	leaseExpired leaseEnd = "e"
	leaseReset   leaseEnd = "r"
)

// pastLease is a lease that ended. A consumer that comes back with it is told how.
type pastLease struct {
	ID  core.ID  `json:"id"`
	End leaseEnd `json:"end"`
}

// maxPast bounds how many leases are remembered after their end. They are written
// with every step of the group, and asked for only by a consumer that repeats what it
// has just done.
const maxPast = 8

// The answers to a receipt that is worth nothing any more.
var (
	errLostLease = core.Errorf(core.CodeConflict,
		"this lease is not held: it ended some time ago, or it is not of this group; poll again")
	errsLostLease = map[leaseEnd]error{
		leaseSettled: core.Errorf(core.CodeConflict, "this lease is no longer held: all of it was settled or given back; poll again"),
		leaseExpired: core.Errorf(core.CodeConflict, "this lease is no longer held: it expired, and its events are handed out again; poll again"),
		leaseReset:   core.Errorf(core.CodeConflict, "this lease is no longer held: the group was reset; poll again"),
	}
)

// remember notes how a lease ended.
func (s *groupState) remember(id core.ID, end leaseEnd) {
	s.Past = append(s.Past, pastLease{id, end})
	s.Past = slices.Delete(s.Past, 0, max(0, len(s.Past)-maxPast))
}

// lost says what became of a lease that is not there.
func (s *groupState) lost(id core.ID) error {
	if i := slices.IndexFunc(s.Past, func(p pastLease) bool { return p.ID == id }); i >= 0 {
		return errsLostLease[s.Past[i].End]
	}
	return errLostLease
}
