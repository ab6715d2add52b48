package app_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// planted are secrets by what they are, and where each could come to light.
type planted struct {
	secrets map[string]string
	places  map[string]string
}

// leaks lists where which secret can be read, as it is, in another spelling, or
// by its last half.
func (p planted) leaks() (found []string) {
	for what, secret := range p.secrets {
		forms := []string{
			secret, secret[len(secret)/2:], url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		}
		for where, text := range p.places {
			for _, form := range forms {
				if strings.Contains(text, form) {
					found = append(found, fmt.Sprintf("%s in %s", what, where))
					break
				}
			}
		}
	}
	return found
}

func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	p := planted{secrets: map[string]string{"password": "Correct-Horse-Battery-9"}, places: map[string]string{"log": "all is well"}}
	require.Empty(t, p.leaks())
	for _, leak := range []string{
		"login with Correct-Horse-Battery-9 failed", "…orse-Battery-9", "Q29ycmVjdC1Ib3JzZS1CYXR0ZXJ5LTk=", "436f72726563742d486f7273652d426174746572792d39",
	} {
		p.places["log"] = leak
		require.Equal(t, []string{"password in log"}, p.leaks(), leak)
	}
}

// spy is a server, whatever it answered, and the secrets that it was told.
type spy struct {
	*siege
	planted
	answers strings.Builder
}

// tell asks, and keeps what is answered for the search.
func (s *spy) tell(method, path, credential, body string) reply {
	got := s.ask(method, path, credential, body)
	fmt.Fprintf(&s.answers, "%s %s\n%v\n%s\n", method, path, got.header, got.body)
	return got
}

// A full run, in which every kind of secret is used rightly and wrongly, leaves
// none of them in a log, an answer, the trail, the metrics, the list of
// processes, or a file.
func TestSecretsComeToLightNowhere(t *testing.T) {
	t.Parallel()
	s := &spy{siege: &siege{t: t, home: newHome(t)}, planted: planted{places: map[string]string{}, secrets: map[string]string{
		"the server's secret": "planted-server-secret-0123456789abcdef", "the mail password": "planted-mail-password-77",
		"Redis's password": "planted-redis-password-88", "a password": "Planted-Horse-Sentence-1", "another password": "Planted-Cart-Sentence-2",
		"the metrics token": "planted-metrics-token-99", "a wrong password": "Planted-Wrong-Sentence-3", "a key that is none": "ef_live_plantedplantedplantedplantedplanted0011",
	}}}
	environ := []string{
		"EVENTFLOW_SECRET=" + s.secrets["the server's secret"], anyone, "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true", "EVENTFLOW_METRICS_TOKEN=" + s.secrets["the metrics token"], "EVENTFLOW_LOG_LEVEL=debug",
		"EVENTFLOW_SMTP=smtp://mailer:" + s.secrets["the mail password"] + "@127.0.0.1:1", "EVENTFLOW_MAIL_FROM=events@example.com",
		"EVENTFLOW_REDIS=redis://:" + s.secrets["Redis's password"] + "@127.0.0.1:1/0",
	}
	s.server = s.home.start(environ, "serve")
	s.server.url = "http://" + s.server.await(s.server.stderr, `"msg":"listening","addr":"([^"]+)"`)
	link := s.home.run(environ, "user", "setup-link")
	require.Zero(t, link.code, link.stderr)
	_, ticket, _ := strings.Cut(strings.TrimSpace(link.stdout), "#t=")
	s.secrets["a set-up ticket"] = ticket

	admin := s.people(ticket)
	s.keys(admin)
	s.sources(admin)
	s.destinations(admin)
	s.mistakes()

	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.server.cmd.Process.Pid))
	if err == nil { // only Linux tells
		s.places["the list of processes"] = string(cmdline)
	}
	s.tell("GET", "/metrics", s.secrets["the metrics token"][1:], "")
	s.places["the metrics"] = s.ask("GET", "/metrics", s.secrets["the metrics token"], "").body
	require.Contains(t, s.places["the metrics"], "eventflow_")
	trail, err := admin.AuditPage(t.Context(), core.EventQuery{Limit: 1000})
	require.NoError(t, err)
	require.Greater(t, len(trail.Items), 5)
	for _, entry := range trail.Items {
		s.places["the trail"] += string(entry.Payload) + string(entry.Context)
	}
	settings := s.home.run(environ, "config")
	s.places["the list of settings"] = settings.stdout + settings.stderr
	require.Zero(t, s.server.stop())
	s.places["the log"] = s.server.stdout.String() + s.server.stderr.String()
	require.Contains(t, s.places["the log"], "/auth/login", "the log says something")
	s.places["the answers"] = s.answers.String()
	s.files()
	s.away()
	require.Empty(t, s.leaks())
}

