package app

import (
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// emptiest returns the fullest disk of the engines that are on a disk of this machine.
// What PostgreSQL has left is not to be seen from here, and some systems do not tell.
func emptiest(engines ...any) (least core.DiskLoad, known bool) {
	for _, engine := range engines {
		housed, ok := engineOf(engine).(core.Housed)
		if !ok {
			continue
		}
		load, err := housed.Disk()
		if err == nil && load.Size > 0 && (!known || load.Free < least.Free) {
			least, known = load, true
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
