package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit in which /proc tells CPU time, on every Linux.
const tick = 10 * time.Millisecond

// The fields of /proc/…/stat after the name of the program.
const (
	statParent        = 1
	statUser          = 11
	statSystem        = 12
	statUserOfEnded   = 13
	statSystemOfEnded = 14
)

// stat are the fields of /proc/…/stat after the program's name, which may have
// blanks in it.
func stat(pid int) (name string, fields []string, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", nil, err
	}
	from, until := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if from < 0 || until < from {
		return "", nil, fmt.Errorf("/proc says nothing about process %d", pid)
	}
	fields = strings.Fields(string(text[until+1:]))
	if len(fields) <= statSystemOfEnded {
		return "", nil, fmt.Errorf("/proc says too little about process %d", pid)
	}
	return string(text[from+1 : until]), fields, nil
}

// used is the CPU time of a process and of its children that have ended.
func used(pid int) (time.Duration, error) {
	_, fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	var ticks int
	for _, at := range []int{statUser, statSystem, statUserOfEnded, statSystemOfEnded} {
		n, err := strconv.Atoi(fields[at])
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// usedByFamily is the CPU time of a process and of all its children.
func usedByFamily(pid int) (time.Duration, error) {
	total, err := used(pid)
	if err != nil {
		return 0, err
	}
	name := strconv.Itoa(pid)
	list, err := os.ReadFile(filepath.Join("/proc", name, "task", name, "children"))
	if err != nil {
		return 0, err
	}
	for field := range strings.FieldsSeq(string(list)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		// One that has ended meanwhile is counted by its parent the next time.
		if one, err := used(child); err == nil {
			total += one
		}
	}
	return total, nil
}

// findPostmaster finds the process whose children are PostgreSQL's sessions, if
// it runs on this machine.
func (b *bench) findPostmaster(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.postgres)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	var session int
	if err := conn.QueryRow(ctx, `select pg_backend_pid()`).Scan(&session); err != nil {
		return err
	}
	name, fields, err := stat(session)
	if err != nil || !strings.HasPrefix(name, "postgres") {
		note("PostgreSQL is not among this machine's processes, so its CPU time does not count")
		return nil
	}
	b.postmaster, err = strconv.Atoi(fields[statParent])
	return err
}

// cpu is the CPU time that a server has used so far, with that of PostgreSQL if
// its events are there. The part that is measured has PostgreSQL for itself.
func (b *bench) cpu(s *server) (time.Duration, error) {
	total, err := used(s.process.Process.Pid)
	if err != nil || b.postmaster == 0 || !strings.Contains(s.store, "postgres:") && !strings.HasPrefix(s.store, "naive:") {
		return total, err
	}
	database, err := usedByFamily(b.postmaster)
	return total + database, err
}

// meter measures the CPU time of an event, run by run.
type meter struct {
	micros []float64
	failed error
}

// run does one run of a point, between two looks at the clocks.
func (m *meter) run(b *bench, point measured) (outcome, error) {
	if point.beside != nil {
		stop, err := point.beside()
		if err != nil {
			return outcome{}, err
		}
		defer stop()
	}
	if point.of == nil {
		return point.run()
	}
	before, failed := b.cpu(point.of)
	got, err := point.run()
	if err != nil {
		return got, err
	}
	after, failedToo := b.cpu(point.of)
	if failed != nil || failedToo != nil {
		m.failed = failed
		return got, nil
	}
	m.micros = append(m.micros, float64((after-before).Microseconds())/max(got.events, 1))
	return got, nil
}

// report reports the median of the runs.
func (m *meter) report(point measured) {
	if point.of == nil {
		return
	}
	if m.failed != nil || len(m.micros) == 0 {
		note("no CPU time of %s: %v", point.name, m.failed)
		return
	}
	report(figure{Name: point.figure + "_cpu_us", Value: round(median(m.micros))})
}
