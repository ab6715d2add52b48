package destination_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/core"
)

type settings struct {
	URL    string       `json:"url" destination:"place"`
	Rooms  []string     `json:"rooms,omitempty" destination:"place"`
	Count  int          `json:"count"`
	Fast   *bool        `json:"fast,omitempty"`
	Linger core.Seconds `json:"linger"`
	Key    string       `json:"key,omitempty" destination:"secret"`
}

const secret = "a-secret-that-is-long-enough-1234"

func check(given string, former core.Destination) (core.Destination, settings, error) {
	s := settings{Count: 7, Rooms: []string{"a"}}
	if err := destination.Read(json.RawMessage(given), "test", &s); err != nil {
		return core.Destination{}, s, err
	}
	if err := destination.KeepSecrets(former, &s); err != nil {
		return core.Destination{}, s, err
	}
	to, err := destination.New("test", &s)
	return to, s, err
}

func stored(t *testing.T, given string, former core.Destination) (core.Destination, settings) {
	t.Helper()
	to, _, err := check(given, former)
	require.NoError(t, err)
	var s settings
	require.NoError(t, destination.Load(to, &s))
	return to, s
}

func TestSettingsAreReadStrictly(t *testing.T) {
	t.Parallel()
	_, s, err := check(`{"type":"test","url":"u","rooms":["b"],"fast":true,"linger":1.5,"count":null}`, core.Destination{})
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, s.Rooms)
	require.Equal(t, 7, s.Count, "null is the default")
	for given, want := range map[string]core.Detail{
		`{"type":"other"}`:      {Field: "type", Reason: `must be "test"`},
		`{"URL":"u"}`:           {Field: "URL", Reason: "is no setting"},
		`{"urll":"u"}`:          {Field: "urll", Reason: "url, rooms, count"},
		`{"url":1}`:             {Field: "url", Reason: "must be a text"},
		`{"count":1.5}`:         {Field: "count", Reason: "must be a whole number"},
		`{"rooms":"a"}`:         {Field: "rooms", Reason: "must be a list of texts"},
		`{"fast":"yes"}`:        {Field: "fast", Reason: "must be true or false"},
		`{"linger":"1s"}`:       {Field: "linger", Reason: "must be a number of seconds"},
		`{"url":"a","url":"b"}`: {Field: "url", Reason: "is given twice"},
	} {
		_, _, err := check(given, core.Destination{})
		require.Equal(t, core.CodeValidation, core.CodeOf(err), given)
		details := err.(*core.Error).Details //nolint:errorlint // Check promises it, and so does this test
		require.Equal(t, want.Field, details[0].Field, given)
		require.Contains(t, details[0].Reason, want.Reason, given)
	}
}

func TestSecretsAreStoredApart(t *testing.T) {
	t.Parallel()
	to, s := stored(t, `{"url":"u","key":"`+secret+`"}`, core.Destination{})
	require.Equal(t, secret, s.Key)
	require.NotContains(t, string(to.Settings), secret)
	require.Contains(t, string(to.Settings), `"key":"••••1234"`)
	require.Equal(t, "••••", destination.Mask("short"), "the end of a short secret is too much of it")

	kept, s := stored(t, `{"url":"u","count":9}`, to)
	require.Equal(t, secret, s.Key, "a secret that is not given stays")
	require.Equal(t, to.Secrets, kept.Secrets)
	_, s = stored(t, `{"url":"u","key":"••••1234"}`, to)
	require.Equal(t, secret, s.Key, "who sends back what is shown changes nothing")
	_, s = stored(t, `{"url":"elsewhere","key":"another"}`, to)
	require.Equal(t, "another", s.Key)
}

// Who may change a destination and not read its secrets must not have them sent to a
// place of their own.
func TestASecretStaysWhereItWasGivenFor(t *testing.T) {
	t.Parallel()
	to, _ := stored(t, `{"url":"u","key":"`+secret+`"}`, core.Destination{})
	for _, given := range []string{`{"url":"elsewhere"}`, `{"url":"u","rooms":["b"]}`, `{"url":"elsewhere","key":"••••1234"}`} {
		_, _, err := check(given, to)
		require.ErrorContains(t, err, "key: must be given again", given)
	}
	_, _, err := check(`{"url":"u","key":"••••9999"}`, to)
	require.ErrorContains(t, err, "key: is masked")
	_, _, err = check(`{"url":"u","key":"••••"}`, core.Destination{})
	require.ErrorContains(t, err, "key: is masked")
}

