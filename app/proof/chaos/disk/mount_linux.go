package disk

import (
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Device is what the kernel must offer for a disk to be mounted, by root.
const Device = "/dev/fuse"

// cached is how long the kernel may trust what it was told: nobody changes the disk
// behind its back.
const cached = time.Hour

// mount is the disk as the kernel sees it, from being mounted until the power is cut.
type mount struct {
	fuse.RawFileSystem
	disk   *Disk
	folder string
	server *fuse.Server
	// dead, lists and listed are guarded by the disk's mu.
	dead bool
	// lists are the names in the folders that are open, as they were when they were
	// opened: a reader that removes what it has read leaves nothing out.
	lists  map[uint64][]fuse.DirEntry
	listed uint64
}

// Mount mounts the disk on a folder, for all users, as it is or as a cut has left it.
func (d *Disk) Mount(folder string) error {
	m := &mount{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: d, folder: folder, lists: map[uint64][]fuse.DirEntry{}}
	server, err := fuse.NewServer(m, folder, &fuse.MountOptions{
		DirectMountStrict: true, AllowOther: true, FsName: "eventflow", Name: "disk", DisableXAttrs: true, DisableReadDirPlus: true,
	})
	if err != nil {
		return err
	}
	m.server = server
	d.mu.Lock()
	d.mounted = m
	d.mu.Unlock()
	go server.Serve()
	return server.WaitMount()
}

// Unmount takes the disk off its folder, and waits until no program has it open.
func (d *Disk) Unmount() error {
	d.mu.Lock()
	m := d.mounted
	d.mounted = nil
	d.mu.Unlock()
	if m == nil {
		return nil
	}
	if err := syscall.Unmount(m.folder, syscall.MNT_DETACH); err != nil {
		return err
	}
	m.server.Wait()
	return nil
}

// on runs an operation on a node.
func (m *mount) on(number uint64, do func(*node) fuse.Status) fuse.Status {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if m.dead {
		return fuse.EIO
	}
	n := m.disk.nodes[number]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return do(n)
}

func (m *mount) attributes(n *node, out *fuse.Attr) {
	out.Ino, out.Mode, out.Owner = n.number, n.mode, fuse.Owner{Uid: n.uid, Gid: n.gid}
	out.Size, out.Blocks, out.Blksize = uint64(n.now.size), uint64(n.now.held())*pageSize/sectorSize, pageSize
	out.SetTimes(&n.changed, &n.changed, &n.changed)
	switch {
	case n.removed:
	case n.entries != nil:
		out.Nlink = 2
	default:
		out.Nlink = 1
	}
}

func (m *mount) entry(n *node, out *fuse.EntryOut) {
	out.NodeId, out.Generation = n.number, 1
	out.SetEntryTimeout(cached)
	out.SetAttrTimeout(cached)
	m.attributes(n, &out.Attr)
}

// Lookup implements [fuse.RawFileSystem].
func (m *mount) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return m.on(header.NodeId, func(folder *node) fuse.Status {
		n := folder.entries[name]
		if n == nil {
			return fuse.ENOENT
		}
		m.entry(n, out)
		return fuse.OK
	})
}

// GetAttr implements [fuse.RawFileSystem].
func (m *mount) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return m.on(in.NodeId, func(n *node) fuse.Status {
		out.SetTimeout(cached)
		m.attributes(n, &out.Attr)
		return fuse.OK
	})
}

// SetAttr implements [fuse.RawFileSystem].
func (m *mount) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return m.on(in.NodeId, func(n *node) fuse.Status {
		if mode, ok := in.GetMode(); ok {
			n.mode = n.mode&syscall.S_IFMT | mode&0o7777
		}
		if uid, ok := in.GetUID(); ok {
			n.uid = uid
		}
		if gid, ok := in.GetGID(); ok {
			n.gid = gid
		}
		if size, ok := in.GetSize(); ok {
			held := n.now.held()
			n.now.resize(int64(size), &n.flushed)
			m.disk.release(held - n.now.held())
			n.changed = time.Now()
		}
		if at, ok := in.GetMTime(); ok {
			n.changed = at
		}
		out.SetTimeout(cached)
		m.attributes(n, &out.Attr)
		return fuse.OK
	})
}

// create makes a file or a folder with a name that nobody has.
func (m *mount) create(in *fuse.InHeader, mode uint32, name string, out *fuse.EntryOut) fuse.Status {
	return m.on(in.NodeId, func(folder *node) fuse.Status {
		if folder.entries[name] != nil {
			return fuse.Status(syscall.EEXIST)
		}
		n := m.disk.node(mode, in.Uid, in.Gid)
		m.disk.change(entry{folder, name, n})
		m.entry(n, out)
		return fuse.OK
	})
}

// Mkdir implements [fuse.RawFileSystem].
func (m *mount) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return m.create(&in.InHeader, syscall.S_IFDIR|in.Mode&0o7777, name, out)
}

// Mknod implements [fuse.RawFileSystem].
func (m *mount) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return m.create(&in.InHeader, in.Mode, name, out)
}

// Create implements [fuse.RawFileSystem].
func (m *mount) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return m.create(&in.InHeader, syscall.S_IFREG|in.Mode&0o7777, name, &out.EntryOut)
}

