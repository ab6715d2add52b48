package webhook_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
)

// What may be reached is adapters/destination/reach's to test. Here is tested that it is
// asked, when a webhook is checked and when it is dialled.
func TestNoWebhookLeadsInside(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	_, port, err := net.SplitHostPort(r.server.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "2130706433", "0177.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "10.0.0.1",
	} {
		_, err := webhook.New(webhook.Options{}).Check(saying(t, "http://"+host+":"+port+"/", `{}`), core.Destination{})
		require.Equal(t, core.CodeValidation, core.CodeOf(err), host)
		require.Equal(t, "url", err.(*core.Error).Details[0].Field) //nolint:errorlint // Check promises it
	}
	// What was allowed when it was stored is refused when it is dialled.
	to, err := webhook.New(webhook.Options{AllowPrivate: true}).Check(saying(t, r.server.URL, `{}`), core.Destination{})
	require.NoError(t, err)
	sink, err := webhook.New(webhook.Options{}).Open(t.Context(), to, core.Origin{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sink.Close()) })
	for range 10 {
		sent := send(t, sink, event(`{}`))
		require.EqualError(t, sent.Err, "not sent: the host's address is private, or of the server's own machine")
		require.Zero(t, sent.After)
	}
	require.Empty(t, r.got())
}

func TestOnlyTheInstallationAllowsPrivateAddresses(t *testing.T) {
	t.Parallel()
	strict, open := webhook.New(webhook.Options{}), webhook.New(webhook.Options{AllowPrivate: true})
	_, err := strict.Check(saying(t, "https://example.com", `{"allow_private":true}`), core.Destination{})
	require.ErrorContains(t, err, "allow_private: is not possible on this server")
	for _, c := range []core.Connector{strict, open} {
		_, err = c.Check(saying(t, "https://10.0.0.1", `{"allow_private":false}`), core.Destination{})
		require.ErrorContains(t, err, "url: cannot be reached from here")
		_, err = c.Check(saying(t, "https://example.com", `{"allow_private":false}`), core.Destination{})
		require.NoError(t, err)
	}
	_, err = open.Check(saying(t, "https://10.0.0.1:8443", `{"allow_private":true}`), core.Destination{})
	require.NoError(t, err)
	_, err = open.Check(saying(t, "https://169.254.169.254/latest", `{"allow_private":true}`), core.Destination{})
	require.ErrorContains(t, err, "metadata")
}

func TestPortsAreTheInstallations(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"22", "25", "6379", "8080", "8443"} {
		_, err := webhook.New(webhook.Options{}).Check(saying(t, "https://example.com:"+port, `{}`), core.Destination{})
		require.ErrorContains(t, err, "port "+port)
	}
	_, err := webhook.New(webhook.Options{Ports: []uint16{8443}}).Check(saying(t, "https://example.com:8443", `{}`), core.Destination{})
	require.NoError(t, err)
}