func TestStoredSecretsThatAreBrokenAreNotQuoted(t *testing.T) {
	t.Parallel()
	var s settings
	err := destination.Load(core.Destination{Type: "test", Settings: json.RawMessage(`{}`), Secrets: json.RawMessage(`{"key": sesame}`)}, &s)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "sesame")
	require.NotContains(t, err.Error(), "'s'")
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://Example.com/":  "https://example.com",
		"http://10.0.0.1:9000":  "http://10.0.0.1:9000",
		"https://[2001:db8::1]": "https://[2001:db8::1]",
	} {
		got, err := destination.Judge(nil).URL("url", given)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, given := range []string{
		"", "example.com", "ftp://example.com", "https://", "https://u:sesame@example.com", "https://example.com/path", "https://example.com?q",
		"https://example.com#f", "https://example.com:0", "https://example.com:99999", "https:example.com", "https://exa mple.com",
		"https://" + strings.Repeat("a", 3000),
	} {
		_, err := destination.Judge(nil).URL("url", given)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), given)
		require.NotContains(t, err.Error(), "sesame")
	}
	got, err := destination.Judge(nil).HostPort("brokers", "Kafka.example.com:9092")
	require.NoError(t, err)
	require.Equal(t, "kafka.example.com:9092", got)
	for _, given := range []string{"", "kafka", "kafka:", ":9092", "kafka:0", "kafka:http", "http://kafka:9092", "user@kafka:9092"} {
		_, err := destination.Judge(nil).HostPort("brokers", given)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), given)
	}
}

func TestAddressesAreJudged(t *testing.T) {
	t.Parallel()
	judge := destination.Judge(reach.Options{}.Check)
	_, err := judge.URL("url", "https://example.com:8443")
	require.NoError(t, err)
	_, err = judge.HostPort("brokers", "kafka-1.example.com:9092")
	require.NoError(t, err)
	_, err = judge.URL("url", "http://169.254.169.254/")
	require.ErrorContains(t, err, "url: cannot be reached from here")
	_, err = judge.HostPort("brokers", "10.0.0.1:9092")
	require.ErrorContains(t, err, "brokers: cannot be reached from here")
	_, err = judge.URL("url", "http://0x7f.1")
	require.Equal(t, core.CodeValidation, core.CodeOf(err))
}

// Who may name a destination must not learn from failures which addresses there are.
func TestFailuresTellNothingOfTheNetwork(t *testing.T) {
	t.Parallel()
	inside := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 5432}
	for want, err := range map[string]error{
		"connection reset by peer":                       &net.OpError{Op: "read", Net: "tcp", Source: inside, Addr: inside, Err: syscall.ECONNRESET},
		"there is no host db":                            &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "db", Server: "10.1.2.3:53", IsNotFound: true}},
		"the address of the host db cannot be looked up": &net.DNSError{Err: "server misbehaving", Name: "db", Server: "10.1.2.3:53"},
		"EOF": &url.Error{Op: "Put", URL: "http://db/file", Err: io.EOF},
	} {
		require.EqualError(t, destination.Plain(fmt.Errorf("sending: %w", err)), want)
	}
	require.EqualError(t, destination.Plain(errors.New("the server is tired")), "the server is tired")
}

func TestTextsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	require.Equal(t, "aé", destination.Cut("aéé", 4))
	require.Equal(t, "aéé", destination.Cut("aéé", 5))
	require.Equal(t, strings.Repeat("a", core.MaxResponseExcerpt), destination.Excerpt(strings.Repeat("a", 2000)))
	require.Equal(t, strings.Repeat("é", 512), destination.Excerpt(strings.Repeat("é", 2000)))
	require.Equal(t, "ab", destination.Excerpt([]byte("a\xffb")))
}
