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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/process"
)

// catalog is one in memory that notes by which names streams are looked up.
type catalog struct {
	*memory.Catalog
	// everything holds up who asks for a key, which every request does; steps those
	// of groups.
	everything, steps hole
	mu                sync.Mutex
	// names are as they were handed in, and as they read at that time.
	names [][2]string
}

func (c *catalog) StreamNamed(ctx context.Context, org core.ID, name string) (core.Stream, error) {
	c.mu.Lock()
	c.names = append(c.names, [2]string{name, strings.Clone(name)})
	c.mu.Unlock()
	return c.Catalog.StreamNamed(ctx, org, name)
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

func (s schemas) Reopen(schema []byte) (core.Schema, error) { return s.Compile(schema) }

func (r required) Validate(payload []byte, _ *core.Budget) error {
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

// fixture is a server on a real connection, over a log and a catalog in memory.
type fixture struct {
	t       testing.TB
	server  *server.Server
	catalog *catalog
	log     core.EventLog
	people  func(*fixture, *server.Options, *eventlog.Committer)
	access  *identity.Access
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

// patience is how long tests wait for what they do not measure: the machine may be busy.
const patience = time.Minute

type option func(*server.Options, *fixture)

func withLimits(limits server.Limits) option {
	return func(o *server.Options, _ *fixture) { o.Limits = limits }
}

// withPeople adds what people need, once the rest is there.
func withPeople(add func(*fixture, *server.Options, *eventlog.Committer)) option {
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
		t: t, org: newID(), log: storage, catalog: &catalog{Catalog: memory.NewCatalog()}, logged: &lockedBuffer{},
	}
	_, err = f.catalog.EnsureOrganization(context.Background(), core.Organization{ID: f.org, Name: "acme", CreatedAt: time.Now()})
	require.NoError(t, err)
	o := server.Options{
		Logger: slog.New(slog.NewTextHandler(f.logged, nil)),
		Ready: func(context.Context) rest.Health {
			return rest.Health{Status: rest.StatusOK, Checks: map[string]rest.Check{"store": {Status: rest.StatusOK}}, Timestamp: time.Now()}
		},
	}
	for _, option := range options {
		option(&o, f)
	}
	f.access, err = identity.NewAccess(f.catalog, f.catalog, bytes.Repeat([]byte{7}, 32), nil, time.Now)
	require.NoError(t, err)
	o.Identity, o.Authorizer = &identity.UseCases{Access: f.access}, roles{}
	ports := eventlog.StreamPorts{Catalog: f.catalog, Versions: f.catalog, Log: f.log, Schemas: schemas{}, Authorizer: roles{}, Now: time.Now}
	o.Streams = eventlog.NewStreams(ports)
	o.Moves = eventlog.NewMoves(eventlog.MovePorts{Streams: o.Streams, Logger: o.Logger, Now: time.Now})
	recent := eventlog.NewRecent(f.log, nil, o.Logger)
	committer := eventlog.NewCommitter(f.log, eventlog.CommitOptions{Committed: recent.Committed})
	o.Ingest = eventlog.NewIngest(o.Streams, committer, time.Now)
	o.Schemas = eventlog.NewSchemas(eventlog.SchemaPorts{Streams: o.Streams, Store: f.catalog, Compiler: schemas{}, Log: f.log, Now: time.Now})
	o.Quarantine = eventlog.NewQuarantine(eventlog.QuarantinePorts{Streams: o.Streams, Events: o.Ingest, Store: f.catalog})
	o.Query = eventlog.NewQuery(eventlog.QueryPorts{Log: f.log, Streams: o.Streams, Authorizer: roles{}, Now: time.Now})
	o.Delivery = deliver.New(deliver.Ports{
		Streams: o.Streams, Recent: recent, Log: f.log, Store: f.catalog, Authorizer: roles{}, Logger: o.Logger, Now: time.Now,
	})
	o.Tails = eventlog.NewTails(o.Streams, recent, f.log)
	o.Processing = process.New(process.Ports{Store: f.catalog, Streams: o.Streams, Log: f.log, Authorizer: roles{}, Logger: o.Logger, Now: time.Now})
	o.Inbound = inbound.New(inbound.Ports{
		Catalog: f.catalog, Streams: o.Streams, Ingest: o.Ingest, Authorizer: roles{}, Secrets: [][]byte{bytes.Repeat([]byte{7}, 32)},
		Logger: o.Logger, Now: time.Now,
	})
	if f.people != nil {
		f.people(f, &o, committer)
	}
	if o.Identity.Keys == nil {
		o.Identity.Keys = identity.NewKeys(identity.KeyPorts{
			Access: f.access, Credentials: f.catalog, Streams: o.Streams, Authorizer: o.Authorizer, Now: time.Now,
		})
	}
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
	_, secret, err := f.access.CreateKey(context.Background(), f.org, identity.KeySpec{Label: string(role), Environment: core.Test, Role: role})
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
	if body != nil && strings.HasPrefix(path, rest.AuthPath) {
		request.Header.Set("Content-Type", rest.TypeJSON) // which signing in wants to be told
	}
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
	require.NoError(f.t, conn.SetDeadline(time.Now().Add(patience)))
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
