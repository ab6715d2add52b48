package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// sumIn is the hash of the log in what a command prints.
func sumIn(t *testing.T, output string) string {
	t.Helper()
	found := regexp.MustCompile(`sha256 of the log +([0-9a-f]{64})`).FindStringSubmatch(output)
	require.NotNil(t, found, output)
	return found[1]
}

// unpacked is the text of a backup.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	packed, err := os.ReadFile(path)
	require.NoError(t, err)
	reader, err := zstd.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	defer reader.Close()
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(text)
}

// A backup is one private file, which holds no secret that nobody has asked for, goes
// into an empty store and into no other, and needs the secret of its keys.
func TestABackupIsRestored(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must("key", "create", "--label", "one")
	h.must("org", "create", "acme")
	file := filepath.Join(h.folder, "a.backup")
	made := h.must("backup", "a.backup")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoFileExists(t, file+".partial")
	require.Contains(t, h.must("audit", "verify"), "is intact: 4 records", "who took everything out is recorded")
	_, text, _ := strings.Cut(secret, "=")
	require.NotContains(t, unpacked(t, file), text)
	require.Contains(t, h.must("backup", "verify", "a.backup"), "the backup is whole")

	restored := h.must("restore", "a.backup", "--to", "sqlite:./b")
	require.Equal(t, sumIn(t, made), sumIn(t, restored))
	there := []string{secret, "EVENTFLOW_STORE=sqlite:./b"}
	for _, args := range []string{"key list", "org list", "audit verify"} {
		require.Equal(t, h.must(strings.Fields(args)...)+"\n", h.run(there, strings.Fields(args)...).stdout, args)
	}

	other := []string{"EVENTFLOW_SECRET=another-secret-for-programs-that-live-for-seconds"}
	refused := h.run(other, "restore", "a.backup", "--to", "sqlite:./c")
	require.Equal(t, 5, refused.code, refused.stderr)
	require.Regexp(t, `made with the secret with the mark [0-9a-f]{12}: set it as EVENTFLOW_SECRET. .*--other-secret`, refused.stderr)
	require.NoDirExists(t, filepath.Join(h.folder, "c"))
	require.Zero(t, h.run(other, "restore", "a.backup", "--to", "sqlite:./c", "--other-secret").code)

	h.must("backup", "with.backup", "--with-secret")
	require.Contains(t, unpacked(t, filepath.Join(h.folder, "with.backup")), text)
	alone := h.run(nil, "restore", "with.backup", "--to", "sqlite:./d", "--write-secret", "d.secret")
	require.Zero(t, alone.code, alone.stderr)
	kept, err := os.ReadFile(filepath.Join(h.folder, "d.secret"))
	require.NoError(t, err)
	require.Equal(t, text+"\n", string(kept))
}

// Of two installations only one sends: in a copy, and in what was restored, processors wait
// until somebody resumes them.
func TestCopiedProcessorsWait(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	key := h.key()
	client := server.client(key)
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	for _, state := range []core.ProcessorState{core.ProcessorRunning, core.ProcessorPaused} {
		_, err := client.CreateProcessor(t.Context(), "orders", core.ProcessorSpec{
			GroupSpec: core.GroupSpec{Name: string(state)}, Filter: "version > 0", Destination: []byte(`{"type":"log"}`), State: state,
		})
		require.NoError(t, err)
	}
	h.must("backup", "a.backup")
	h.must("copy", "--to", "sqlite:./b")
	h.must("copy", "--to", "sqlite:./b") // and once more, on what is there
	running, err := client.Processor(t.Context(), "orders", "running")
	require.NoError(t, err)
	require.Equal(t, core.ProcessorRunning, running.State, "the source goes on")
	require.Zero(t, server.stop())
	h.must("restore", "a.backup", "--to", "sqlite:./c")
	for _, store := range []string{"sqlite:./b", "sqlite:./c"} {
		server := h.serve("EVENTFLOW_STORE=" + store)
		client := server.client(key)
		copied, err := client.Processor(t.Context(), "orders", "running")
		require.NoError(t, err)
		require.Equal(t, core.ProcessorPaused, copied.State)
		require.Contains(t, copied.Reason, "resume it when that one is off")
		require.Equal(t, "version > 0", copied.Filter)
		alone, err := client.Processor(t.Context(), "orders", "paused")
		require.NoError(t, err)
		require.Empty(t, alone.Reason, "somebody has paused it")
		resumed, err := client.ResumeProcessor(t.Context(), "orders", "running")
		require.NoError(t, err)
		require.Equal(t, []any{core.ProcessorRunning, ""}, []any{resumed.State, resumed.Reason})
		require.Zero(t, server.stop())
	}
}

