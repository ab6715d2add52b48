package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// lure is an address that nothing of a server has a reason to ask, on this
// machine, where nothing would keep the server from it.
type lure struct {
	t        *testing.T
	listener net.Listener
	bitten   chan string // the ports that connections came from
}

func newLure(t *testing.T) *lure {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &lure{t: t, listener: listener, bitten: make(chan string, 1000)}
	go func() {
		defer close(l.bitten)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.bitten <- conn.RemoteAddr().String()
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return l
}

func (l *lure) host() string { return l.listener.Addr().String() }

// untouched holds that nobody has come but the test itself, who comes last:
// connections are accepted in the order in which they were made.
func (l *lure) untouched(why string) {
	l.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(l.t.Context(), "tcp", l.host())
	require.NoError(l.t, err)
	defer conn.Close()
	require.Equal(l.t, conn.LocalAddr().String(), <-l.bitten, why)
}

// lured are bodies that name the lure wherever a body has room for an address.
func (l *lure) lured() []string {
	url := "http://" + l.host() + "/x"
	event := map[string]any{
		"event_type": url, "source": url, "subject": url, "stream": url, "idempotency_key": url,
		"payload": map[string]any{"$ref": url, "url": url, "callback": url}, "context": map[string]any{"webhook": url},
	}
	bodies := []any{
		event,
		[]any{event},
		map[string]any{},
		map[string]any{"specversion": "1.0", "id": "1", "source": url, "type": url, "dataschema": url, "datacontenttype": "application/json", "data": event},
		map[string]any{"name": "lured", "description": url, "schema": map[string]any{"$schema": url, "$id": url, "$ref": url + "#/a", "allOf": []any{map[string]any{"$dynamicRef": url}}}},
		map[string]any{"name": url},
		map[string]any{"label": url, "environment": "live"},
		map[string]any{"email": "x@" + l.host(), "name": url, "role": "viewer", "password": url, "token": url},
		map[string]any{"email": "x@localhost", "role": "viewer"},
		map[string]any{"refresh_token": url},
		map[string]any{"offset": 0, "error": url, "reason": url, "payload": event},
	}
	texts := make([]string, len(bodies))
	for i, body := range bodies {
		text, err := json.Marshal(body)
		require.NoError(l.t, err)
		texts[i] = string(text)
	}
	return texts
}

// send makes a request in which every header that has ever sent a server
// somewhere names the lure.
func (l *lure) send(s *siege, method, path, credential, body, contentType string) {
	l.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, s.server.url+path, strings.NewReader(body))
	require.NoError(l.t, err)
	url := "http://" + l.host() + "/x"
	request.Host = l.host()
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server", "Proxy"} {
		request.Header.Set(name, l.host())
	}
	for _, name := range []string{
		"Origin", "Referer", "X-Original-Url", "X-Rewrite-Url", "X-Wap-Profile", "Destination", "Location", "X-Forwarded-For", "Client-Ip",
		"Ce-Source", "Ce-Dataschema", "Ce-Type", "Idempotency-Key", "Link",
	} {
		request.Header.Set(name, url)
	}
	request.Header.Set("Forwarded", "for="+l.host()+";host="+l.host())
	request.Header.Set("Ce-Id", "1")
	request.Header.Set("Ce-Specversion", "1.0")
	request.Header.Set("Content-Type", contentType)
	if credential != "" {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(l.t, err, "%s %s", method, path)
	_, _ = io.Copy(io.Discard, response.Body) // a tail ends when its server does; what matters has happened
	require.NoError(l.t, response.Body.Close())
	require.NotEqual(l.t, 500, response.StatusCode, "%s %s", method, path)
}

// Whatever a request says, the server connects to nobody: not to an address in
// its headers, its target or its body, of the most powerful admin either.
func TestNoRequestMakesTheServerConnect(t *testing.T) {
	t.Parallel()
	s, l := newSiege(t), newLure(t)
	ids := map[string]string{"stream": s.mine.stream, "group": "billing", "event_id": s.mine.event, "id": s.mine.letter}
	sent := 0
	for _, route := range server.Routes() {
		if strings.HasSuffix(route.Path, "/live") || strings.HasSuffix(route.Path, "/logout") || route.Method == "DELETE" {
			continue // an answer without an end, and what takes away what the others need
		}
		path := fill(route.Path, ids)
		credential := s.mine.secrets[core.RoleAdmin]
		if route.Action == server.Public {
			credential = ""
		}
		if route.Method == "GET" {
			l.send(s, route.Method, path, credential, "", "application/json")
			l.send(s, route.Method, path+"?url=http://"+l.host()+"&redirect=//"+l.host(), credential, "", "application/json")
			sent += 2
			continue
		}
		for _, body := range l.lured() {
			for _, contentType := range []string{"application/json", "application/cloudevents+json"} {
				l.send(s, route.Method, path, credential, body, contentType)
				sent++
			}
		}
	}
	require.Greater(t, sent, 500)
	for _, target := range []string{"http://" + l.host() + "/x", "//" + l.host() + "/x", "/http://" + l.host() + "/x", "/%68ttp:%2f%2f" + l.host()} {
		s.raw("GET " + target + " HTTP/1.1\r\nHost: " + l.host() + "\r\nConnection: close\r\n\r\n")
	}
	s.raw("CONNECT " + l.host() + " HTTP/1.1\r\nHost: " + l.host() + "\r\nConnection: close\r\n\r\n")
	l.untouched("a request made the server connect somewhere")
}
