package deliver

// op is one thing that a caller wants done to a group, and the answer to it.
type op struct {
	// apply changes the turn's state. It may run several times, each time on another
	// copy of the state, so of what lies outside the turn it sets the whole, and adds
	// to nothing.
	apply func(*turn) error
	// err belongs to the goroutine that leads the lane until done is closed, and to
	// the caller after that.
	err  error
	done chan struct{}
}

// failOps gives all ops the same answer.
func failOps(ops []*op, err error) {
	for _, one := range ops {
		one.err = err
	}
}
