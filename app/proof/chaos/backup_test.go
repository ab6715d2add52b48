package chaos_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of PostgreSQL
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver of SQLite

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// command prepares a command of the program with a store in its settings.
func command(store string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "EVENTFLOW_STORE="+store, "EVENTFLOW_SECRET="+secret)
	return cmd
}

// must runs a command to its end and returns what it prints.
func must(t *testing.T, store string, args ...string) string {
	t.Helper()
	cmd := command(store, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	require.NoError(t, err, "%v: %s", args, &complaint)
	return string(output)
}

// A backup that is taken while producers write and a group reads is one moment of the
// installation: the log is a beginning of what was there in the end, with all that was
// acknowledged before, and the group goes on where it was.
func TestABackupUnderLoadIsConsistent(t *testing.T) {
	t.Parallel()
	for kind, store := range map[string]string{"sqlite": "sqlite:" + t.TempDir(), "postgres": pgtest.URL(t).String()} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			target := pgtest.URL(t).String()
			if kind == "postgres" {
				target = "sqlite:" + t.TempDir()
			}
			backUpUnderLoad(t, store, target)
		})
	}
}

func backUpUnderLoad(t *testing.T, store, target string) {
	t.Helper()
	n := newNode(t, store)
	n.start()
	key := n.key()
	client := n.client(key)
	createStreams(t, client, streams...)
	_, err := client.CreateGroup(t.Context(), streams[0], core.GroupSpec{Name: "reader"})
	require.NoError(t, err)
	load := startLoad(t, client)
	load.running.Go(func() {
		_ = client.Consume(load.ctx, streams[0], "reader", func(context.Context, rest.DeliveredEvent) error { return nil }, rest.ConsumeOptions{}) // until the load ends
	})
	load.progress(500)
	before := map[string]int64{}
	for _, stream := range streams {
		newest, err := client.EventsPage(t.Context(), stream, core.EventQuery{Limit: 1, Descending: true})
		require.NoError(t, err)
		before[stream] = int64(newest.Items[0].Offset)
	}
	file := filepath.Join(t.TempDir(), "under-load.backup")
	must(t, store, "backup", file)
	load.progress(200)
	recorded := load.end()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Contains(t, must(t, store, "backup", "verify", file), "the backup is whole")
	must(t, store, "restore", file, "--to", target)

	restored := newNode(t, target)
	restored.start()
	logs, whole := logsOf(t, restored.client(key)), logsOf(t, client)
	for _, stream := range streams {
		held := len(logs[stream])
		require.Greater(t, int64(held), before[stream], "what was acknowledged before the backup is in it")
		require.Less(t, held, len(whole[stream]), "the load went on")
		require.Equal(t, whole[stream][:held], logs[stream])
		logs[stream] = append(logs[stream], whole[stream][held:]...)
	}
	load.holds(recorded, logs)
	groupGoesOn(t, restored.client(key))
}

// groupGoesOn reads the group to its end: all events behind its position, in order.
func groupGoesOn(t *testing.T, client *rest.Client) {
	t.Helper()
	status, err := client.Lag(t.Context(), streams[0], "reader")
	require.NoError(t, err)
	require.Positive(t, status.CommittedOffset)
	require.LessOrEqual(t, status.CommittedOffset, status.EndOffset)
	next := status.CommittedOffset + 1
	for status.Lag > 0 {
		got, err := client.Poll(t.Context(), streams[0], "reader", rest.PollOptions{Limit: core.MaxPageSize})
		require.NoError(t, err)
		require.NotEmpty(t, got.Events, "the group's events are in the log")
		for _, event := range got.Events {
			require.Equal(t, next, event.Offset)
			next++
		}
		require.NoError(t, client.Ack(t.Context(), streams[0], "reader", got.Lease.ID))
		status, err = client.Lag(t.Context(), streams[0], "reader")
		require.NoError(t, err)
	}
}

