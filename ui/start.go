package ui

import "github.com/eventflow-go/eventflow/core"

// start says at which event a consumer group begins to read.
type start struct {
	kind startKind
	// offset and at are the offset and the time as they were typed. They count only for
	// startOffset and startTime.
	offset, at string
}

// startKind is one of the ways to say where a group begins.
type startKind string

// The kinds of starts.
const (
	startOldest startKind = "start"
	startEnd    startKind = "end"
	startOffset startKind = "offset"
	startTime   startKind = "time"
)

// empty reports whether an offset or a time has still to be typed.
func (s start) empty() bool {
	return s.kind == startOffset && s.offset == "" || s.kind == startTime && s.at == ""
}

// read returns the start as the server takes it.
func (s start) read() (core.Start, error) {
	switch s.kind {
	case startEnd:
		return core.Start{End: true}, nil
	case startOffset:
		offset, ok := parseCount(s.offset)
		if !ok {
			return core.Start{}, core.Invalid("to", "must be a whole number, such as 10,000")
		}
		return core.Start{Offset: new(core.Offset(offset))}, nil
	case startTime:
		at, err := parseLocal(s.at)
		if err != nil {
			return core.Start{}, core.Invalid("to", "must be a date and time")
		}
		return core.Start{Time: at}, nil
	}
	return core.Start{}, nil
}
