//go:build linux || darwin

package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// The variables that make a test run as another process: which stream of which
// folder it has to do with.
const (
	envFolder = "EVENTFLOW_TEST_SQLITE_FOLDER"
	envStream = "EVENTFLOW_TEST_SQLITE_STREAM"
)

// other prepares this test's program to run one of the tests below in another
// process.
func other(t *testing.T, test, folder string, stream core.ID) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+test+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), envFolder+"="+folder, envStream+"="+stream.String())
	return cmd
}

// asOther returns the folder and stream when this is the other process.
func asOther(t *testing.T) (folder string, stream core.ID, yes bool) {
	t.Helper()
	folder = os.Getenv(envFolder)
	if folder == "" {
		return "", core.ID{}, false
	}
	require.NoError(t, stream.UnmarshalText([]byte(os.Getenv(envStream))))
	return folder, stream, true
}

const (
	perBatch = 3
	batches  = 60
	// perKilled is how many events an append has that may be killed: enough for
	// most of the process's time to be spent in the middle of one.
	perKilled = 30
)

// Two processes may use one file at once: both append to the same stream, and
// its offsets have no gap, none is given twice, and both see all of it.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	if folder, stream, yes := asOther(t); yes {
		appendAll(t, opened(t, folder), stream)
		return
	}
	folder, stream := t.TempDir(), newID(moment)
	storage := opened(t, folder)
	var group sync.WaitGroup
	var output []byte
	var failed error
	group.Go(func() { output, failed = other(t, "TestTwoProcesses", folder, stream).CombinedOutput() })
	mine := appendAll(t, storage, stream)
	group.Wait()
	require.NoError(t, failed, "%s", output)

	events := everything(t, storage, stream)
	require.Len(t, events, 2*batches*perBatch)
	require.Len(t, mine, batches*perBatch)
	for id, offset := range mine {
		require.Equal(t, id, events[offset].ID)
	}
}

func appendAll(t *testing.T, storage core.Storage, stream core.ID) map[core.ID]core.Offset {
	t.Helper()
	offsets := map[core.ID]core.Offset{}
	for range batches {
		batch := newBatch(stream, moment, perBatch)
		require.NoError(t, appendOne(storage, moment, batch))
		for _, entry := range batch.Entries {
			offsets[entry.ID] = entry.Offset
		}
	}
	return offsets
}

// A process that is killed while it appends loses nothing that it had been
// told was stored, and leaves no part of an append; the file needs no repair,
// neither for who has it open nor for who opens it next.
func TestAKilledProcess(t *testing.T) {
	t.Parallel()
	if folder, stream, yes := asOther(t); yes {
		appendForever(open(t, folder), stream)
	}
	folder, stream := t.TempDir(), newID(moment)
	witness := opened(t, folder)
	acknowledged := map[core.Offset]string{}
	for round := range 4 {
		killedAfter(t, other(t, "TestAKilledProcess", folder, stream), acknowledged, 10, func() {
			// It takes its time, so that it is not always the same moment of an append.
			_, err := witness.Read(t.Context(), stream, core.Scan{Limit: 50 * (round + 1)})
			require.NoError(t, err)
		})
	}
	for _, storage := range []core.Storage{witness, opened(t, folder)} {
		events := everything(t, storage, stream)
		require.Zero(t, len(events)%perKilled, "no part of an append is there")
		require.GreaterOrEqual(t, len(events), len(acknowledged)*perKilled)
		for offset, id := range acknowledged {
			require.Equal(t, id, events[offset].ID.String())
		}
		next := newBatch(stream, moment, perKilled)
		require.NoError(t, appendOne(storage, moment, next))
		require.Equal(t, core.Offset(len(events)), next.Entries[0].Offset)
	}
}

// appendForever appends until the process is killed, from several goroutines,
// so that one is always in the middle of it.
func appendForever(storage core.Storage, stream core.ID) {
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				batch := newBatch(stream, moment, perKilled)
				if err := appendOne(storage, moment, batch); err != nil {
					panic(err)
				}
				fmt.Println(batch.Entries[0].Offset, batch.Entries[0].ID)
			}
		})
	}
	group.Wait()
}

// killedAfter kills the process after n acknowledgements and what is to be done
// before, and collects all that it gave.
func killedAfter(t *testing.T, cmd *exec.Cmd, acknowledged map[core.Offset]string, n int, before func()) {
	t.Helper()
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	given := 0
	for lines := bufio.NewScanner(output); lines.Scan(); {
		var offset core.Offset
		var id string
		if read, _ := fmt.Sscan(lines.Text(), &offset, &id); read < 2 || len(id) != 36 {
			continue // the test framework's own, or cut
		}
		require.NotContains(t, acknowledged, offset, "an offset is given once")
		acknowledged[offset] = id
		if given++; given == n {
			before()
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait())
	require.GreaterOrEqual(t, given, n)
}

// Where the system refuses to let the files grow, be it by a limit or a quota,
// it is as with a full disk: STORAGE_FULL, nothing half stored, and it goes on
// when there is room.
func TestFilesThatMayNotGrow(t *testing.T) {
	t.Parallel()
	if folder, stream, yes := asOther(t); yes {
		growInVain(t, folder, stream)
		return
	}
	folder, stream := t.TempDir(), newID(moment)
	output, err := other(t, "TestFilesThatMayNotGrow", folder, stream).CombinedOutput()
	require.NoError(t, err, "%s", output)
	events := everything(t, opened(t, folder), stream)
	require.Equal(t, "after", events[len(events)-1].Subject)
}

// growInVain runs in a process of its own, which the limit is set for.
func growInVain(t *testing.T, folder string, stream core.ID) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	storage := opened(t, folder)
	require.NoError(t, appendOne(storage, moment, newBatch(stream, moment, perBatch)))
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	tight := limit
	tight.Cur = 512 << 10
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &tight))
	stored := fill(t, storage, stream)
	info, err := os.Stat(filepath.Join(folder, "events.db-wal"))
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(tight.Cur))

	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	batch := newBatch(stream, moment, perBatch)
	batch.Entries[perBatch-1].Subject = "after"
	require.NoError(t, appendOne(storage, moment, batch))
	require.Equal(t, core.Offset(len(stored)), batch.Entries[0].Offset)
}