// A backup goes through a pipe.
func TestABackupGoesThroughAPipe(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must("key", "create", "--label", "one")
	made := h.run([]string{secret}, "backup", "-")
	require.Zero(t, made.code, made.stderr)
	for _, args := range [][]string{{"backup", "verify", "-"}, {"restore", "-", "--to", "sqlite:./b"}} {
		cmd := h.command(context.Background(), []string{secret}, args...)
		cmd.Stdin = strings.NewReader(made.stdout)
		output, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, sumIn(t, made.stderr), sumIn(t, string(output)))
	}
}

// holdsHalf checks that nothing begins an installation in a store that got events only.
func (h home) holdsHalf(store string) {
	for _, args := range [][]string{{"serve"}, {"key", "create", "--label", "early"}} {
		refused := h.run([]string{secret, "EVENTFLOW_STORE=" + store, "EVENTFLOW_ADDR=127.0.0.1:0"}, args...)
		require.NotZero(h.t, refused.code)
		require.Regexp(h.t, "the store holds [1-9][0-9]* events?, and the catalog no installation that they are of: either a copy or a restore", refused.stderr)
	}
}

// alter runs a statement on a database file.
func (h home) alter(file, statement string) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.folder, file))
	require.NoError(h.t, err)
	_, err = db.ExecContext(h.t.Context(), statement)
	require.NoError(h.t, errors.Join(err, db.Close()))
}

// A restore that breaks off leaves no installation. What it has put is no hindrance to
// the next one.
func TestARestoreThatBreaksOff(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, label := range []string{"one", "two", "three"} {
		h.must("key", "create", "--label", label)
	}
	made := h.must("backup", "a.backup")
	whole, err := os.ReadFile(filepath.Join(h.folder, "a.backup"))
	require.NoError(t, err)
	text := unpacked(t, filepath.Join(h.folder, "a.backup"))
	h.write("short.backup", string(whole[:len(whole)-20]))
	var lastless bytes.Buffer // all events are in it, and the end of the last part is wrong
	packer, err := zstd.NewWriter(&lastless)
	require.NoError(t, err)
	_, err = io.WriteString(packer, strings.Replace(text, `"label\":\"three`, `"label\":\"third`, 1))
	require.NoError(t, err)
	_, err = io.WriteString(packer, " ")
	require.NoError(t, err)
	require.NoError(t, packer.Close())
	h.write("longer.backup", lastless.String())
	for _, name := range []string{"short.backup", "longer.backup"} {
		broken := h.run([]string{secret}, "restore", name, "--to", "sqlite:./b")
		require.Equal(t, 1, broken.code, broken.stderr)
		require.Contains(t, broken.stderr, "the backup is damaged")
		require.Equal(t, name == "longer.backup", strings.Contains(broken.stderr, "sqlite:./b may hold a part of it"))
		require.Equal(t, 1, h.run([]string{secret}, "backup", "verify", name).code)
		empty := h.run([]string{secret, "EVENTFLOW_STORE=sqlite:./b"}, "backup", "none.backup")
		require.Equal(t, 4, empty.code, empty.stderr)
	}
	h.holdsHalf("sqlite:./b")
	require.Equal(t, sumIn(t, made), sumIn(t, h.must("restore", "a.backup", "--to", "sqlite:./b")))
}

// A copy brings everything, goes on when there is more, and leaves alone what is
// something else.
func TestACopyCatchesUp(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must("key", "create", "--label", "one")
	first := h.must("copy", "--to", "sqlite:./b")
	require.Contains(t, first, "copied 1 event;")
	h.must("key", "create", "--label", "two")
	second := h.must("copy", "--to", "sqlite:./b")
	require.Contains(t, second, "copied 1 event;")
	require.NotEqual(t, sumIn(t, first), sumIn(t, second))
	require.Equal(t, h.must("key", "list")+"\n", h.run([]string{secret, "EVENTFLOW_STORE=sqlite:./b"}, "key", "list").stdout)
	require.Contains(t, h.must("copy", "--to", "sqlite:./b"), "copied 0 events;")
	require.Contains(t, h.must("copy", "--from", "sqlite:./b", "--to", "sqlite:./c"), "copied 2 events;")

	h.must("key", "create", "--label", "three")
	h.alter("b/events.db", `create trigger stop before update on heads begin select raise(abort, 'stopped'); end`)
	stopped := h.run([]string{secret}, "copy", "--to", "sqlite:./b")
	require.Equal(t, 1, stopped.code, stopped.stderr)
	h.holdsHalf("sqlite:./b") // though it was whole before
	h.alter("b/events.db", `drop trigger stop`)
	require.Contains(t, h.must("copy", "--to", "sqlite:./b"), "copied 1 event;")

	there := []string{secret, "EVENTFLOW_STORE=sqlite:./b"}
	require.Zero(t, h.run(there, "key", "create", "--label", "written to the copy").code)
	ahead := h.run([]string{secret}, "copy", "--to", "sqlite:./b")
	require.Equal(t, 5, ahead.code, ahead.stderr)
	require.Contains(t, ahead.stderr, "holds something else")
	h.must("key", "create", "--label", "four")
	forked := h.run([]string{secret}, "copy", "--to", "sqlite:./b")
	require.Equal(t, 5, forked.code, forked.stderr)
	require.Contains(t, forked.stderr, "has another event at offset 3")
}

