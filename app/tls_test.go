package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate makes a self-signed one for this machine.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	roots = x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(cert)))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})), roots
}

// TestHTTPSIsServedWithoutAProxy holds that a server with a certificate speaks
// TLS 1.2 and later only, and tells browsers to insist on it; and that half a
// pair of files refuses to start.
func TestHTTPSIsServedWithoutAProxy(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cert, key, roots := certificate(t)
	files := []string{secret, "EVENTFLOW_TLS_CERT=" + h.write("cert.pem", cert), "EVENTFLOW_TLS_KEY=" + h.write("key.pem", key)}
	server := h.start(append(files, "EVENTFLOW_ADDR=127.0.0.1:0"), "serve")
	address := server.await(server.stderr, `"addr":"([^"]+)"`)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	response, err := client.Get("https://" + address + "/livez")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode)
	require.True(t, strings.HasPrefix(response.Header.Get("Strict-Transport-Security"), "max-age="))
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}}
	_, err = old.Get("https://" + address + "/livez")
	require.Error(t, err, "TLS 1.1 is not spoken")
	client.CloseIdleConnections()
	require.Zero(t, server.stop())

	half := h.run(files[:2], "serve")
	require.Equal(t, 2, half.code)
	require.Contains(t, half.stderr, "settings tls-cert and tls-key go together: set both or neither")
	wrong := h.run([]string{secret, files[1], "EVENTFLOW_TLS_KEY=" + h.write("wrong.pem", "x")}, "serve")
	require.Equal(t, 2, wrong.code)
	require.Contains(t, wrong.stderr, "tls-cert")
}

// pemBytes is what a text in PEM holds.
func pemBytes(t *testing.T, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	return string(block.Bytes)
}
