package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// trail is where the command line writes what it did: where the server writes,
// too, whether or not that runs.
type trail struct {
	program *program
	cfg     Config
	catalog reminder
	org     core.Organization
	// talk is told what could not be written.
	talk io.Writer
}

// record writes a record, and says so where it cannot: what it is about has
// happened, and the command goes on.
func (t *trail) record(ctx context.Context, record core.AuditRecord) {
	details := map[string]string{"os_user": systemUser()}
	maps.Copy(details, record.Details)
	record.Details = details
	if err := t.write(ctx, record); err != nil {
		fmt.Fprintf(t.talk, "eventflow: this was done, but could not be recorded in the audit trail of %q: %s\n", t.org.Name, message(err))
	}
}

// trailTimeout bounds the opening of the store.
const trailTimeout = 15 * time.Second

func (t *trail) write(ctx context.Context, record core.AuditRecord) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trailTimeout) // an interrupt undoes nothing
	defer cancel()
	storage, err := t.program.openSharedStorage(ctx, t.cfg, t.catalog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	logger := slog.New(slog.NewTextHandler(t.talk, nil))
	clock, err := sharedClock(ctx, time.Now, slog.New(slog.DiscardHandler), storage)
	if err != nil {
		return err
	}
	shards, _ := storage.(core.Sharded)
	confirmer, _ := storage.(core.Confirmer)
	committer := eventlog.NewCommitter(storage, eventlog.CommitOptions{
		Logger: logger, Now: clock.Now, Shards: shards, Confirmer: confirmer, Limits: core.GroupLimitsOf(storage),
	})
	defer committer.Close()
	return eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: storage, Logger: logger, Now: clock.Now}).Add(ctx, record)
}

// systemUser is who runs the command, as far as the system knows.
func systemUser() string {
	if who, err := user.Current(); err == nil {
		return who.Username
	}
	return strconv.Itoa(os.Getuid())
}
