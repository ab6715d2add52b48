package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
)

var binary string

// TestMain builds the program that the tests run.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "eventflow-former-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
		binary = filepath.Join(folder, "eventflow")
		// As the Makefile builds it, so that little is compiled anew.
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../../eventflow")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			panic(string(output))
		}
		return m.Run()
	}())
}

// TestAnInstallationOfAFormerVersionOpens opens what former versions have made:
// the folders in testdata, which this package's command leaves there. Nothing that
// they held has changed, and everything goes on where it was.
func TestAnInstallationOfAFormerVersionOpens(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("testdata/*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		for _, kind := range []string{"sqlite", "postgres"} {
			t.Run(filepath.Base(folder)+" on "+kind, func(t *testing.T) {
				t.Parallel()
				open(t, folder, kind).start().isTheSame()
			})
		}
	}
}

// TestAMovedInstallationIsTheSame backs an installation up, restores it on the other
// engine and copies it back to the first one. Everything goes on there where it was.
func TestAMovedInstallationIsTheSame(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := open(t, "testdata/4750eee", kind)
			o.move()
			o.start().isTheSame()
		})
	}
}

// opened is a former installation for the present server to work on.
type opened struct {
	*maker
	t *testing.T
}

// move brings the installation to the other engine by a backup, and back by a copy.
func (o opened) move() {
	o.t.Helper()
	here, there := "sqlite:"+filepath.Join(o.home, "moved"), pgtest.URL(o.t).String()
	if !strings.HasPrefix(o.store, "sqlite:") {
		here, there = there, here
	}
	file, secret := filepath.Join(o.home, "installation.backup"), filepath.Join(o.home, "secret")
	o.command("backup", file, "--with-secret")
	o.command("restore", file, "--to", there, "--write-secret", secret)
	o.command("copy", "--from", there, "--to", here)
	o.maker.store = here
	kept, err := os.ReadFile(secret)
	require.NoError(o.t, err)
	require.Equal(o.t, o.Secret, strings.TrimSpace(string(kept)))
	if folder, local := strings.CutPrefix(here, "sqlite:"); local { // where dev looks for it
		require.NoError(o.t, os.Rename(secret, filepath.Join(folder, "secret")))
	}
}

func (o opened) command(args ...string) {
	o.t.Helper()
	_, err := o.maker.command(o.t.Context(), "", args...)
	require.NoError(o.t, err)
}

// isTheSame holds that nothing has changed, and that everything goes on.
func (o opened) isTheSame() {
	o.t.Helper()
	o.nothingChanged()
	o.peopleSignIn()
	o.keysAreWhatTheyWere()
	o.idempotencyKeysHold()
	o.offsetsGoOn()
	o.groupsGoOn()
	o.lettersGoOn()
	o.theTrailIsIntact()
	o.theDoctorFindsNothing()
}

func open(t *testing.T, folder, kind string) opened {
	t.Helper()
	m := &maker{binary: binary, home: t.TempDir()}
	text, err := os.ReadFile(filepath.Join(folder, kind+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &m.installation))
	if packed := filepath.Join(folder, kind+".tar.gz"); kind == "sqlite" {
		data := filepath.Join(m.home, "eventflow_data")
		m.store = "sqlite:" + data
		unpackFolder(t, packed, data)
	} else {
		m.store = pgtest.URL(t).String()
		loadSchema(t, filepath.Join(folder, kind+".sql.gz"), m.store)
	}
	for _, one := range m.Keys {
		switch one.Name {
		case "made on the host":
			m.admin = one.Secret
		case "producer":
			m.shop = one.Secret
		}
	}
	return opened{m, t}
}

// start starts the server.
func (o opened) start() opened {
	o.t.Helper()
	stop, err := o.maker.start(o.t.Context())
	require.NoError(o.t, err)
	o.t.Cleanup(func() { require.NoError(o.t, stop()) })
	return o
}

func unzip(t *testing.T, path string) io.Reader {
	t.Helper()
	packed, err := os.ReadFile(path)
	require.NoError(t, err)
	text, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	return text
}

// unpackFolder is the inverse of packFolder.
func unpackFolder(t *testing.T, path, folder string) {
	t.Helper()
	require.NoError(t, os.Mkdir(folder, 0o700))
	for archive := tar.NewReader(unzip(t, path)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		text, err := io.ReadAll(archive)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.Base(header.Name)), text, 0o600))
	}
}