// remove takes a name away.
func (m *mount) remove(header *fuse.InHeader, name string, folders bool) fuse.Status {
	return m.on(header.NodeId, func(folder *node) fuse.Status {
		switch n := folder.entries[name]; {
		case n == nil:
			return fuse.ENOENT
		case folders && n.entries == nil:
			return fuse.ENOTDIR
		case len(n.entries) > 0:
			return fuse.Status(syscall.ENOTEMPTY)
		default:
			m.gone(n)
			m.disk.change(entry{folder, name, nil})
			return fuse.OK
		}
	})
}

// gone marks a node that has no name any more. Its room is free at once, which is
// early where a program has it open.
func (m *mount) gone(n *node) {
	n.removed = true
	m.disk.release(n.now.held())
}

// Unlink implements [fuse.RawFileSystem].
func (m *mount) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return m.remove(header, name, false)
}

// Rmdir implements [fuse.RawFileSystem].
func (m *mount) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return m.remove(header, name, true)
}

// Rename implements [fuse.RawFileSystem].
func (m *mount) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return m.on(in.NodeId, func(source *node) fuse.Status {
		target, n := m.disk.nodes[in.Newdir], source.entries[from]
		switch {
		case target == nil || n == nil:
			return fuse.ENOENT
		case in.Flags != 0:
			return fuse.EINVAL
		}
		if old := target.entries[to]; old != nil {
			if len(old.entries) > 0 {
				return fuse.Status(syscall.ENOTEMPTY)
			}
			m.gone(old)
		}
		m.disk.change(entry{source, from, nil}, entry{target, to, n})
		return fuse.OK
	})
}

// Open lets the kernel keep what it has read: all changes go through it.
func (m *mount) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags |= fuse.FOPEN_KEEP_CACHE
	return m.on(in.NodeId, func(*node) fuse.Status { return fuse.OK })
}

// OpenDir implements [fuse.RawFileSystem].
func (m *mount) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return m.on(in.NodeId, func(folder *node) fuse.Status {
		m.listed++
		out.Fh = m.listed
		for i, name := range slices.Sorted(maps.Keys(folder.entries)) {
			n := folder.entries[name]
			m.lists[out.Fh] = append(m.lists[out.Fh], fuse.DirEntry{Name: name, Mode: n.mode, Ino: n.number, Off: uint64(i + 1)})
		}
		return fuse.OK
	})
}

// ReleaseDir implements [fuse.RawFileSystem].
func (m *mount) ReleaseDir(in *fuse.ReleaseIn) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	delete(m.lists, in.Fh)
}

// Read implements [fuse.RawFileSystem].
func (m *mount) Read(_ <-chan struct{}, in *fuse.ReadIn, buffer []byte) (result fuse.ReadResult, status fuse.Status) {
	status = m.on(in.NodeId, func(n *node) fuse.Status {
		result = fuse.ReadResultData(buffer[:n.now.read(buffer, int64(in.Offset))])
		return fuse.OK
	})
	return result, status
}

// Write implements [fuse.RawFileSystem].
func (m *mount) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (written uint32, status fuse.Status) {
	status = m.on(in.NodeId, func(n *node) fuse.Status {
		if !m.disk.take(n, int64(in.Offset), int64(len(data))) {
			return fuse.Status(syscall.ENOSPC)
		}
		n.now.write(data, int64(in.Offset), &n.flushed)
		written, n.changed = uint32(len(data)), time.Now()
		return fuse.OK
	})
	return written, status
}

// Fallocate makes a file larger, by pages that are its own from then on.
func (m *mount) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	return m.on(in.NodeId, func(n *node) fuse.Status {
		begin, end := int64(in.Offset), int64(in.Offset+in.Length)
		switch {
		case in.Mode != 0:
			return fuse.ENOTSUP
		case !m.disk.take(n, begin, end-begin):
			return fuse.Status(syscall.ENOSPC)
		}
		for i := begin / pageSize; i*pageSize < end; i++ {
			n.now.own(int(i), &n.flushed)
		}
		n.now.size = max(n.now.size, end)
		return fuse.OK
	})
}

// Fsync implements [fuse.RawFileSystem].
func (m *mount) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return m.on(in.NodeId, func(n *node) fuse.Status {
		m.disk.sync(n)
		return fuse.OK
	})
}

// FsyncDir implements [fuse.RawFileSystem].
func (m *mount) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return m.Fsync(cancel, in)
}

// Flush is a close, which flushes nothing.
func (m *mount) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

// ReadDir implements [fuse.RawFileSystem].
func (m *mount) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return m.on(in.NodeId, func(*node) fuse.Status {
		list := m.lists[in.Fh]
		for _, e := range list[min(int(in.Offset), len(list)):] {
			if !out.AddDirEntry(e) {
				break
			}
		}
		return fuse.OK
	})
}

// spacious is a disk of a terabyte, in pages.
const spacious = 1 << 28

// StatFs implements [fuse.RawFileSystem].
func (m *mount) StatFs(_ <-chan struct{}, in *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return m.on(in.NodeId, func(*node) fuse.Status {
		free := m.disk.room
		if free < 0 {
			free = spacious
		}
		out.Bsize, out.Frsize, out.NameLen = pageSize, pageSize, 255
		out.Blocks, out.Bfree, out.Bavail, out.Files, out.Ffree = spacious, uint64(free), uint64(free), spacious, spacious
		return fuse.OK
	})
}
