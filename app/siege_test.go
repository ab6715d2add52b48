package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

const goodPassword = "Correct-Horse-9"

// tenancy is an organization with one of everything, and who works in it.
type tenancy struct {
	admin                                                 *rest.Client
	stream, group, event, letter, key, token, user, other string
	// secrets are credentials by role, and those of an API key and a token.
	secrets map[core.Role]string
}

// siege is a server with two organizations that are alike.
type siege struct {
	t          *testing.T
	home       home
	server     *process
	mine, them tenancy
}

func newSiege(t *testing.T) *siege {
	t.Helper()
	s := &siege{t: t, home: newHome(t)}
	s.server = s.home.serve("EVENTFLOW_RATE_KEY=off", "EVENTFLOW_RATE_USER=off", "EVENTFLOW_RATE_ADDRESS=off")
	s.mine = s.settle("mine", "user", "setup-link")
	s.them = s.settle("them", "org", "create", "them")
	return s
}

// settle makes an organization's first admin by a command that prints a link,
// and one of everything.
func (s *siege) settle(name string, link ...string) tenancy {
	t, ctx := s.t, s.t.Context()
	made := s.home.run([]string{secret}, link...)
	require.Zero(t, made.code, made.stderr)
	_, ticket, _ := strings.Cut(strings.TrimSpace(made.stdout), "/setup#t=")
	y := tenancy{admin: s.server.client(""), secrets: map[core.Role]string{}}
	signedIn, err := y.admin.Setup(ctx, rest.SetupRequest{Token: ticket, Email: "admin@" + name + ".example", Password: goodPassword})
	require.NoError(t, err)
	y.secrets[core.RoleAdmin], y.user = signedIn.AccessToken, signedIn.User.ID.String()
	for _, role := range []core.Role{core.RoleDeveloper, core.RoleViewer} {
		y.secrets[role], y.other = s.person(y.admin, role, string(role)+"@"+name+".example")
	}
	stream, err := y.admin.CreateStream(ctx, core.StreamSpec{Name: "orders of " + name})
	require.NoError(t, err)
	group, err := y.admin.CreateGroup(ctx, stream.ID.String(), core.GroupSpec{Name: "billing"})
	require.NoError(t, err)
	receipt, err := y.admin.Publish(ctx, stream.ID.String(), rest.NewEvent{Type: "made", Payload: []byte(`{"of":"` + name + `"}`)})
	require.NoError(t, err)
	delivery, err := y.admin.Poll(ctx, stream.ID.String(), "billing", rest.PollOptions{Wait: time.Second})
	require.NoError(t, err)
	require.NoError(t, y.admin.Nack(ctx, stream.ID.String(), "billing", delivery.Lease.ID, rest.Nack{Offset: &receipt.Offset, Action: core.NackPark}))
	letters, err := y.admin.DeadLettersPage(ctx, core.LetterQuery{})
	require.NoError(t, err)
	y.stream, y.group, y.event, y.letter = stream.ID.String(), group.ID.String(), receipt.ID.String(), letters.Items[0].ID.String()
	key, err := y.admin.CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Environment: core.Live, Label: name, Role: core.RoleProducer})
	require.NoError(t, err)
	token, err := y.admin.CreateKey(ctx, core.KindServiceToken, core.KeyRequest{Label: name, Role: core.RoleConsumer})
	require.NoError(t, err)
	y.key, y.token, y.secrets[core.RoleProducer], y.secrets[core.RoleConsumer] = key.ID.String(), token.ID.String(), key.Secret, token.Secret
	return y
}

func (s *siege) person(admin *rest.Client, role core.Role, email string) (token, id string) {
	invited, err := admin.Invite(s.t.Context(), rest.InviteRequest{Email: email, Role: role})
	require.NoError(s.t, err)
	_, ticket, _ := strings.Cut(invited.Link, "#invite=")
	signedIn, err := s.server.client("").Accept(s.t.Context(), rest.AcceptRequest{Token: ticket, Password: goodPassword})
	require.NoError(s.t, err)
	return signedIn.AccessToken, signedIn.User.ID.String()
}

// reply is an answer with its body read, and what differs from request to
// request taken out.
type reply struct {
	status int
	header http.Header
	body   string
}

var requestIDs = regexp.MustCompile(`"request_id":"[^"]*"`)

// ask sends a request with a credential, or none.
func (s *siege) ask(method, path, credential, body string, headers ...string) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.server.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if credential != "" {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return reply{response.StatusCode, response.Header, requestIDs.ReplaceAllString(string(text), `"request_id":""`)}
}

// code is the error code of an answer.
func (a reply) code() core.Code {
	var problem rest.Problem
	_ = json.Unmarshal([]byte(a.body), &problem) // an answer without one has none
	return problem.Code
}

// raw sends bytes and returns the status line of what comes back.
func (s *siege) raw(text string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.server.url, "http://"))
	require.NoError(s.t, err)
	defer conn.Close()
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, text)
	require.NoError(s.t, err)
	got, _ := io.ReadAll(conn) // it may be cut
	line, _, _ := bytes.Cut(got, []byte("\r\n"))
	return string(line)
}