// loadSchema puts what packSchema has dumped into the empty schema of a store.
func loadSchema(t *testing.T, path, store string) {
	t.Helper()
	config, err := pgx.ParseConfig(store)
	require.NoError(t, err)
	statements, err := io.ReadAll(unzip(t, path))
	require.NoError(t, err)
	text := strings.Replace(string(statements), "CREATE SCHEMA "+schemaName+";", "", 1)
	text = strings.ReplaceAll(text, schemaName, config.RuntimeParams["search_path"])
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	_, err = conn.PgConn().Exec(t.Context(), text).ReadAll()
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// get reads a path with an admin's key.
func (o opened) get(path string, into any) {
	o.t.Helper()
	require.NoError(o.t, o.ask(o.t.Context(), "GET", path, o.admin, "", into))
}

// post posts a body with an admin's key.
func (o opened) post(path, body string, into any) {
	o.t.Helper()
	require.NoError(o.t, o.ask(o.t.Context(), "POST", path, o.admin, body, into))
}

// changing are the fields that the server itself changes while it runs.
var changing = []string{"state", "replayed_at", "next_cursor", "has_more"}

// nothingChanged compares what can be read with what could be read. There may be
// more of everything.
func (o opened) nothingChanged() {
	o.t.Helper()
	credentials := map[string]string{"orders": o.admin, "payments": o.admin, "acme": o.Keys[len(o.Keys)-1].Secret}
	for name, former := range o.Events {
		stream := strings.Replace(name, "acme", "orders", 1)
		status, answer, err := o.request(o.t.Context(), "GET", "/streams/"+stream+"/events?limit=1000", credentials[name], nil, "")
		require.NoError(o.t, err)
		require.Equal(o.t, 200, status, "%s", answer)
		o.contains(former, answer)
		require.Equal(o.t, payloadsOf(o.t, []byte(former)), payloadsOf(o.t, answer), "byte for byte")
	}
	for path, former := range o.Resources {
		status, answer, err := o.request(o.t.Context(), "GET", path, o.admin, nil, "")
		require.NoError(o.t, err)
		require.Equal(o.t, 200, status, "%s: %s", path, answer)
		o.contains(former, answer)
	}
}

func payloadsOf(t *testing.T, page []byte) (all []string) {
	t.Helper()
	var events struct {
		Items []struct{ Payload json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(page, &events))
	for _, event := range events.Items {
		all = append(all, string(event.Payload))
	}
	return all
}

// contains holds that everything in a former answer is in the present one.
func (o opened) contains(former string, present []byte) {
	o.t.Helper()
	var was, is any
	require.NoError(o.t, json.Unmarshal([]byte(former), &was))
	require.NoError(o.t, json.Unmarshal(present, &is))
	require.Empty(o.t, missing(was, is), "%s", present)
}

// missing says what of a former value is not in the present one. The items of a
// list keep their order.
func missing(was, is any) string {
	switch was := was.(type) {
	case map[string]any:
		is, _ := is.(map[string]any)
		for name, value := range was {
			if slices.Contains(changing, name) {
				continue
			}
			if problem := missing(value, is[name]); problem != "" {
				return name + ": " + problem
			}
		}
	case []any:
		is, _ := is.([]any)
		for _, value := range was {
			at := slices.IndexFunc(is, func(one any) bool { return missing(value, one) == "" })
			if at < 0 {
				return fmt.Sprintf("no item %v", value)
			}
			is = is[at+1:]
		}
	default:
		if !reflect.DeepEqual(was, is) {
			return fmt.Sprintf("was %v and is %v", was, is)
		}
	}
	return ""
}

func (o opened) peopleSignIn() {
	o.t.Helper()
	for _, who := range o.People {
		body, err := json.Marshal(map[string]string{"email": who.Email, "password": who.Password})
		require.NoError(o.t, err)
		status, answer, err := o.request(o.t.Context(), "POST", "/auth/login", "", nil, string(body))
		require.NoError(o.t, err)
		require.Equal(o.t, 200, status, "%s: %s", who.Email, answer)
	}
}

func (o opened) keysAreWhatTheyWere() {
	o.t.Helper()
	require.Len(o.t, o.Keys, 13)
	for _, one := range o.Keys {
		status, answer, err := o.request(o.t.Context(), "GET", "/streams/orders", one.Secret, nil, "")
		require.NoError(o.t, err)
		require.Equal(o.t, statusNow(one), status, "the key %s: %s", one.Name, answer)
	}
}

// statusNow is what the key is answered today. Since the version 4750eee a key that is
// narrowed to other streams is not told that this one exists.
func statusNow(one key) int {
	if one.Name == "narrowed" {
		return 404
	}
	return one.Status
}

// sendAgain sends what was sent before, with another body if there is one.
func (o opened) sendAgain(one sent, body string) (status int, answer []byte) {
	o.t.Helper()
	status, answer, err := o.request(o.t.Context(), "POST", "/streams/"+one.Stream+"/events", o.shop, one.headers(), body)
	require.NoError(o.t, err)
	return status, answer
}

// idempotencyKeysHold sends everything again.
func (o opened) idempotencyKeysHold() {
	o.t.Helper()
	require.NotEmpty(o.t, o.Sent)
	for _, one := range o.Sent {
		status, answer := o.sendAgain(one, one.Body)
		require.Equal(o.t, 202, status, "%s: %s", one.Body, answer)
		require.Contains(o.t, string(answer), `"duplicate":true`, one.Body)
		again := receipt(one, answer)
		require.Equal(o.t, one, again)
	}
	first := o.Sent[0]
	status, answer := o.sendAgain(first, strings.Replace(first.Body, "19.90", "19.91", 1))
	require.Equal(o.t, 422, status, "%s", answer)
	require.Contains(o.t, string(answer), "IDEMPOTENCY_MISMATCH")
}

// offsetsGoOn stores one more event in each stream.
func (o opened) offsetsGoOn() {
	o.t.Helper()
	for stream, payload := range map[string]string{"orders": `{}`, "payments": `{"amount":1}`} {
		var events struct{ Items []json.RawMessage }
		require.NoError(o.t, json.Unmarshal([]byte(o.Events[stream]), &events))
		status, answer := o.sendAgain(sent{Stream: stream, ContentType: "application/json"}, `{"event_type":"order.new","payload":`+payload+`}`)
		require.Equal(o.t, 202, status, "%s", answer)
		require.EqualValues(o.t, len(events.Items), receipt(sent{}, answer).Offset)
	}
	status, answer := o.sendAgain(sent{Stream: "payments", ContentType: "application/json"}, `{"event_type":"order.new","payload":{}}`)
	require.Equal(o.t, 400, status, "the schema still holds: %s", answer)
	status, answer = o.sendAgain(sent{Stream: "knot", ContentType: "application/json"}, `{"event_type":"order.new","payload":{}}`)
	require.Equal(o.t, 400, status, "a schema that nothing can meet still refuses everything: %s", answer)
}

// groupsGoOn holds that a group is where it was, with one more event in its
// stream, and is handed the rest of it: first what a lease held that has expired.
func (o opened) groupsGoOn() {
	o.t.Helper()
	require.Len(o.t, o.Groups, 4)
	for _, group := range o.Groups {
		path := "/streams/orders/consumer-groups/" + group.Name
		var status struct {
			Committed int64 `json:"committed_offset"`
			Lag       int64 `json:"lag"`
		}
		o.get(path+"/lag", &status)
		require.Equal(o.t, group.Committed, status.Committed, group.Name)
		require.Equal(o.t, group.Lag+1, status.Lag, group.Name)
		var handed []int64
		for int64(len(handed)) < status.Lag {
			var got delivery
			o.get(path+"/events?limit=1000&timeout=10", &got)
			require.NotEmpty(o.t, got.Events, "the group %s was handed %v and no more", group.Name, handed)
			handed = append(handed, got.offsets()...)
			o.post(path+"/ack", `{"lease":"`+got.Lease.ID+`"}`, nil)
		}
		require.Subset(o.t, handed, group.Leased, group.Name)
		slices.Sort(handed)
		require.Len(o.t, slices.Compact(handed), int(status.Lag), "each of them once: %v", handed)
		o.get(path+"/lag", &status)
		require.Zero(o.t, status.Lag, group.Name)
	}
}

// lettersGoOn gives dead letters back, one by hand and others by the replay that
// was running.
func (o opened) lettersGoOn() {
	o.t.Helper()
	require.NotEmpty(o.t, o.Parked)
	status, _, err := o.request(o.t.Context(), "GET", "/dead-letters/"+o.Discarded, o.admin, nil, "")
	require.NoError(o.t, err)
	require.Equal(o.t, 404, status, "what was discarded is gone")
	last := o.Parked[0] // the newest, which the replay comes to at its end
	status, answer, err := o.request(o.t.Context(), "POST", "/dead-letters/"+last+"/replay", o.admin, nil, `{}`)
	require.NoError(o.t, err)
	if status != 409 { // on a busy machine the replay has been there before
		require.Contains(o.t, []int{200, 202}, status, "%s", answer)
		require.Contains(o.t, string(answer), `"state":"replaying"`)
	}
	var before, after struct {
		State string
		Total int64
		Done  int64
	}
	o.get("/dead-letters/replays/"+o.Replay, &before)
	require.EqualValues(o.t, len(o.Parked), before.Total)
	require.Eventually(o.t, func() bool {
		o.get("/dead-letters/replays/"+o.Replay, &after)
		return after.Done > before.Done || after.State == "done"
	}, patience, tick, "the replay goes on")
	var got delivery
	o.get("/streams/orders/consumer-groups/strict/events?limit=1000&timeout=10", &got)
	require.NotEmpty(o.t, got.Events)
	o.post("/streams/orders/consumer-groups/strict/ack", `{"lease":"`+got.Lease.ID+`"}`, nil)
}

func (o opened) theTrailIsIntact() {
	o.t.Helper()
	output, err := o.maker.command(o.t.Context(), "", "audit", "verify")
	require.NoError(o.t, err)
	require.NotEmpty(o.t, output)
}

// theDoctorFindsNothing holds that what a former version stored, and the present one
// has added to, is sound.
func (o opened) theDoctorFindsNothing() {
	o.t.Helper()
	output, err := o.maker.command(o.t.Context(), "", "doctor")
	require.NoError(o.t, err, output)
	require.Contains(o.t, output, "none is missing")
}
