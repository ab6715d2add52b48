package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
)

// Check implements [core.Storage]. It asks the connection that appends, because
// synchronous is a setting of each connection, and does not wait for it: what has it for
// long is told of.
func (s *Storage) Check(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	if s.turn.Take(waiting) != nil {
		return s.kept(time.Now())
	}
	defer s.turn.Leave()
	var journal string
	var synchronous int
	if err := s.inserts.conn.QueryRowContext(ctx, `select * from pragma_journal_mode, pragma_synchronous`).Scan(&journal, &synchronous); err != nil {
		return storeError(err)
	}
	const full = 2
	if journal != "wal" || synchronous < full {
		return fmt.Errorf("journal_mode=%s, synchronous=%d: %w", journal, synchronous, core.ErrRelaxedDurability)
	}
	if err := s.checkRoom(ctx); err != nil {
		return err
	}
	return s.checkTurn(ctx)
}

const (
	// turnWait is how long Check waits for the connection that appends. It is less than
	// what a probe waits for.
	turnWait = time.Second
	// patient is how long transactions may be kept waiting before Check tells of it.
	patient = 5 * time.Second
)

// checkRoom tries whether there is room again, if there was none for the newest
// transaction. It has the turn.
func (s *Storage) checkRoom(ctx context.Context) error {
	if !s.full.Load() {
		return nil
	}
	switch err := sqlitefile.TryRoom(context.WithoutCancel(ctx), s.inserts.conn); {
	case sqlitefile.Full(err):
		return fmt.Errorf("the disk is full and nothing is stored until there is room; %w", core.ErrDegraded)
	case err != nil:
		return storeError(err)
	}
	s.full.Store(false)
	return nil
}

// checkTurn tries whether another process has let go of the file, if it kept the newest
// transaction out. It has the turn.
func (s *Storage) checkTurn(ctx context.Context) error {
	if s.trying.Load() == 0 {
		return nil
	}
	switch err := sqlitefile.TryTurn(ctx, s.inserts.conn); {
	case sqlitefile.Busy(err):
		return s.kept(time.Now())
	case err != nil:
		return storeError(err)
	}
	s.trying.Store(0)
	return nil
}

// kept says for how long transactions have been kept waiting, where that is long.
func (s *Storage) kept(now time.Time) error {
	since := s.trying.Load()
	if since == 0 || now.Sub(time.Unix(0, since)) <= patient {
		return nil
	}
	waits := now.Sub(time.Unix(0, since)).Round(time.Second)
	return fmt.Errorf("another process or a slow disk has kept events from being stored for %s; %w", waits, core.ErrDegraded)
}
