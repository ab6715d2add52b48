//go:build linux

package disk

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// Left says what a cut leaves of what was not flushed.
type Left int

// What a cut may leave.
const (
	Nothing Left = iota
	Some
)

// Disk is a file system. It may be used by several goroutines at once.
type Disk struct {
	chance *rand.Rand
	// journaled has whatever flushes anything flush all names, too.
	journaled bool

	// mu guards everything below, so that a cut falls between two operations.
	mu   sync.Mutex
	root *node
	// nodes are the files and folders by their numbers.
	nodes map[uint64]*node
	last  uint64
	// changes are those of names that were not flushed, in their order.
	changes [][]entry
	// room is how many more pages can be written; it is below zero where there is no end.
	room int64
	// mounted is what the kernel talks to.
	mounted *mount
}

// node is a file or a folder: as programs see it, and as it is once the power is cut.
type node struct {
	number         uint64
	mode, uid, gid uint32
	changed        time.Time
	removed        bool
	now, flushed   content
	entries        map[string]*node // nil in a file
	kept           map[string]*node
}

// entry is a name in a folder that comes to mean another node, or none.
type entry struct {
	folder *node
	name   string
	to     *node
}

// New makes an empty disk. What its cuts leave follows from the seed.
func New(seed uint64) *Disk {
	d := &Disk{chance: rand.New(rand.NewPCG(seed, seed)), nodes: map[uint64]*node{}, room: -1} //nolint:gosec // chance, no secret
	d.root = d.node(syscall.S_IFDIR|0o700, uint32(syscall.Getuid()), uint32(syscall.Getgid()))
	return d
}

// NewJournaled makes an empty disk that keeps names as ext4, XFS and Btrfs do.
func NewJournaled(seed uint64) *Disk {
	d := New(seed)
	d.journaled = true
	return d
}

func (d *Disk) node(mode, uid, gid uint32) *node {
	d.last++ // the root is 1, as FUSE wants it
	n := &node{number: d.last, mode: mode, uid: uid, gid: gid, changed: time.Now()}
	if mode&syscall.S_IFMT == syscall.S_IFDIR {
		n.entries, n.kept = map[string]*node{}, map[string]*node{}
	}
	d.nodes[n.number] = n
	return n
}

// change changes names, all or none of them at a cut.
func (d *Disk) change(entries ...entry) {
	for _, e := range entries {
		set(e.folder.entries, e)
		e.folder.changed = time.Now()
	}
	d.changes = append(d.changes, entries)
}

func set(names map[string]*node, e entry) {
	if e.to == nil {
		delete(names, e.name)
	} else {
		names[e.name] = e.to
	}
}

// sync flushes a file or a folder, as fsync does.
func (d *Disk) sync(n *node) {
	if n.entries == nil {
		n.flushed = n.now.clone()
	}
	var left [][]entry
	for _, change := range d.changes {
		var rest []entry
		for _, e := range change {
			if e.folder == n || d.journaled {
				set(e.folder.kept, e)
			} else {
				rest = append(rest, e)
			}
		}
		if len(rest) > 0 {
			left = append(left, rest)
		}
	}
	d.changes = left
}

// Flush flushes everything, as the command sync does.
func (d *Disk) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.nodes {
		d.sync(n)
	}
}

// Cut cuts the power. From that moment on all that programs do fails and changes
// nothing, until they are gone and the disk is mounted again.
func (d *Disk) Cut(left Left) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mounted != nil {
		d.mounted.dead = true
	}
	if left == Some {
		for _, change := range d.changes[:d.chance.IntN(len(d.changes)+1)] {
			for _, e := range change {
				set(e.folder.kept, e)
			}
		}
	}
	d.changes = nil
	clear(d.nodes)
	d.recover(d.root, left)
}

// recover makes what was flushed, and some of the rest, what programs see.
func (d *Disk) recover(n *node, left Left) {
	d.nodes[n.number], n.removed = n, false
	if left == Some {
		n.flushed = n.now.some(&n.flushed, d.chance)
	}
	n.now = n.flushed.clone()
	if n.entries == nil {
		return
	}
	clear(n.entries)
	for name, of := range n.kept {
		n.entries[name] = of
		d.recover(of, left)
	}
}

// Fill leaves room for so many more bytes.
func (d *Disk) Fill(room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room / pageSize
}

// Free takes the end of the room away.
func (d *Disk) Free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = -1
}

// take takes the room that a range of a file needs, or none.
func (d *Disk) take(n *node, offset, size int64) bool {
	if d.room < 0 || size == 0 {
		return true
	}
	var needed int64
	for i := offset / pageSize; i <= (offset+size-1)/pageSize; i++ {
		if n.now.at(int(i)) == nil {
			needed++
		}
	}
	if needed > d.room {
		return false
	}
	d.room -= needed
	return true
}

// release gives back the room of a file that is made smaller.
func (d *Disk) release(pages int64) {
	if d.room >= 0 {
		d.room += pages
	}
}