// What cannot be done is said in one line, with the documented code, and changes nothing.
func TestMistakesWithBackupsAndCopies(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must("key", "create", "--label", "one")
	h.must("backup", "there.backup")
	h.write("foreign.backup", strings.Repeat("something else ", 100))
	another := []string{secret, "EVENTFLOW_STORE=sqlite:./another"}
	require.Zero(t, h.run(another, "key", "create", "--label", "x").code)
	before := h.run(another, "key", "list").stdout
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"backup":                            {2, "wrong number of arguments"},
		"backup there.backup":               {5, "there.backup is already there"},
		"backup nowhere/x.backup":           {1, "nowhere"},
		"backup x --store sqlite:./nothing": {4, "there is no store in ./nothing"},
		"backup x --store memory:":          {1, "one process only"},
		"backup verify nothing":             {4, "there is no file nothing"},
		"backup verify foreign.backup":      {1, "the backup is damaged"},
		"restore":                           {2, "wrong number of arguments"},
		"restore nothing":                   {4, "there is no file nothing"},
		"restore there.backup":              {5, "already holds an installation"},
		"restore there.backup --to moon:x":  {2, `--to has the unknown scheme "moon"`},
		"restore there.backup --to 7":       {2, "--to must be a URL"},
		"restore there.backup --write-secret x --to sqlite:./y":   {2, "holds no secret"},
		"restore there.backup --to postgres://x:hush@127.0.0.1/x": {2, "--to must not hold a password"},
		"copy":                                    {2, "--to is required"},
		"copy --to sqlite:./eventflow_data/":      {2, "name the same place"},
		"copy --to sqlite:./another":              {5, "holds another installation"},
		"copy --to memory:":                       {1, "one process only"},
		"copy --from sqlite:./no --to sqlite:./b": {4, "there is no store in ./no"},
		"copy --from postgres://x:hush@127.0.0.1/x --to sqlite:./b": {2, "--from must not hold a password"},
	} {
		o := h.run([]string{secret}, strings.Fields(args)...)
		require.Equal(t, want.code, o.code, "%q: %s", args, o.stderr)
		require.Contains(t, o.stderr, want.says, args)
		require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
		require.NotContains(t, o.stderr, "hush")
		require.Empty(t, o.stdout, args)
	}
	require.Equal(t, before, h.run(another, "key", "list").stdout)
}

// The commands of the guide do what it says, in its order.
func TestTheGuideToBackupsIsTrue(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/backup.md")
	require.NoError(t, err)
	h := newHome(t)
	require.NoError(t, os.Mkdir(filepath.Join(h.folder, "backup"), 0o700))
	h.must("key", "create", "--label", "one")
	here := strings.NewReplacer("/backup/", h.folder+"/backup/", "/srv/eventflow", h.folder+"/srv", "/tmp/drill", h.folder+"/drill",
		"postgres://eventflow@db/eventflow", pgtest.URL(t).String(), "127.0.0.1:8099", "127.0.0.1:0")
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			environ, words := []string{secret}, strings.Fields(here.Replace(line))
			for len(words) > 0 && strings.HasPrefix(words[0], "EVENTFLOW_") {
				environ, words = append(environ, words[0]), words[1:]
			}
			if len(words) == 0 || words[0] != "eventflow" {
				require.True(t, len(words) == 0 || words[0] == "#" || words[0] == "rm", line)
				continue
			}
			ran++
			if words[1] == "serve" {
				p := h.start(environ, "serve")
				p.await(p.stderr, `"msg":"listening","addr":"([^"]+)"`)
				require.Zero(t, p.stop(), p.stderr)
				continue
			}
			o := h.run(environ, words[1:]...)
			require.Zero(t, o.code, "%s: %s", line, o.stderr)
		}
	}
	require.Equal(t, 10, ran)
}