// people signs in and out, rightly and wrongly.
func (s *spy) people(ticket string) *rest.Client {
	t, ctx := s.t, s.t.Context()
	admin := s.server.client("")
	signedIn, err := admin.Setup(ctx, rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: s.secrets["a password"], WantRefreshToken: true})
	require.NoError(t, err)
	s.secrets["an access token"], s.secrets["a refresh token"] = signedIn.AccessToken, signedIn.RefreshToken
	s.tell("POST", rest.AuthPath+"/login", "", `{"email":"ann@example.com","password":"`+s.secrets["a wrong password"]+`"}`)
	s.tell("POST", rest.AuthPath+"/login", "", `{"email":"`+s.secrets["a wrong password"]+`","password":1}`)
	s.tell("POST", rest.AuthPath+"/setup", "", `{"token":"`+ticket+`","email":"eve@example.com","password":"`+s.secrets["a password"]+`"}`)
	s.tell("POST", rest.AuthPath+"/password", signedIn.AccessToken, `{"password":"`+s.secrets["a wrong password"]+`","new_password":"`+s.secrets["another password"]+`"}`)
	require.NoError(t, admin.ChangePassword(ctx, rest.PasswordChange{Password: s.secrets["a password"], NewPassword: s.secrets["another password"]}))
	s.tell("POST", rest.AuthPath+"/password/forgot", "", `{"email":"ann@example.com"}`)
	s.tell("POST", rest.AuthPath+"/password/reset", "", `{"token":"`+ticket+`","password":"`+s.secrets["another password"]+`"}`)
	next, err := s.server.client("").Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
	require.NoError(t, err)
	s.secrets["the next refresh token"] = next.RefreshToken
	s.tell("POST", rest.AuthPath+"/refresh", "", `{"refresh_token":"`+signedIn.RefreshToken+`x"}`)
	invited, err := admin.Invite(ctx, rest.InviteRequest{Email: "bob@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	_, s.secrets["an invitation"], _ = strings.Cut(invited.Link, "#invite=")
	return admin
}

// keys makes, rotates, uses and revokes them.
func (s *spy) keys(admin *rest.Client) {
	t, ctx := s.t, s.t.Context()
	_, err := admin.CreateStream(ctx, core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	key, err := admin.CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "shop", Environment: core.Live, Role: core.RoleProducer})
	require.NoError(t, err)
	rotated, err := admin.RotateKey(ctx, core.KindAPIKey, key.ID.String(), rest.RotateRequest{})
	require.NoError(t, err)
	token, err := admin.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: "billing"})
	require.NoError(t, err)
	s.secrets["a key"], s.secrets["a rotated key"], s.secrets["a service token"] = key.Secret, rotated.Secret, token.Secret
	for _, secret := range []string{key.Secret, rotated.Secret, token.Secret, s.secrets["a key that is none"]} {
		s.tell("POST", rest.StreamEventsPath("orders"), secret, `{"event_type":"made","payload":{}}`)
		s.tell("POST", rest.StreamEventsPath("orders"), secret, `{"event_typ":"made"}`)
		s.tell("DELETE", rest.StreamPath("orders"), secret, "")
	}
	require.NoError(t, admin.RevokeKey(ctx, core.KindAPIKey, key.ID.String()))
	s.tell("GET", rest.APIKeysPath, s.secrets["an access token"], "")
	s.tell("GET", rest.APIKeysPath+"/"+key.ID.String(), s.secrets["an access token"], "")
	s.tell("GET", rest.ServiceTokensPath, s.secrets["an access token"], "")
	s.tell("GET", rest.SystemPath, s.secrets["an access token"], "")
}

// sources makes, uses, rotates and deletes them.
func (s *spy) sources(admin *rest.Client) {
	t, ctx := s.t, s.t.Context()
	s.secrets["a signing secret"], s.secrets["another signing secret"] = "planted-signing-secret-55", "planted-signing-secret-66"
	made, err := admin.CreateSource(ctx, core.SourceSpec{Name: "ci", Stream: "orders", Preset: core.PresetGitHub, Secret: s.secrets["a signing secret"]})
	require.NoError(t, err)
	rotated, err := admin.RotateSource(ctx, made.ID.String())
	require.NoError(t, err)
	_, err = admin.ChangeSource(ctx, made.ID.String(), core.SourceChange{Secret: new(s.secrets["another signing secret"])}, 0)
	require.NoError(t, err)
	open, err := admin.CreateSource(ctx, core.SourceSpec{Name: "open", Stream: "orders", Preset: core.PresetNone})
	require.NoError(t, err)
	s.secrets["an address"], s.secrets["a rotated address"], s.secrets["an open address"] = made.Token, rotated.Token, open.Token
	for _, path := range []string{made.Path, rotated.Path, open.Path, open.Path + "/", open.Path + "?a=b", "/" + open.Path} {
		for _, method := range []string{"POST", "GET", "OPTIONS"} { // not told: the client knows the address
			got := s.ask(method, path, "", `{"type":"made"}`)
			fmt.Fprintf(&s.answers, "%v\n%s\n", got.header, got.body)
		}
	}
	for _, path := range []string{rest.SourcesPath, rest.SourcePath(made.ID.String()), rest.SourcePath(made.ID.String()) + "/refusals"} {
		s.tell("GET", path, s.secrets["an access token"], "")
	}
	require.NoError(t, admin.DeleteSource(ctx, made.ID.String(), 0))
}

