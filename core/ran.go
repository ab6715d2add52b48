package core

// Ran is told of each turn of the work that a node does by itself, beside requests:
// which work it was and, if it failed, why. It is safe for concurrent use, and may be
// nil.
type Ran func(work string, err error)

// Tell tells of a turn, if there is somebody to tell.
func (r Ran) Tell(work string, err error) {
	if r != nil {
		r(work, err)
	}
}
