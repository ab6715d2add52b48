package deliver

import "time"

// Unleased returns the progress of a group with nothing in the hands of consumers: what
// they held waits, as if it had never gone out. It is for a copy of an installation, of
// which the consumers of the first one know nothing. state is that of a
// [github.com/eventflow-go/eventflow/core.Progress].
func Unleased(state []byte, now time.Time) ([]byte, error) {
	s, err := openState(state)
	if err != nil || len(s.Leases) == 0 {
		return state, err
	}
	for i := range s.Leases {
		s.untake(i, 0, now)
		s.remember(s.Leases[i].ID, leaseExpired)
	}
	s.Leases = nil
	return s.encode(), nil
}
