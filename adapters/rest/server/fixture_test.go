package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// catalog keeps definitions in maps, and what tests need of credentials.
type catalog struct {
	core.Catalog
	mu      sync.Mutex
	streams map[core.ID]core.Stream
	keys    map[core.KeyHash]core.APIKey
	// names are those that streams were looked up by, as they were handed in
	// and as they read at that time.
	names [][2]string
}

var errNotFound = core.Errorf(core.CodeNotFound, "there is no such thing")

func (c *catalog) Organization(_ context.Context, id core.ID) (core.Organization, error) {
	return core.Organization{ID: id}, nil
}

func (c *catalog) CreateStream(_ context.Context, stream core.Stream) error {
	if _, err := c.StreamNamed(context.Background(), stream.Org, stream.Name); err == nil {
		return core.Errorf(core.CodeConflict, "the name is taken")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams[stream.ID] = stream
	return nil
}

func (c *catalog) find(match func(core.Stream) bool) (core.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, stream := range c.streams {
		if stream.DeletedAt == nil && match(stream) {
			return stream, nil
		}
	}
	return core.Stream{}, errNotFound
}

func (c *catalog) Stream(_ context.Context, org, id core.ID) (core.Stream, error) {
	return c.find(func(s core.Stream) bool { return s.Org == org && s.ID == id })
}

func (c *catalog) StreamNamed(_ context.Context, org core.ID, name string) (core.Stream, error) {
	c.mu.Lock()
	c.names = append(c.names, [2]string{name, strings.Clone(name)})
	c.mu.Unlock()
	return c.find(func(s core.Stream) bool { return s.Org == org && s.Name == name })
}

func (c *catalog) Streams(_ context.Context, org core.ID, after string, limit int) ([]core.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []core.Stream
	for _, stream := range c.streams {
		if stream.DeletedAt == nil && stream.Org == org && stream.Name > after {
			found = append(found, stream)
		}
	}
	slices.SortFunc(found, func(a, b core.Stream) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(limit, len(found))], nil
}

func (c *catalog) AllStreams(context.Context, core.ID, int) ([]core.Stream, error) { return nil, nil }

func (c *catalog) UpdateStream(_ context.Context, stream core.Stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[stream.ID].Revision != stream.Revision-1 {
		return core.Errorf(core.CodePreconditionFailed, "changed meanwhile")
	}
	c.streams[stream.ID] = stream
	return nil
}

func (c *catalog) CreateKey(_ context.Context, key core.APIKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[key.Hash] = key
	return nil
}

func (c *catalog) KeyByHash(_ context.Context, hash core.KeyHash) (core.APIKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.keys[hash]
	if !ok {
		return core.APIKey{}, errNotFound
	}
	return key, nil
}

// schemas compiles any object; its validator wants the members it lists.
type schemas struct{}

type required struct {
	Required []string `json:"required"`
}

func (schemas) Compile(schema []byte) (core.Schema, error) {
	var r required
	if err := json.Unmarshal(schema, &r); err != nil {
		return nil, core.Invalid("schema", "must be an object")
	}
	return r, nil
}

func (r required) Validate(payload []byte) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(payload, &members)
	for _, name := range r.Required {
		if members[name] == nil {
			return &core.Error{
				Code: core.CodeSchemaMismatch, Message: "does not fit",
				Details: []core.Detail{{Field: "payload." + name, Reason: "is required"}},
			}
		}
	}
	return nil
}

// roles lets admins do all, producers ingest and viewers read.
type roles struct{}

func (roles) Allow(who core.Principal, _ core.ID, action core.Action) error {
	reads := strings.HasSuffix(string(action), ":read")
	if who.Role == core.RoleAdmin || who.Role == core.RoleProducer && action == core.ActionIngest || who.Role == core.RoleViewer && reads {
		return nil
	}
	return core.Errorf(core.CodeForbidden, "the role lacks %s", action)
}

// fixture is a server on a real connection, over storage in memory.
type fixture struct {
	t       testing.TB
	server  *server.Server
	catalog *catalog
	log     core.EventLog
	groups  core.GroupStore
	people  func(*fixture, *server.Options, *core.Committer)
	access  *core.Access
	org     core.ID
	key     string
	address string
	client  *rest.Client
	logged  *lockedBuffer
}

// lockedBuffer collects the log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

type option func(*server.Options, *fixture)

func withLimits(limits server.Limits) option {
	return func(o *server.Options, _ *fixture) { o.Limits = limits }
}

// withPeople adds what people need, once the rest is there.
func withPeople(add func(*fixture, *server.Options, *core.Committer)) option {
	return func(_ *server.Options, f *fixture) { f.people = add }
}

// withLog puts something between core and the storage.
func withLog(wrap func(core.EventLog) core.EventLog) option {
	return func(_ *server.Options, f *fixture) { f.log = wrap(f.log) }
}

