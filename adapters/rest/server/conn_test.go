package server

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// silent is a listener whose connections never say a word, and that ends after
// the last one.
type silent struct {
	net.Listener
	conns []net.Conn
}

func (s *silent) Accept() (net.Conn, error) {
	if len(s.conns) == 0 {
		return nil, io.EOF
	}
	c := s.conns[0]
	s.conns = s.conns[1:]
	return c, nil
}

// A connection too many holds up nobody, though it be one that does not even
// begin to speak TLS.
func TestAConnectionTooManyHoldsUpNobody(t *testing.T) {
	t.Parallel()
	var inner silent
	for range 100 {
		here, there := net.Pipe()
		t.Cleanup(func() { require.NoError(t, there.Close()) })
		inner.conns = append(inner.conns, tls.Server(here, &tls.Config{MinVersion: tls.VersionTLS12}))
	}
	ended := make(chan error, 1)
	go func() {
		_, err := listen(&inner, &Limits{}, slog.Default()).Accept()
		ended <- err
	}()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, io.EOF)
	case <-time.After(time.Minute):
		t.Fatal("a silent client keeps everybody else from connecting")
	}
}
