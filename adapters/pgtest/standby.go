package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"testing"
)

// Standby starts a standby of a cluster for one test, which may kill it or promote it. It
// has the primary's settings.
func Standby(t testing.TB, primary *Cluster) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "eventflow-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port, err := freePort(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{bin: primary.bin, dir: dir, port: port, options: primary.options}
	if err := c.own(); err != nil {
		t.Fatal(err)
	}
	if err := c.Follow(context.Background(), primary); err != nil {
		t.Fatalf("starting a standby of PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Errorf("stopping the standby of PostgreSQL: %v", err)
		}
	})
	return c
}

// Follow makes a cluster whose server does not run, and whose data is lost by it, a standby
// of another one, and returns when it answers.
func (c *Cluster) Follow(ctx context.Context, primary *Cluster) error {
	if err := os.RemoveAll(c.data()); err != nil {
		return err
	}
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres application_name=standby_%d", primary.port, c.port)
	backup := c.command(ctx, "pg_basebackup", "--pgdata", c.data(), "--dbname", from, "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast", "--no-sync")
	if output, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, output)
	}
	return c.Restart(ctx)
}

// Promote makes a standby a primary, and returns when it is one.
func (c *Cluster) Promote(ctx context.Context) error {
	promote := c.command(ctx, "pg_ctl", "promote", "--pgdata", c.data(), "--wait", "--timeout", strconv.Itoa(int(startTimeout.Seconds())))
	if output, err := promote.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl promote: %w: %s", err, output)
	}
	return nil
}

// Either is the address of whichever of two clusters is the primary.
func Either(a, b *Cluster) *url.URL {
	return &url.URL{
		Scheme: "postgres", User: url.User("postgres"), Host: fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", a.port, b.port), Path: "/postgres",
		RawQuery: "sslmode=disable&target_session_attrs=read-write",
	}
}