// copyEvents is how many events are copied: some, or as many as `make chaos-long` says.
func copyEvents(t *testing.T) int {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_COPY")
	if text == "" {
		return 16_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// fillStore makes an installation with so many events, in 40 streams.
func fillStore(t *testing.T, folder string, events int) {
	t.Helper()
	must(t, "sqlite:"+folder, "key", "create", "--label", "copied")
	storage, err := sqlite.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: folder})
	require.NoError(t, err)
	const streams, most = 40, 10_000
	padding := strings.Repeat("x", 400)
	for stream := range streams {
		for n := 0; n < events/streams; n += most {
			at := time.Date(2026, 3, 1+n/most, 10, 0, 0, stream*1000, time.UTC)
			entries := make([]core.Entry, min(most, events/streams-n))
			for i := range entries {
				number := stream<<32 + n + i
				entries[i].Event = core.Event{
					ID: core.NewID(at, fmt.Appendf(nil, "%10d", number)), Type: "copied", Version: 1, OccurredAt: at, Source: "chaos",
					Payload: fmt.Appendf(nil, `{"n": %d, "padding": "%s"}`, number, padding), IdempotencyKey: strconv.Itoa(number),
				}
				entries[i].Fingerprint[0] = 1
			}
			require.NoError(t, storage.Append(t.Context(), at, []core.Batch{{Org: core.ID{1}, Stream: core.ID{2, byte(stream)}, Entries: entries}}))
		}
	}
	require.NoError(t, storage.Close())
}

// copiedTo counts the events that a target has so far.
func copiedTo(t *testing.T, target string) (events int) {
	t.Helper()
	driver, address := "pgx", target
	if folder, local := strings.CutPrefix(target, "sqlite:"); local {
		driver, address = "sqlite", "file:"+filepath.Join(folder, sqlite.FileName)+"?mode=ro"
	}
	db, err := sql.Open(driver, address)
	require.NoError(t, err)
	defer db.Close()                                                                                     //nolint:errcheck // it was only read
	_ = db.QueryRowContext(t.Context(), `select coalesce(sum(next_offset), 0) from heads`).Scan(&events) // there may be no such table yet
	return events
}

// copyKilled copies, is killed twice on the way, and copies to the end. It returns what
// that says of the log.
func copyKilled(t *testing.T, from string, target func() string, events int) (to, sum string) {
	t.Helper()
	to = target()
	for kills := 0; kills < 2; {
		begun := copiedTo(t, to)
		cmd := command(from, "copy", "--to", to)
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		goal, early := begun+events/8, false
		for !early && copiedTo(t, to) < goal {
			select {
			case err := <-ended:
				require.NoError(t, err)
				early = true
			case <-time.After(time.Millisecond):
			}
		}
		if !early {
			_ = cmd.Process.Kill() // it may have ended
			early = <-ended == nil
		}
		if kills++; early { // it was faster than this test
			to, kills = target(), 0
		}
	}
	left := events - copiedTo(t, to)
	require.Positive(t, left)
	output := must(t, from, "copy", "--to", to)
	found := regexp.MustCompile(`^copied ([0-9,]+) events; .*\nsha256 of the log +([0-9a-f]{64})\n`).FindStringSubmatch(output)
	require.NotNil(t, found, output)
	copied, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
	require.NoError(t, err)
	require.LessOrEqual(t, copied, left+1, "it went on where it was; one record of the trail is not of ours")
	return to, found[2]
}

// A copy that is killed goes on where it was. What went from SQLite to PostgreSQL and
// back is the same, to the last byte.
func TestACopyIsKilled(t *testing.T) {
	t.Parallel()
	folder, events := t.TempDir(), copyEvents(t)
	fillStore(t, folder, events)
	began := time.Now()
	there, first := copyKilled(t, "sqlite:"+folder, func() string { return pgtest.URL(t).String() }, events)
	t.Logf("%d events from SQLite to PostgreSQL in %s", events, time.Since(began))
	began = time.Now()
	_, second := copyKilled(t, there, func() string { return "sqlite:" + t.TempDir() }, events)
	t.Logf("and back in %s", time.Since(began))
	require.Equal(t, first, second)
}
