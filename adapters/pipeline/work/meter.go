// Package work counts what an expression takes, of whichever language, so that it ends
// within limits of time and memory.
package work

import (
	"context"
	"fmt"
	"time"
)

// What a run may take. A step is one instruction, one value that is looked at, or 16
// to 32 bytes that are written: some 20 to 50 ns of work, and at most about 100 bytes of
// memory. Steps are counted and not measured, so that the same event ends alike on
// every machine.
const (
	// baseSteps are for an event of no size, and stepsPerByte for each byte of its
	// payload and context on top. A usual transform of an event of 1 KB takes 100 to
	// 3,000, and one that walks through all of an event 5 to 10 for each byte.
	baseSteps    = 400_000
	stepsPerByte = 10
	// longest ends what takes long for its steps, as one that follows long chains of the
	// program's own making, and what may take many because its event is large. Only work
	// counts: see [Meter.look].
	longest = 200 * time.Millisecond
	// lookEvery is how many instructions pass between two looks at the clock and the
	// context, usually 10 µs. A look counts shortLook at most: more means that others
	// had the core.
	lookEvery = 256
	shortLook = 2 * time.Millisecond
)

// ErrTooMuch ends a run that has taken all its steps.
var ErrTooMuch = fmt.Errorf("takes more work than one event may: at most %d steps, and %d for each byte of the event", baseSteps, stepsPerByte)

// Meter counts what one run takes. It is also a context for the run: an interpreter that
// asks its context before each instruction pays a step for it.
//
// One run at a time uses a meter. Begin comes first.
type Meter struct {
	context.Context

	left int
	// err ends the run. It is set once.
	err error

	untilLook int
	looked    time.Time
	worked    time.Duration
}

// Begin prepares the meter for a run on an event of so many bytes.
func (m *Meter) Begin(ctx context.Context, size int) {
	m.Context, m.err = ctx, ctx.Err()
	m.left = baseSteps + stepsPerByte*size
	m.untilLook, m.looked, m.worked = lookEvery, time.Now(), 0
}

var ended = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Done implements [context.Context]. It is called once for each instruction.
func (m *Meter) Done() <-chan struct{} {
	if m.untilLook--; m.untilLook <= 0 {
		m.look()
	}
	if !m.Charge(1) {
		return ended
	}
	return nil
}

// Err implements [context.Context].
func (m *Meter) Err() error { return m.err }

// Left is how many steps are left.
func (m *Meter) Left() int { return m.left }

// Charge takes steps. It reports false when the run is over.
func (m *Meter) Charge(steps int) bool {
	if m.left -= steps; m.left < 0 && m.err == nil {
		m.err = ErrTooMuch
	}
	return m.err == nil
}

// look ends the run when its context has ended or when it has worked for too long. The
// time since the last look counts only as far as work can explain it, so that a busy
// machine fails no event.
func (m *Meter) look() {
	now := time.Now()
	m.worked += min(now.Sub(m.looked), shortLook)
	m.untilLook, m.looked = lookEvery, now
	switch err := m.Context.Err(); {
	case m.err != nil:
	case err != nil:
		m.err = err
	case m.worked > longest:
		m.err = ErrTooMuch
	}
}
