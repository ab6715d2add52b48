package app

import (
	"context"
	"log/slog"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/core"
)

// archiveKeys are what lets the server into the archive's bucket.
func (c Config) archiveKeys() archive.Keys {
	return archive.Keys{Access: c.ArchiveAccessKey, Secret: c.ArchiveSecretKey}
}

// validateArchive refuses an archive that cannot be opened.
func (c Config) validateArchive() error {
	if c.HotDays < 1 || c.HotDays > core.MaxRetentionDays {
		return wrong("hot-days", "must be 1 to 36500")
	}
	if c.Archive == "" {
		return nil
	}
	bucket, err := archive.Open(c.Archive, c.archiveKeys())
	if err != nil {
		return wrong("archive", err.Error())
	}
	return bucket.Close()
}

// withArchive puts the archive that the settings name over a storage. Where they name none
// and the catalog knows of events in one, readers would miss them without a word.
func withArchive(
	ctx context.Context, cfg Config, storage core.Storage, segments core.Segments, logger *slog.Logger, fetched func(int, error),
) (core.Storage, error) {
	if cfg.Archive == "" {
		there, err := segments.Segments(ctx, core.SegmentScan{Limit: 1})
		if err == nil && len(there) > 0 {
			err = wrong("archive", "is not set, and old events of this installation are in an archive, the first object is "+there[0].Object+
				": set it as it was, or nobody can read them")
		}
		return storage, err
	}
	bucket, err := archive.Open(cfg.Archive, cfg.archiveKeys())
	if err != nil {
		return nil, wrong("archive", err.Error())
	}
	return archive.New(storage, archive.Options{Segments: segments, Bucket: bucket, Logger: logger, Fetched: fetched}), nil
}

// archiveOf returns the archive of a storage, or nil where it has none.
func archiveOf(storage core.Storage) core.Tiered {
	tiered, _ := storage.(core.Tiered)
	return tiered
}

// engineOf returns the storage that talks to an engine: the one below an archive.
func engineOf(engine any) any {
	if tier, over := engine.(interface{ Under() core.Storage }); over {
		return tier.Under()
	}
	return engine
}
