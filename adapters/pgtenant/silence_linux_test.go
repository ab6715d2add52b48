package pgtenant

import (
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A connection whose other end is silent is given up, also while a request waits
// for its answer, when no keepalives are sent.
func TestConnectionsNoticeSilence(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() }) // nothing depends on it
	config, err := Configure(t.Context(), &url.URL{Scheme: "postgres", Host: listener.Addr().String(), Path: "/some"})
	require.NoError(t, err)
	require.Equal(t, connectTimeout, config.ConnConfig.ConnectTimeout)
	require.Equal(t, pingTimeout, config.PingTimeout)
	conn, err := config.ConnConfig.DialFunc(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	raw, err := conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		for option, want := range map[int]int{tcpUserTimeout: 4000, syscall.TCP_KEEPIDLE: 2, syscall.TCP_KEEPINTVL: 1, syscall.TCP_KEEPCNT: 2} {
			got, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option)
			require.NoError(t, err)
			require.Equal(t, want, got, "%d", option)
		}
	}))
}

// What a URL says of these times itself wins.
func TestAURLSetsItsConnectTimeout(t *testing.T) {
	t.Parallel()
	config, err := Configure(t.Context(), &url.URL{Scheme: "postgres", Host: "127.0.0.1", Path: "/some", RawQuery: "connect_timeout=9&pool_ping_timeout=3s"})
	require.NoError(t, err)
	require.Equal(t, "9s", config.ConnConfig.ConnectTimeout.String())
	require.Equal(t, "3s", config.PingTimeout.String())
}
