package deliver

// op is one thing that a caller wants done to a group, and the answer to it.
type op struct {
	// apply changes the turn's state. It may run several times, each time on another
	// copy of the state. A variable outside the turn is therefore set anew each time,
	// never added to.
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