// destinations have secrets of their own, and none of them can be reached.
func (s *spy) destinations(admin *rest.Client) {
	t, ctx := s.t, s.t.Context()
	s.secrets["a webhook's secret"] = "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"
	s.secrets["a webhook's header"] = "planted-webhook-header-0123456789"
	s.secrets["an object store's key"] = "planted-object-store-key-0123456789"
	s.secrets["Kafka's password"] = "planted-kafka-password-0123456789"
	s.secrets["the key of another EventFlow"] = s.secrets["a service token"][:4] + "planted-other-eventflow-0123456789"
	for name, destination := range map[string]string{
		"webhook": `{"type":"webhook","url":"http://127.0.0.1:1/","secret":"` + s.secrets["a webhook's secret"] + `","secret_headers":{"X-Token":"` + s.secrets["a webhook's header"] + `"}}`,
		"objects": `{"type":"objectstore","endpoint":"http://127.0.0.1:1","bucket":"events","access_key":"a","secret_key":"` + s.secrets["an object store's key"] + `"}`,
		"kafka":   `{"type":"kafka","brokers":["127.0.0.1:1"],"topic":"events","sasl":"plain","username":"u","password":"` + s.secrets["Kafka's password"] + `"}`,
		"mirror":  `{"type":"eventflow","url":"http://127.0.0.1:1","stream":"orders","api_key":"` + s.secrets["the key of another EventFlow"] + `"}`,
	} {
		spec := core.ProcessorSpec{Destination: []byte(destination)}
		spec.Name = name
		_, err := admin.CreateProcessor(ctx, "orders", spec)
		require.NoError(t, err, name)
		s.tell("GET", rest.ProcessorPath("orders", name), s.secrets["an access token"], "")
		s.tell("PATCH", rest.ProcessorPath("orders", name), s.secrets["an access token"], `{"destination":`+strings.Replace(destination, `{`, `{"x":1,`, 1)+`}`)
		s.tell("POST", rest.ProcessorPath("orders", name)+"/send-test", s.secrets["an access token"], "{}")
		s.tell("GET", rest.ProcessorPath("orders", name)+"/deliveries", s.secrets["an access token"], "")
	}
	rotated, err := admin.RotateSecret(ctx, "orders", "webhook", core.Seconds(time.Hour))
	require.NoError(t, err)
	s.secrets["a rotated webhook's secret"] = rotated.Secret
	s.tell("GET", rest.AllProcessorsPath, s.secrets["an access token"], "")
}

// mistakes are made with secrets in places where none belongs. What is asked for
// by its address is the client's own doing, and is the one thing the log says.
func (s *spy) mistakes() {
	s.tell("POST", rest.UsersPath, s.secrets["an access token"], `{"email":"`+s.secrets["another password"]+`","role":"admin"}`)
	s.tell("POST", rest.AuthPath+"/login", "", `{"email":"ann@example.com","password":"`+s.secrets["a password"]+`","x":"`+s.secrets["another password"]+`"}`)
	s.tell("POST", rest.AuthPath+"/login", "", `{"email":"ann@example.com","password":"`+s.secrets["a password"])
	s.tell("PUT", rest.AuthPath+"/login", s.secrets["a rotated key"], `{"password":"`+s.secrets["a password"]+`"}`)
}

// files reads what is on disk.
func (s *spy) files() {
	err := filepath.WalkDir(s.home.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		s.places["the file "+filepath.Base(path)] = string(text)
		return err
	})
	require.NoError(s.t, err)
	require.NotEmpty(s.t, s.places["the file catalog.db"])
}

// away starts programs whose databases are not there, or whose settings are
// wrong.
func (s *spy) away() {
	s.secrets["a database's password"] = "planted-database-password-99"
	secret := "EVENTFLOW_SECRET=" + s.secrets["the server's secret"]
	for i, environ := range [][]string{
		{secret, "EVENTFLOW_STORE=postgres://user:" + s.secrets["a database's password"] + "@127.0.0.1:1/events?connect_timeout=1"},
		{secret, "EVENTFLOW_STORE=postgres://user:" + s.secrets["a database's password"] + "@127.0.0.1:port/events"},
		{secret, "EVENTFLOW_CATALOG=nothing://user:" + s.secrets["a database's password"] + "@127.0.0.1/events"},
		{secret, "EVENTFLOW_REDIS=redis://:" + s.secrets["Redis's password"] + "@127.0.0.1:port"},
		{secret, "EVENTFLOW_SMTP=http://x:" + s.secrets["the mail password"] + "@127.0.0.1:port", "EVENTFLOW_MAIL_FROM=x@example.com"},
		{"EVENTFLOW_SECRET=" + s.secrets["the server's secret"][:20]},
	} {
		ended := s.home.run(append(environ, anyone), "serve")
		require.NotZero(s.t, ended.code, ended.stderr)
		s.places[fmt.Sprintf("start %d: %.60q", i, ended.stderr)] = ended.stdout + ended.stderr
	}
}
