package core

// Housed is what a [Storage] or a [Catalog] that keeps its files on a disk of this
// machine is, too.
type Housed interface {
	// Disk says how full the disk is, or zero when the files are on another machine. It
	// looks at the file system only.
	Disk() (DiskLoad, error)
}

// DiskLoad is the room on a disk, in bytes.
type DiskLoad struct {
	Size int64
	// Free is what this process may still take of it.
	Free int64
}
