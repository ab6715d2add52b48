// Package pgtest gives tests a schema of their own on a PostgreSQL server, and
// starts private servers for those that need one they can kill.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL names the variable that holds the URL of the tests' server.
const EnvURL = "EVENTFLOW_TEST_POSTGRES"

// URL returns the URL of a new schema on the tests' server. The schema is dropped
// when the test ends, so tests run side by side and leave nothing behind. Without
// a server the test fails: a test that is skipped looks like one that passes.
func URL(t testing.TB) *url.URL {
	t.Helper()
	server := os.Getenv(EnvURL)
	if server == "" {
		t.Fatalf("%s is not set: run `make test`, or set it to the URL of a PostgreSQL server", EnvURL)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	execute(t, server, `create schema `+schema)
	t.Cleanup(func() { execute(t, server, `drop schema `+schema+` cascade`) })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s: %v", EnvURL, err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u
}

// operator is the test process's own connection to the tests' server, made once:
// a connection costs the server more than a schema does.
var operator struct {
	mu   sync.Mutex
	conn *pgx.Conn
}

func execute(t testing.TB, server, sql string) {
	t.Helper()
	operator.mu.Lock()
	defer operator.mu.Unlock()
	// The test's own context has ended by the time the schema is dropped.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if operator.conn == nil || operator.conn.IsClosed() {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			t.Fatalf("reaching the tests' PostgreSQL: %v", err)
		}
		operator.conn = conn
	}
	if _, err := operator.conn.Exec(ctx, sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}
