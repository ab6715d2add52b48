package chaos_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// fills lets the disk be full under load. Appends are refused as such, and stored
// nothing; what is there is read; and with room again the server goes on by itself.
func (p *powered) fills(until507 func()) {
	p.t.Helper()
	p.run()
	for range 2 {
		p.load.progress(someEvents())
		p.disk.Fill(256 << 10)
		until507()
		page, err := p.client.EventsPage(p.t.Context(), streams[0], core.EventQuery{Limit: 10})
		require.NoError(p.t, err)
		require.NotEmpty(p.t, page.Items)
		require.True(p.t, p.node.ready(), "a full disk is no reason to send readers elsewhere")
		p.disk.Free()
		p.load.progress(someEvents())
	}
	p.end()
}

// refused waits until both streams refuse events because the disk is full.
func (p *powered) refused() {
	p.t.Helper()
	for _, stream := range streams {
		until(p.t, "the disk is full", func() bool {
			return p.load.refusedFor(time.Now().Add(answerTime), p.client, producers, stream, p.load.events(1)) == http.StatusInsufficientStorage
		})
	}
}

func TestTheDiskIsFullUnderSQLite(t *testing.T) {
	t.Parallel()
	if _, ok := cuts(t); !ok {
		return
	}
	p := onSQLite(t)
	p.fills(func() {
		p.refused()
		until(t, "the catalog is full", func() bool {
			_, err := p.client.CreateStream(t.Context(), core.StreamSpec{Name: "s-" + core.RandomID(time.Now()).String(), Description: "not stored"})
			var answered *rest.Error
			return errors.As(err, &answered) && answered.Status == http.StatusServiceUnavailable
		})
	})
}

// What each adapter does on a full disk is a test of its own; a cluster on a disk that
// fills up takes long to make, which `make chaos` does.
func TestTheDiskIsFullUnderPostgres(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); ok && n > 1 {
		p := onPostgres(t, "synchronous_commit=on")
		p.fills(p.refused)
	}
}

// PostgreSQL stops altogether where it cannot write its own log, and whoever runs it
// starts it again. Until then the server says that it has no store.
func TestTheLogOfPostgresHasNoRoom(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); !ok || n == 1 {
		return
	}
	p := onPostgres(t, "synchronous_commit=on")
	p.run()
	p.load.progress(someEvents())
	p.disk.Fill(0)
	until(t, "PostgreSQL has ended", func() bool {
		conn, err := pgx.Connect(t.Context(), p.cluster.URL())
		if err != nil {
			return p.cluster.Exited()
		}
		_, _ = conn.Exec(t.Context(), "select pg_switch_wal()") // which takes another file
		return conn.Close(t.Context()) != nil && p.cluster.Exited()
	})
	until(t, "events are refused", func() bool {
		return p.load.refusedFor(time.Now().Add(answerTime), p.client, producers, streams[0], p.load.events(1)) == http.StatusServiceUnavailable
	})
	p.disk.Free()
	p.cluster.Kill()
	require.NoError(t, p.cluster.Restart(t.Context()))
	p.load.progress(someEvents())
	p.end()
}
