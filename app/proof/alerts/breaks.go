package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// fault is something that breaks, and what is alerted about then.
type fault struct {
	what   string
	alerts []string
	// broken begins the fault and returns what ends it.
	broken func(context.Context) (mend func(context.Context) error, err error)
}

// breakEverything breaks one thing after the other. Each time the alerts must fire, and
// end when it is mended.
func (s *stage) breakEverything(ctx context.Context) error {
	for _, f := range []fault{
		{"a consumer stands still", []string{"EventFlowConsumerLag"}, s.consumerStops},
		{"events cannot be processed", []string{"EventFlowDeadLetters"}, s.eventsAreParked},
		{"a webhook leads nowhere", []string{"EventFlowProcessorFailing", "EventFlowProcessorDisabled"}, s.receiverIsGone},
		{"the database takes nothing", []string{"EventFlowIngestFailing", "EventFlowServerErrors", "EventFlowIngestBudgetFast", "EventFlowIngestQueue"}, s.databaseIsHeld},
		{"a shard's folder cannot be opened", []string{"EventFlowShardDown"}, s.shardIsAway},
		{"a producer's key is no good", []string{"EventFlowIngestRefused"}, s.keyIsRevoked},
		{"the server is killed", []string{"EventFlowDown"}, s.serverIsKilled},
	} {
		if err := s.breaks(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", f.what, err)
		}
	}
	return nil
}

func (s *stage) breaks(ctx context.Context, f fault) error {
	began := time.Now()
	mend, err := f.broken(ctx)
	if err != nil {
		return err
	}
	for _, name := range f.alerts {
		err := until(ctx, func() error {
			firing, err := s.prom.firing(ctx)
			if _, fires := firing[name]; err == nil && !fires {
				err = fmt.Errorf("%s does not fire", name)
			}
			return err
		})
		if err != nil {
			return err
		}
		say("%s fires: %s (after %s)", name, f.what, time.Since(began).Round(time.Second))
	}
	if err := mend(ctx); err != nil {
		return err
	}
	return until(ctx, func() error { return s.only(ctx, lost) })
}

// consumerStops lets a group fall behind that nobody polls.
func (s *stage) consumerStops(ctx context.Context) (func(context.Context) error, error) {
	mend := func(ctx context.Context) error {
		_, err := s.server.client.ResetGroup(ctx, "history", "behind", core.Start{End: true})
		return err
	}
	return mend, s.server.fill(ctx, "history", 10_001)
}

func (s *stage) eventsAreParked(ctx context.Context) (func(context.Context) error, error) {
	mend := func(ctx context.Context) error { return s.server.client.DeleteGroup(ctx, "poison", "parking", 0) }
	return mend, s.server.park(ctx, 101)
}

// receiverIsGone has a processor send to a port that nobody listens at, until the server
// gives it up.
func (s *stage) receiverIsGone(ctx context.Context) (func(context.Context) error, error) {
	mend := func(ctx context.Context) error { return s.server.client.DeleteProcessor(ctx, "orders", "lost", 0) }
	return mend, s.server.send(ctx, "lost", `{"type":"webhook","url":"http://127.0.0.1:1/"}`)
}

// databaseIsHeld has another program hold the database, so that nothing can be stored. The
// queue in front of it fills.
func (s *stage) databaseIsHeld(ctx context.Context) (func(context.Context) error, error) {
	db, err := sql.Open("sqlite", filepath.Join(s.server.folder, sqlite.FileName)) // by the driver of the server
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `pragma busy_timeout = 10000`); err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `begin immediate`); err != nil {
		return nil, err
	}
	held, release := context.WithCancel(ctx)
	for range 30 {
		go func() {
			for held.Err() == nil {
				_ = s.server.fill(held, "orders", 1000) // which fails
			}
		}()
	}
	return func(ctx context.Context) error {
		release()
		if _, err := conn.ExecContext(ctx, `rollback`); err != nil {
			return err
		}
		return db.Close()
	}, nil
}

// keyIsRevoked has a producer go on with a key that is none.
func (s *stage) keyIsRevoked(ctx context.Context) (func(context.Context) error, error) {
	sending, stop := context.WithCancel(ctx)
	go func() {
		for sending.Err() == nil {
			go s.server.publish(sending, "ef_live_no_more")
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return func(context.Context) error { stop(); return nil }, nil
}

func (s *stage) serverIsKilled(context.Context) (func(context.Context) error, error) {
	s.server.kill()
	return s.server.start, nil
}

// shardIsAway has the server start while one of its two shards is not where it should be.
// Files that are open stay so, wherever their folder goes.
func (s *stage) shardIsAway(ctx context.Context) (func(context.Context) error, error) {
	s.server.kill()
	shard, elsewhere := s.server.second(), s.server.second()+".elsewhere"
	if err := os.Rename(shard, elsewhere); err != nil {
		return nil, err
	}
	if err := os.WriteFile(shard, nil, 0o600); err != nil {
		return nil, err
	}
	mend := func(context.Context) error {
		if err := os.Remove(shard); err != nil {
			return err
		}
		return os.Rename(elsewhere, shard) // the server finds it by itself
	}
	return mend, s.server.start(ctx)
}
