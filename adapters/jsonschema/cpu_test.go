package jsonschema_test

import (
	"runtime"
	"syscall"
	"time"
)

// cpuTime is how long a core works for f, however busy the machine is with other
// things.
func cpuTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	f()
	return threadTime() - before
}

func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if err := syscall.Getrusage(thread, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// slack is how much longer than it should a measurement may take: with the race
// detector, and on another machine.
const slack = 3
