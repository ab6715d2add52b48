package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// doctor looks at an installation from outside of its server.
type doctor struct {
	program  *program
	cfg      Config
	quick    bool
	talk     io.Writer          // how far it is
	told     func(core.Finding) // may be nil
	findings []core.Finding
	partly   bool // there is a file of the installation
}

func (d *doctor) tell(f core.Finding) {
	d.findings = append(d.findings, f)
	if d.told != nil {
		d.told(f)
	}
}

func (d *doctor) say(about string, state core.FindingState, format string, args ...any) {
	d.tell(core.Finding{About: about, State: state, Text: fmt.Sprintf(format, args...)})
}

// failed tells of something that could not be looked at.
func (d *doctor) failed(about, what string, err error) {
	d.say(about, core.FindingProblem, "%s: %s", what, message(err))
}

// examine looks at everything, and goes on where something is wrong. An error means
// that it was interrupted, or that the settings cannot be read.
func (d *doctor) examine(ctx context.Context) error {
	all, err := d.cfg.tables()
	if err != nil {
		return err
	}
	for _, one := range all {
		_, err := os.Stat(one.file)
		d.partly = d.partly || err == nil
	}
	usable := map[string]bool{}
	for _, one := range all {
		usable[one.Name] = d.checkFiles(one) && d.checkTables(ctx, one)
	}
	d.checkSecrets()
	kept := d.openCatalog(ctx, usable["catalog"])
	if kept != nil {
		defer kept.Close() //nolint:errcheck // it was only read
	}
	storage := d.openStorage(ctx, len(all) < 2, usable["events"], kept)
	if storage != nil {
		defer storage.Close() //nolint:errcheck // it was only read
	}
	d.checkEngines(ctx, d.archived(ctx, storage, kept), kept)
	if storage != nil && kept != nil && !d.quick {
		d.readEvents(ctx, storage, kept)
	}
	return ctx.Err()
}

// checkFiles looks at the files of SQLite, and reports whether the database is there.
func (d *doctor) checkFiles(t tables) bool {
	if t.file == "" {
		return true
	}
	before := len(d.findings)
	if !sqlitefile.Files(t.file, d.tell) {
		next := "name the store by --store, or start the server once, which makes it"
		if d.partly {
			next = "a part of the installation is: find it, or restore all of it from a backup"
		}
		d.say("files", core.FindingProblem, "%s is not there: %s", t.file, next)
		return false
	}
	if len(d.findings) == before {
		d.say("files", core.FindingGood, "%s is its owner's alone", t.file)
	}
	d.checkDisk(t.file)
	return true
}

// checkDisk looks at the disk that a file is on. Some systems do not tell.
func (d *doctor) checkDisk(file string) {
	load, err := sqlitefile.Disk(file)
	switch {
	case err != nil:
	case load.Free < d.cfg.DiskLow:
		d.say("disk", core.FindingProblem, "%s of %s are free where %s is, less than disk-low: make room; when it is full, nothing is stored",
			byteText(load.Free), byteText(load.Size), file)
	default:
		d.say("disk", core.FindingGood, "%s of %s are free where %s is", byteText(load.Free), byteText(load.Size), file)
	}
}

// checkSecrets looks at the other files that only their owner should read.
func (d *doctor) checkSecrets() {
	for _, path := range []string{filepath.Join(devFolder(d.cfg), secretFile), filepath.Join(devFolder(d.cfg), devKeyFile), d.cfg.TLSKey} {
		info, err := os.Stat(path)
		if path == "" || err != nil {
			continue // what is missing keeps the server from starting, which says so
		}
		if mode := info.Mode().Perm(); mode&0o007 != 0 {
			d.say("files", core.FindingProblem, "%s has the mode %04o, so everybody on this machine can get at it: chmod 600", path, mode)
		}
	}
}

// checkTables looks at the versions, and reports whether this program can read the
// tables.
func (d *doctor) checkTables(ctx context.Context, t tables) bool {
	status, err := t.look(ctx)
	if err != nil {
		d.failed("tables", "the "+t.Name+" in "+t.place(), err)
		return false
	}
	if status.Holder != "" {
		d.say("tables", core.FindingNote, "the tables of the %s are being migrated by %s", t.Name, status.Holder)
	}
	text, wrong := standing(status)
	if wrong {
		d.say("tables", core.FindingProblem, "the tables of the %s are %s", t.Name, text)
		return false
	}
	d.say("tables", core.FindingGood, "the tables of the %s are %s", t.Name, text)
	return true
}

