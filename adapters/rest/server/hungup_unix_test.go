//go:build unix

package server

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// connected returns both ends of a connection, the server's one as the server
// has it.
func connected(t *testing.T) (client net.Conn, served *conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ln.Close()) })
	client, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	accepted, err := ln.Accept()
	require.NoError(t, err)
	served = &conn{Conn: accepted, listener: &listener{}}
	t.Cleanup(func() { _ = served.Close() })
	return client, served
}

// The time for reading a request is over long before a poll is. That says
// nothing about the client.
func TestADeadlineIsNoHangUp(t *testing.T) {
	t.Parallel()
	client, served := connected(t)
	require.NoError(t, served.SetReadDeadline(time.Unix(1, 0)))
	require.False(t, hungUp(served))
	_, err := client.Write([]byte("GET"))
	require.NoError(t, err)
	require.False(t, hungUp(served), "whoever sends more is there")
}

func TestAClientThatLeftHasHungUp(t *testing.T) {
	t.Parallel()
	client, served := connected(t)
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool { return hungUp(served) }, time.Minute, time.Millisecond)
	require.NoError(t, served.Close())
	require.True(t, hungUp(served), "and there is nobody left to tell of it")
}

// A server that comes late to a request finds it, and waits for no more of it.
func TestWhatHasArrivedIsReadLate(t *testing.T) {
	t.Parallel()
	client, served := connected(t)
	require.NoError(t, served.SetReadDeadline(time.Unix(1, 0)))
	b := make([]byte, 10)
	_, err := served.Read(b)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	for range 2 {
		_, err = client.Write([]byte("GET"))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return hasMore(served) }, time.Minute, time.Millisecond)
		n, err := served.Read(b)
		require.NoError(t, err)
		require.Equal(t, "GET", string(b[:n]))
		_, err = served.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool { return hungUp(served) }, time.Minute, time.Millisecond)
	require.False(t, hasMore(served))
}

// What cannot be asked has said nothing.
func TestAConnectionThatCannotBeAskedIsThere(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	require.NoError(t, there.Close())
	require.False(t, hungUp(here))
}
