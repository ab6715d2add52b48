package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pairFiles are a certificate and its key on disk, and a server that echoes.
type pairFiles struct {
	t      *testing.T
	cfg    Config
	addr   string
	logged *bytes.Buffer

	mu    sync.Mutex
	clock time.Time
	saved time.Time
}

// pairOf makes a pair of a serial number.
func pairOf(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// servePair serves the pair of serial number 1.
func servePair(t *testing.T) *pairFiles {
	t.Helper()
	folder := t.TempDir()
	f := &pairFiles{t: t, logged: &bytes.Buffer{}, clock: time.Now(), saved: time.Now().Add(-time.Hour)}
	f.cfg = Config{TLSCert: filepath.Join(folder, "cert.pem"), TLSKey: filepath.Join(folder, "key.pem")}
	cert, key := pairOf(t, 1)
	f.save(cert, key)
	plain, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.addr = plain.Addr().String()
	pair, err := newKeyPair(f.cfg, f.now, slog.New(slog.NewTextHandler(f.logged, nil)))
	require.NoError(t, err)
	listener := withTLS(pair, plain)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // until the client goes
			})
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		serving.Wait()
	})
	return f
}

func (f *pairFiles) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *pairFiles) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

// save writes what is not nil, each time a second later than the last.
func (f *pairFiles) save(cert, key []byte) {
	f.t.Helper()
	f.saved = f.saved.Add(time.Second)
	for path, text := range map[string][]byte{f.cfg.TLSCert: cert, f.cfg.TLSKey: key} {
		if text != nil {
			require.NoError(f.t, os.WriteFile(path, text, 0o600))
			require.NoError(f.t, os.Chtimes(path, f.saved, f.saved))
		}
	}
}

// dial makes a handshake and returns the serial number that it saw.
func (f *pairFiles) dial() (conn *tls.Conn, serial int64) {
	f.t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // which certificate it is, is what the test looks at
	}}
	opened, err := dialer.DialContext(context.Background(), "tcp", f.addr)
	require.NoError(f.t, err)
	conn = opened.(*tls.Conn)
	f.t.Cleanup(func() { _ = conn.Close() })
	return conn, conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func (f *pairFiles) serves(serial int64, why string) {
	f.t.Helper()
	f.pass(lookEvery)
	conn, got := f.dial()
	require.NoError(f.t, conn.Close())
	require.Equal(f.t, serial, got, why)
}

// errors counts what was logged as one.
func (f *pairFiles) errors() int { return strings.Count(f.logged.String(), "level=ERROR") }

// A renewed certificate is served from the next handshake on, seconds later at
// the latest, and who is connected stays so.
func TestARenewedCertificateIsServed(t *testing.T) {
	t.Parallel()
	f := servePair(t)
	open, serial := f.dial()
	require.EqualValues(t, 1, serial)
	f.save(pairOf(t, 2))
	f.pass(lookEvery - 1)
	_, serial = f.dial()
	require.EqualValues(t, 1, serial, "the disk is not asked at every handshake")
	f.serves(2, "the new one")
	f.save(pairOf(t, 3))
	f.pass(-time.Hour)
	f.serves(3, "a clock that is set back keeps no certificate alive")

	_, err := io.WriteString(open, "still here")
	require.NoError(t, err)
	echoed := make([]byte, len("still here"))
	_, err = io.ReadFull(open, echoed)
	require.NoError(t, err)
	require.Equal(t, "still here", string(echoed))
	require.Zero(t, f.errors(), f.logged)
	require.Equal(t, 2, strings.Count(f.logged.String(), "not_after="))
}

// A pair that is written one file after the other, or renamed into place as
// links are, is served once both halves are there.
func TestAPairArrivesInHalves(t *testing.T) {
	t.Parallel()
	f := servePair(t)
	cert, key := pairOf(t, 2)
	f.save(cert, nil)
	f.serves(1, "the key does not fit yet")
	f.save(nil, key)
	f.serves(2, "now it does")

	cert, key = pairOf(t, 3)
	for path, text := range map[string][]byte{f.cfg.TLSCert: cert, f.cfg.TLSKey: key} {
		other := path + ".new"
		require.NoError(t, os.WriteFile(other, text, 0o600))
		require.NoError(t, os.Chtimes(other, f.saved, f.saved)) // no newer than what is there
		require.NoError(t, os.Rename(other, path))
	}
	f.serves(3, "another file of the same age")
}

// What cannot be served replaces nothing, and is logged once.
func TestABrokenPairKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	f := servePair(t)
	otherCert, _ := pairOf(t, 9)
	for i, broken := range []func(){
		func() { f.save([]byte("no certificate"), nil) },
		func() { f.save(otherCert, nil) },
		func() { f.save(nil, []byte{}) },
		func() { require.NoError(t, os.Remove(f.cfg.TLSKey)) },
	} {
		broken()
		for range 3 {
			f.serves(1, "the one before")
		}
		require.Equal(t, i+1, f.errors(), f.logged)
	}
	require.NotContains(t, f.logged.String(), "PRIVATE KEY")
	f.save(pairOf(t, 2))
	f.serves(2, "and what can be served is")
}