// openStorage opens the log beside a server, if it can be. foreign says that its tables
// are not this program's to judge.
func (d *doctor) openStorage(ctx context.Context, foreign, usable bool, kept core.Catalog) core.Storage {
	if !usable && !foreign {
		return nil
	}
	if scheme, alone := d.program.alone(d.cfg); alone {
		d.say("events", core.FindingNote, "a %s: store can be open in one process only, the server: its events are not looked at", scheme)
		return nil
	}
	if foreign && kept == nil {
		return nil // which would not know where its streams are
	}
	storage, err := d.program.openStorage(ctx, d.cfg, kept)
	if err != nil {
		d.failed("events", "opening the store", err)
		return nil
	}
	return storage
}

// archived is the storage with the archive that is over it, so that its objects are looked
// at, too. The events in them are read as often as their hashes are compared: once.
func (d *doctor) archived(ctx context.Context, storage core.Storage, kept core.Catalog) core.Storage {
	if storage == nil || kept == nil {
		return storage
	}
	tier, err := withArchive(ctx, d.cfg, storage, kept, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		d.failed("archive", "cannot be looked at", err)
		return storage
	}
	if archive := archiveOf(tier); archive != nil {
		if err := archive.CheckArchive(ctx); err != nil {
			d.failed("archive", "does not work as it should", err)
		}
	}
	return tier
}

func (d *doctor) openCatalog(ctx context.Context, usable bool) core.Catalog {
	if !usable {
		return nil
	}
	u, err := d.cfg.catalogURL()
	if err != nil {
		return nil // which tables has refused
	}
	opened, err := catalog.Open(d.cfg.demands(ctx), u)
	if err != nil {
		d.failed("catalog", "opening the catalog", err)
		return nil
	}
	return opened
}

// checkEngines asks what was opened how it is, and has it look at itself.
func (d *doctor) checkEngines(ctx context.Context, storage core.Storage, kept core.Catalog) {
	type engine interface{ Check(context.Context) error }
	var engines []any
	for i, one := range []engine{storage, kept} {
		name := []string{"store", "catalog"}[i]
		if one == nil {
			continue
		}
		engines = append(engines, one)
		examiner, ok := one.(core.Examiner)
		ok = ok && !d.quick
		switch err := one.Check(ctx); {
		case err == nil:
			d.say("durability", core.FindingGood, "the %s answers only what it has flushed to disk", name)
		case !errors.Is(err, core.ErrRelaxedDurability):
			d.failed(name, "does not work as it should", err)
		case !ok: // or it names all of the settings itself
			d.failed("durability", "acknowledged events may be lost in a crash", err)
		}
		if ok {
			if err := examiner.Examine(ctx, d.tell); err != nil {
				d.failed(name, "could not be looked at", err)
			}
		}
	}
	if len(engines) > 0 {
		d.checkClock(ctx, engines)
	}
}

func (d *doctor) checkClock(ctx context.Context, engines []any) {
	clock, err := sharedClock(ctx, time.Now, slog.New(slog.DiscardHandler), engines...)
	if err != nil {
		d.failed("clock", "the database does not tell the time", err)
		return
	}
	if state, said := clock.State(); state != eventlog.ClockGood {
		d.say("clock", core.FindingProblem, "%s", said)
		return
	}
	d.say("clock", core.FindingGood, "this machine and the database are less than %s apart", eventlog.ClockTolerance)
}

// sayEvery is how often it is told how far the reading is.
const sayEvery = 5 * time.Second

// readEvents reads the whole log.
func (d *doctor) readEvents(ctx context.Context, storage core.Storage, kept core.Catalog) {
	said := time.Now()
	examination := eventlog.Examination{Log: storage, Streams: kept, Organizations: kept, Progress: func(events int64) {
		if time.Since(said) >= sayEvery {
			said = time.Now()
			fmt.Fprintf(d.talk, "  … %d events read\n", events)
		}
	}}
	examined, err := examination.Run(ctx, d.tell)
	switch {
	case err != nil:
		d.failed("events", "could not be read on", err)
	case examined.Damaged == 0:
		d.say("events", core.FindingGood, "%s in %s, audit trails among them: none is missing, and each is as it was stored, as far as can be told",
			counted(examined.Events, "event"), counted(int64(examined.Streams), "stream"))
	}
}
