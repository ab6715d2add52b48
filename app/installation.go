package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
)

// installation is a store and a catalog, opened to be copied as a whole.
type installation struct {
	storage core.Storage
	log     core.Copyable
	catalog *catalog.Catalog
	// name is where it is, as people may see it.
	name string
}

// openInstallation opens what a backup or a copy is made of, or made into.
func (p *program) openInstallation(ctx context.Context, cfg Config) (*installation, error) {
	i := &installation{name: shown("store", cfg.Store)}
	if err := p.fromOutside(cfg); err != nil {
		return nil, err
	}
	u, err := cfg.catalogURL()
	if err != nil {
		return nil, wrong("catalog", err.Error())
	}
	opened, err := catalog.Open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	i.catalog = opened.(*catalog.Catalog)
	if i.storage, err = p.openStorage(ctx, cfg, i.catalog); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store %s: %w", i.name, err), i.catalog.Close())
	}
	tier, err := withArchive(ctx, cfg, i.storage, opened, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, errors.Join(err, i.close())
	}
	i.storage = tier
	var able bool
	if i.log, able = i.storage.(core.Copyable); !able {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be copied: its adapter is not a core.Copyable", i.name), i.close())
	}
	return i, nil
}

// fromOutside refuses a store that only its server can have open.
func (p *program) fromOutside(cfg Config) error {
	if scheme, alone := p.alone(cfg); alone {
		return fmt.Errorf("a %s: store can be open in one process only: it cannot be copied from outside", scheme)
	}
	return nil
}

func (i *installation) close() error { return errors.Join(i.catalog.Close(), i.storage.Close()) }

// withInstallation runs do on what the settings name.
func (p *program) withInstallation(ctx context.Context, cfg Config, do func(*installation) error) (err error) {
	i, err := p.openInstallation(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	return do(i)
}

// mustBeThere refuses a folder without a store: to open it would make an empty one.
func mustBeThere(cfg Config) error {
	u, err := storeURL(cfg.Store)
	if err != nil {
		return wrong("store", err.Error())
	}
	if u.Scheme != "sqlite" {
		return nil
	}
	folder, err := sqlitefile.Folder(u)
	if err != nil {
		return wrong("store", err.Error())
	}
	if _, err := os.Stat(filepath.Join(folder, sqlite.FileName)); errors.Is(err, fs.ErrNotExist) {
		return core.Errorf(core.CodeNotFound, "there is no store in %s: name it by --store", folder)
	}
	return nil
}

// first returns the organization by which one knows an installation, and a zero one
// where there is none.
func (i *installation) first(ctx context.Context) (core.Organization, error) {
	org, err := i.catalog.OldestOrganization(ctx)
	if core.IsNotFound(err) {
		return core.Organization{}, nil
	}
	return org, err
}

// checkWhole refuses a store that holds events where the catalog holds nothing. Otherwise
// a server would begin a new installation there, and what is being copied into that
// place could neither go on nor be found.
func checkWhole(ctx context.Context, organizations core.Organizations, storage core.Storage) error {
	log, able := storage.(core.Copyable)
	if !able { // nothing can have been copied into it
		return nil
	}
	_, err := organizations.OldestOrganization(ctx)
	if !core.IsNotFound(err) {
		return err
	}
	logs, err := log.Logs(ctx)
	if err != nil || len(logs) == 0 {
		return err
	}
	// Where another server has begun meanwhile, its organization is older than its events.
	if _, err = organizations.OldestOrganization(ctx); core.IsNotFound(err) {
		return core.Errorf(core.CodeConflict, "the store holds %s, and the catalog no installation that they are of: either a copy or a restore into this place has not ended, "+
			"then run the same command again until it has; or EVENTFLOW_CATALOG is not the catalog of EVENTFLOW_STORE", counted(eventsOf(logs), "event"))
	}
	return err
}

// copiedRow is a row as it is in a copy: nobody holds the events of a group, nor a
// replay, and no processor sends.
func copiedRow(table string, row catalog.Row, now time.Time) error {
	switch table {
	case "group_progress":
		state, err := deliver.Unleased([]byte(row["state"].(string)), now)
		row["state"] = string(state)
		return err
	case "replays":
		row["held_until"] = int64(0)
	case "processors":
		return pauseRow(row)
	case "streams":
		if _, has := row["moving"]; has {
			row["moving"] = "" // the copy is whole wherever the stream is
		}
	}
	return nil
}

// copiedReason is why the processors of a copy do not run. The installation that was copied
// may go on, and then both would send the same events.
const copiedReason = "copied from another installation: resume it when that one is off"

// pauseRow has a processor that runs wait for somebody to resume it.
func pauseRow(row catalog.Row) error {
	if row["state"] != string(core.ProcessorRunning) {
		return nil
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(row["document"].(string)), &document); err != nil {
		return fmt.Errorf("reading the processor %v: %w", row["id"], err)
	}
	document["reason"] = json.RawMessage(strconv.Quote(copiedReason))
	text, err := json.Marshal(document)
	row["state"], row["document"] = string(core.ProcessorPaused), string(text)
	return err
}

// samePlace reports whether two stores or catalogs are one.
func samePlace(a, b *url.URL) bool {
	if a.Scheme != "sqlite" || b.Scheme != "sqlite" {
		return a.String() == b.String()
	}
	one, _ := sqlitefile.Folder(a) // both were checked
	other, _ := sqlitefile.Folder(b)
	first, err := os.Stat(one)
	second, err2 := os.Stat(other)
	return one == other || err == nil && err2 == nil && os.SameFile(first, second)
}

// sameStreams refuses what a log holds unless it is the beginning of these streams.
func (i *installation) sameStreams(ctx context.Context, whole []core.StreamLog, what string) error {
	there, err := i.log.Logs(ctx)
	if err != nil {
		return err
	}
	known := make(map[core.ID]core.StreamLog, len(whole))
	for _, of := range whole {
		known[of.Stream] = of
	}
	other := slices.IndexFunc(there, func(t core.StreamLog) bool {
		of, ok := known[t.Stream]
		return !ok || of.Org != t.Org || t.Next > of.Next
	})
	if other >= 0 {
		return core.Errorf(core.CodeConflict, "the store %s holds something else than the beginning of %s: stream %s up to offset %d; name an empty one",
			i.name, what, there[other].Stream, there[other].Next)
	}
	return nil
}

// eventsOf counts the events of streams.
func eventsOf(logs []core.StreamLog) (events int64) {
	for _, of := range logs {
		events += int64(of.Next - of.First)
	}
	return events
}
