package app

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
)

// folders are where this machine keeps data: those of SQLite. What PostgreSQL has left
// is not to be seen from here.
func (c Config) folders() (all []string) {
	events, _ := storeURL(c.Store) // checked by validate, as the next one
	catalog, _ := c.catalogURL()
	for _, u := range []*url.URL{events, catalog} {
		if u == nil || u.Scheme != "sqlite" {
			continue
		}
		if folder, err := sqlitefile.Folder(u); err == nil && !slices.Contains(all, folder) {
			all = append(all, folder)
		}
	}
	return all
}

// diskSpace is what is left on the disk of a folder.
type diskSpace struct {
	folder string
	core.DiskLoad
}

// emptiest returns the least free disk of the folders. Where nothing can be said about
// any, it is none.
func emptiest(folders []string) (least diskSpace, known bool) {
	for _, folder := range folders {
		load, err := sqlitefile.Disk(folder)
		if err == nil && (!known || load.Free < least.Free) {
			least, known = diskSpace{folder, load}, true
		}
	}
	return least, known
}

// byteText writes a number of bytes as people say it.
func byteText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	value, names := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for len(names) > 1 && value >= unit {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %s", value, names[0])
}
