package disk_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/disk"
)

// mounted is a disk on a folder.
type mounted struct {
	*testing.T
	disk   *disk.Disk
	folder string
}

// mount mounts a new disk, where the system has FUSE for it.
func mount(t *testing.T) (m mounted, ok bool) {
	t.Helper()
	return mountOne(t, disk.New(1))
}

func mountOne(t *testing.T, one *disk.Disk) (m mounted, ok bool) {
	t.Helper()
	if _, err := os.Stat(disk.Device); err != nil || os.Getuid() != 0 {
		t.Log("NOT TESTED: a disk is mounted by root, where there is " + disk.Device)
		return m, false
	}
	m = mounted{t, one, t.TempDir()}
	require.NoError(t, m.disk.Mount(m.folder))
	t.Cleanup(func() { require.NoError(t, m.disk.Unmount()) })
	return m, true
}

func (m mounted) cut(left disk.Left) {
	m.Helper()
	m.disk.Cut(left)
	require.NoError(m, m.disk.Unmount())
	require.NoError(m, m.disk.Mount(m.folder))
}

func (m mounted) path(name string) string { return filepath.Join(m.folder, name) }

func (m mounted) sync(name string) {
	m.Helper()
	file, err := os.Open(m.path(name))
	require.NoError(m, err)
	require.NoError(m, file.Sync())
	require.NoError(m, file.Close())
}

func (m mounted) write(name, text string) {
	m.Helper()
	require.NoError(m, os.WriteFile(m.path(name), []byte(text), 0o600))
}

func (m mounted) holds(name, text string) {
	m.Helper()
	got, err := os.ReadFile(m.path(name))
	require.NoError(m, err)
	require.Equal(m, text, string(got))
}

func (m mounted) names() (names []string) {
	m.Helper()
	list, err := os.ReadDir(m.folder)
	require.NoError(m, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestWhatWasNotFlushedIsForgotten(t *testing.T) {
	t.Parallel()
	m, ok := mount(t)
	if !ok {
		return
	}
	long := strings.Repeat("0123456789", 1000)
	m.write("kept", long)
	m.write("named", "text")
	m.sync("kept")
	m.sync(".")
	m.write("late", "text")
	m.sync("late")
	file, err := os.OpenFile(m.path("kept"), os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("changed"), 4000)
	require.NoError(t, err)
	require.NoError(t, file.Truncate(5000))
	require.NoError(t, file.Close())
	m.holds("kept", long[:4000]+"changed"+long[4007:5000])

	m.cut(disk.Nothing)
	m.holds("kept", long)
	m.holds("named", "")
	require.Equal(t, []string{"kept", "named"}, m.names(), "a file that was flushed in a folder that was not is gone")
}

func TestNamesThatWereNotFlushedAreForgotten(t *testing.T) {
	t.Parallel()
	m, ok := mount(t)
	if !ok {
		return
	}
	m.write("a", "a")
	m.write("b", "b")
	require.NoError(t, os.Mkdir(m.path("folder"), 0o700))
	m.disk.Flush()
	require.NoError(t, os.Rename(m.path("a"), m.path("folder/a")))
	require.NoError(t, os.Remove(m.path("b")))
	m.sync("folder")
	m.cut(disk.Nothing)
	m.holds("a", "a")
	m.holds("b", "b")
	m.holds("folder/a", "a")
}

func TestAJournalKeepsTheNamesOfWhatWasFlushed(t *testing.T) {
	t.Parallel()
	m, ok := mountOne(t, disk.NewJournaled(1))
	if !ok {
		return
	}
	require.NoError(t, os.MkdirAll(m.path("folder/within"), 0o700))
	m.write("folder/within/file", "text")
	m.write("empty", "not flushed")
	m.sync("folder/within/file")
	m.write("late", "text")
	m.cut(disk.Nothing)
	m.holds("folder/within/file", "text")
	m.holds("empty", "")
	require.Equal(t, []string{"empty", "folder"}, m.names())
}

// Some of what was not flushed is there, by sectors, and what was flushed is whole.
func TestADiskMayHaveWrittenSome(t *testing.T) {
	t.Parallel()
	m, ok := mount(t)
	if !ok {
		return
	}
	old, changed := strings.Repeat("o", 64<<10), strings.Repeat("c", 64<<10)
	m.write("torn", old)
	m.write("whole", old)
	m.disk.Flush()
	m.write("torn", changed)
	m.cut(disk.Some)
	m.holds("whole", old)
	got, err := os.ReadFile(m.path("torn"))
	require.NoError(t, err)
	require.Len(t, got, 64<<10)
	sectors := map[byte]int{}
	for i := 0; i < len(got); i += 512 {
		require.Equal(t, strings.Repeat(string(got[i]), 512), string(got[i:i+512]))
		sectors[got[i]]++
	}
	require.Greater(t, sectors['c'], 30)
	require.Greater(t, sectors['o']+sectors[0], 30)
}

func TestACutFailsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	m, ok := mount(t)
	if !ok {
		return
	}
	file, err := os.Create(m.path("file"))
	require.NoError(t, err)
	m.disk.Cut(disk.Nothing)
	_, err = file.WriteString("text")
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	require.NoError(t, file.Close(), "a close writes nothing")
}

func TestAFullDiskRefusesPages(t *testing.T) {
	t.Parallel()
	m, ok := mount(t)
	if !ok {
		return
	}
	m.write("old", strings.Repeat("o", 10_000))
	m.disk.Fill(8 << 10)
	require.ErrorIs(t, os.WriteFile(m.path("new"), make([]byte, 10_000), 0o600), syscall.ENOSPC)
	m.write("new", "small")
	file, err := os.OpenFile(m.path("old"), os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("in place"), 0)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.Remove(m.path("old")))
	m.write("new", strings.Repeat("n", 10_000))
	m.disk.Free()
	m.write("more", strings.Repeat("m", 1<<20))
}