func newID() core.ID {
	var random [10]byte
	_, _ = rand.Read(random[:])
	return core.NewID(time.Now(), random[:])
}

func start(t testing.TB, options ...option) *fixture {
	t.Helper()
	storage, err := memory.Open(context.Background(), &url.URL{Scheme: "memory"})
	require.NoError(t, err)
	f := &fixture{
		t: t, org: newID(), log: storage, groups: memory.NewCatalog(), logged: &lockedBuffer{},
		catalog: &catalog{streams: map[core.ID]core.Stream{}, keys: map[core.KeyHash]core.APIKey{}},
	}
	o := server.Options{
		Logger: slog.New(slog.NewTextHandler(f.logged, nil)),
		Ready: func(context.Context) rest.Health {
			return rest.Health{Status: rest.StatusOK, Checks: map[string]rest.Check{"store": {Status: rest.StatusOK}}, Timestamp: time.Now()}
		},
	}
	for _, option := range options {
		option(&o, f)
	}
	f.access, err = core.NewAccess(f.catalog, f.catalog, bytes.Repeat([]byte{7}, 32), nil, time.Now)
	require.NoError(t, err)
	o.Access, o.Authorizer = f.access, roles{}
	o.Streams = core.NewStreams(f.catalog, f.log, schemas{}, roles{}, time.Now)
	recent := core.NewRecent(f.log, nil, o.Logger)
	committer := core.NewCommitter(f.log, core.CommitOptions{Committed: recent.Committed})
	o.Ingest = core.NewIngest(o.Streams, committer, time.Now)
	o.Query = core.NewQuery(f.log, o.Streams, time.Now)
	o.Consumers = core.NewConsumers(o.Streams, f.groups, f.log, recent, time.Now, o.Logger)
	o.Letters = core.NewLetters(o.Consumers)
	o.Tails = core.NewTails(o.Streams, recent, f.log)
	if f.people != nil {
		f.people(f, &o, committer)
	}
	o.Keys = core.NewKeys(f.access, o.Streams, o.Authorizer)
	f.server = server.New(o)
	f.key = f.newKey(core.RoleAdmin)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.address = ln.Addr().String()
	f.client = rest.NewClient("http://"+f.address, f.key)
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = f.server.Shutdown(ctx)
		require.NoError(t, <-served)
		committer.Close()
		require.NoError(t, storage.Close())
	})
	return f
}

func (f *fixture) newKey(role core.Role) string {
	_, secret, err := f.access.CreateKey(context.Background(), f.org, core.KeySpec{Label: string(role), Environment: core.Test, Role: role})
	require.NoError(f.t, err)
	return secret
}

func (f *fixture) stream(name string) core.Stream {
	f.t.Helper()
	stream, err := f.client.CreateStream(context.Background(), core.StreamSpec{Name: name})
	require.NoError(f.t, err)
	return stream
}

// events returns how many events a stream holds.
func (f *fixture) events(stream string) int64 {
	f.t.Helper()
	stats, err := f.client.StreamStats(context.Background(), stream)
	require.NoError(f.t, err)
	return stats.Events
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body []byte
}

func (r reply) problem(t testing.TB) rest.Problem {
	t.Helper()
	var problem rest.Problem
	require.Equal(t, rest.TypeProblem, r.Header.Get("Content-Type"), "%s", r.body)
	require.NoError(t, json.Unmarshal(r.body, &problem), "%s", r.body)
	require.Equal(t, r.StatusCode, problem.Status)
	require.Equal(t, r.Header.Get("X-Request-Id"), problem.RequestID)
	return problem
}

// do sends a request; headers are `Name: value`, and the key is sent unless
// one of them is a credential or "-".
func (f *fixture) do(method, path string, body io.Reader, headers ...string) reply {
	f.t.Helper()
	request, err := http.NewRequest(method, "http://"+f.address+path, body)
	require.NoError(f.t, err)
	request.Header.Set("X-API-Key", f.key)
	for _, header := range headers {
		if header == "-" {
			request.Header.Del("X-API-Key")
			continue
		}
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(f.t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return reply{response, read}
}

// raw sends bytes as they are and reads one answer; closed says whether the
// server closed the connection after it.
func (f *fixture) raw(text string) (got reply, closed bool) {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	require.NoError(f.t, err)
	defer conn.Close()
	require.NoError(f.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, text)
	require.NoError(f.t, err)
	return readReply(f.t, conn)
}

func readReply(t testing.TB, conn net.Conn) (got reply, closed bool) {
	t.Helper()
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if response.Close {
		_, err = reader.ReadByte()
		return reply{response, body}, errors.Is(err, io.EOF)
	}
	return reply{response, body}, false
}

func event(payload string) string {
	return fmt.Sprintf(`{"event_type":"order.paid","payload":%s}`, payload)
}
