package app_test

import (
	"fmt"
	"math"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// nowhere is an id that nothing has.
const nowhere = "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"

// fill puts ids into a route's path.
func fill(path string, ids map[string]string) string {
	for name, id := range ids {
		path = strings.ReplaceAll(path, ":"+name, id)
	}
	return path
}

var idsOfNothing = map[string]string{"stream": nowhere, "group": nowhere, "event_id": nowhere, "id": nowhere, "session": nowhere}

// Every route there is lets in whom the policies let in, and nobody else: a
// route that is new is walked as well.
func TestEveryRoleAtEveryRoute(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	revoked := s.mine.secrets[core.RoleConsumer]
	for _, route := range server.Routes() {
		path := fill(route.Path, idsOfNothing)
		if route.Action == server.Public {
			continue
		}
		for _, stranger := range []string{"", "ef_live_", "ey.ey.ey", revoked + "x", strings.Repeat("a", 4000)} {
			require.Equal(t, 401, s.ask(route.Method, path, stranger, "{}").status, "%s %s as %.20q", route.Method, path, stranger)
		}
		for _, role := range core.Roles {
			permitted := route.Action == server.Anybody || authorizer.Allow(core.Principal{Org: core.ID{1}, Role: role}, core.ID{1}, route.Action) == nil
			got := s.ask(route.Method, path, s.mine.secrets[role], "{}")
			what := fmt.Sprintf("%s %s as %s: %d %s", route.Method, path, role, got.status, got.body)
			require.Less(t, got.status, 500, what)
			require.NotEqual(t, 401, got.status, what)
			if permitted && route.Action != server.Anybody {
				require.NotContains(t, got.body, "needs the permission", what)
			}
			if !permitted {
				require.Equal(t, core.CodeForbidden, got.code(), what)
			}
		}
	}
}

// What belongs to another organization is not there: the answer is that of an
// id which nothing has, to the byte, and nothing changes.
func TestForeignIDsAreNotThere(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	them := s.them
	trail := func() int {
		page, err := them.admin.AuditPage(t.Context(), core.EventQuery{Limit: 1000})
		require.NoError(t, err)
		return len(page.Items)
	}
	before := trail()
	for _, route := range server.Routes() {
		if !strings.Contains(route.Path, ":") || route.Action == server.Public {
			continue
		}
		foreign := map[string]string{"stream": them.stream, "group": them.group, "event_id": them.event, "id": s.idFor(route.Path)}
		unknown := idsOfNothing
		body := bodyFor(route.Path)
		got := s.ask(route.Method, fill(route.Path, foreign), s.mine.secrets[core.RoleAdmin], body)
		want := s.ask(route.Method, fill(route.Path, unknown), s.mine.secrets[core.RoleAdmin], body)
		require.Equal(t, without(want.body, unknown), without(got.body, foreign), "%s %s", route.Method, route.Path)
		require.Equal(t, want.status, got.status, "%s %s", route.Method, route.Path)
		require.NotContains(t, []int{200, 201, 202, 204, 403}, got.status, "%s %s: %s", route.Method, route.Path, got.body)
	}
	require.Equal(t, before, trail(), "nothing was done to them")
	mine := s.ask("GET", rest.StreamsPath+"/"+s.mine.stream, s.mine.secrets[core.RoleAdmin], "")
	require.Equal(t, 200, mine.status, "one's own is there")
	_, err := them.admin.Stream(t.Context(), them.stream)
	require.NoError(t, err)
	letter, err := them.admin.DeadLetter(t.Context(), them.letter)
	require.NoError(t, err)
	require.Equal(t, core.Parked, letter.State)
	// Their names are as unknown as their ids, and mean one's own.
	require.Equal(t, 404, s.ask("GET", rest.StreamsPath+"/"+url.PathEscape("orders of them"), s.mine.secrets[core.RoleAdmin], "").status)
	narrowed := func(stream string) reply {
		got := s.ask("POST", rest.APIKeysPath, s.mine.secrets[core.RoleAdmin], `{"label":"x","environment":"live","streams":["`+stream+`"]}`)
		require.Equal(t, 400, got.status)
		got.body = strings.ReplaceAll(got.body, stream, "")
		return got
	}
	require.Equal(t, narrowed(nowhere).body, narrowed(them.stream).body)
}

// without takes the ids that were asked for out of an answer that repeats them.
func without(body string, ids map[string]string) string {
	for _, id := range ids {
		body = strings.ReplaceAll(body, id, "")
	}
	return body
}

// idFor is the foreign id of the kind that a route's `:id` means.
func (s *siege) idFor(path string) string {
	switch {
	case strings.HasPrefix(path, rest.DeadLettersPath):
		return s.them.letter
	case strings.HasPrefix(path, rest.APIKeysPath):
		return s.them.key
	case strings.HasPrefix(path, rest.ServiceTokensPath):
		return s.them.token
	}
	return s.them.other
}

// bodyFor is a body that a route takes, so that it is not what is refused.
func bodyFor(path string) string {
	switch {
	case strings.HasSuffix(path, "/events"), strings.HasSuffix(path, "/validate"):
		return `{"event_type":"x","payload":1}`
	case strings.HasSuffix(path, "/batch"):
		return `[{"event_type":"x","payload":1}]`
	case strings.HasSuffix(path, "/reset"):
		return `{"to":"start"}`
	case strings.HasSuffix(path, "/offsets"):
		return `{"offset":0}`
	case strings.HasSuffix(path, "/ack"):
		return `{"lease":"` + nowhere + `","offsets":[0]}`
	case strings.HasSuffix(path, "/nack"):
		return `{"lease":"` + nowhere + `","events":[{"offset":0}]}`
	case strings.HasSuffix(path, "/extend"):
		return `{"lease":"` + nowhere + `"}`
	case strings.HasSuffix(path, "/consumer-groups"):
		return `{"name":"mine"}`
	}
	return "{}"
}

// Who presents a credential somewhere else, twice, or of another kind is
// refused.
func TestOddCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	admin, producer := s.mine.secrets[core.RoleAdmin], s.mine.secrets[core.RoleProducer]
	for name, headers := range map[string][]string{
		"two":           {"X-API-Key", producer, "Authorization", "Bearer " + admin},
		"basic":         {"Authorization", "Basic " + admin},
		"no scheme":     {"Authorization", admin},
		"no space":      {"Authorization", "Bearer" + admin},
		"in a cookie":   {"Cookie", "access_token=" + admin + "; " + rest.RefreshCookie + "=" + admin},
		"another place": {"X-Auth-Token", admin},
	} {
		require.Equal(t, 401, s.ask("GET", rest.StreamsPath, "", "", headers...).status, name)
	}
	for _, query := range []string{"?access_token=", "?api_key=", "?token=", "?key="} {
		require.Equal(t, 401, s.ask("GET", rest.StreamsPath+query+admin, "", "").status, query)
	}
	signedIn, err := s.server.client("").Login(t.Context(), rest.LoginRequest{Email: "admin@mine.example", Password: goodPassword, WantRefreshToken: true})
	require.NoError(t, err)
	require.Equal(t, 401, s.ask("GET", rest.StreamsPath, signedIn.RefreshToken, "").status, "a refresh token is no access token")
	_, err = s.server.client("").Refresh(t.Context(), rest.RefreshRequest{RefreshToken: signedIn.AccessToken})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "nor the other way round")
	for i := range []byte(admin) { // every byte counts
		if i%7 == 0 && admin[i] != '.' {
			forged := admin[:i] + string(rune(admin[i]^1)) + admin[i+1:]
			require.Equal(t, 401, s.ask("GET", rest.StreamsPath, url.PathEscape(forged), "").status)
		}
	}
}

// No way of writing a path or a header leads around the permission.
func TestTrickyPathsAndHeadersLeadNowhere(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	viewer := s.mine.secrets[core.RoleViewer]
	for _, path := range []string{
		"//api/v1/users", "/api/v1//users", "/api/v1/./users", "/api/v1/streams/../users", "/api/v1/streams/%2e%2e/users", "/api/v1/%75sers",
		"/api/v1/users/", "/API/V1/USERS", "/api/v1/users;x=y", "/api/v1/streams/..%2fusers", "/api/v1/streams/%252e%252e/users", "/api/v1/users%00",
		"/api/v1/users%20", "/api/v1/users/.", "/api/v1\\users", "http://elsewhere/api/v1/users", "/livez/../api/v1/users",
	} {
		line := s.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + viewer + "\r\n\r\n")
		require.NotContains(t, line, " 200 ", path)
		require.NotContains(t, line, " 50", path)
	}
	for _, header := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix"} {
		require.Equal(t, 403, s.ask("GET", rest.UsersPath, viewer, "", header, "/livez").status, header)
	}
	for _, header := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		require.Equal(t, 403, s.ask("POST", rest.StreamsPath, viewer, `{"name":"x"}`, header, "GET").status, header)
	}
	for _, header := range []string{"X-Org-Id", "X-Organization", "X-Tenant", "X-User", "X-Role", "X-Forwarded-User", "X-Forwarded-For", "Forwarded"} {
		require.Equal(t, 403, s.ask("GET", rest.UsersPath, viewer, "", header, "admin").status, header)
	}
}

// A name that is known is told from one that is not by nothing.
func TestNothingTellsWhoIsKnown(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	same := func(path, known, unknown string) {
		a, b := s.ask("POST", path, "", known), s.ask("POST", path, "", unknown)
		require.Equal(t, a.status, b.status, path)
		require.Equal(t, a.body, b.body, path)
		for _, varies := range []string{"Date", "X-Request-Id"} {
			a.header.Del(varies)
			b.header.Del(varies)
		}
		require.Equal(t, a.header, b.header, path)
	}
	same(rest.AuthPath+"/login", `{"email":"admin@mine.example","password":"Wrong-Horse-99"}`, `{"email":"nobody@mine.example","password":"Wrong-Horse-99"}`)
	same(rest.AuthPath+"/login", `{"email":"admin@mine.example","password":""}`, `{"email":"nobody@mine.example","password":""}`)
	same(rest.AuthPath+"/password/forgot", `{"email":"admin@mine.example"}`, `{"email":"nobody@mine.example"}`)
	same(rest.AuthPath+"/password/reset", `{"token":"eft_x","password":"`+goodPassword+`"}`, `{"token":"eft_y","password":"`+goodPassword+`"}`)
}

// Nobody gives themselves what they do not have.
func TestNobodyClimbs(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	developer, admin := s.mine.secrets[core.RoleDeveloper], s.mine.secrets[core.RoleAdmin]
	for _, body := range []string{`{"role":"admin"}`, `{"org":"` + nowhere + `"}`, `{"id":"` + nowhere + `"}`, `{"revision":1}`, `{"password_hash":"x"}`} {
		require.Equal(t, 403, s.ask("PATCH", rest.UsersPath+"/"+s.mine.other, developer, body).status, body)
	}
	for _, body := range []string{`{"org":"` + nowhere + `"}`, `{"email":"x@y.example"}`, `{"password_hash":"x"}`, `{"role":"root"}`, `{"role":"producer"}`} {
		require.Equal(t, 400, s.ask("PATCH", rest.UsersPath+"/"+s.mine.other, admin, body).status, body)
	}
	for _, body := range []string{
		`{"label":"x","environment":"live","role":"admin"}`, `{"label":"x","environment":"live","created_by":"` + s.mine.user + `"}`,
		`{"label":"x","environment":"live","rate":{"per_minute":1000000}}`,
	} {
		got := s.ask("POST", rest.APIKeysPath, developer, body)
		require.Contains(t, []int{400, 403}, got.status, "%s: %s", body, got.body)
	}
	for _, change := range []string{`{"role":"viewer"}`, `{"state":"disabled"}`} {
		require.Equal(t, 409, s.ask("PATCH", rest.UsersPath+"/"+s.mine.user, admin, change).status, "an admin stays")
	}
	require.Equal(t, 409, s.ask("DELETE", rest.UsersPath+"/"+s.mine.user, admin, "").status)
	require.Equal(t, 403, s.ask("POST", rest.OrganizationsPath, s.them.secrets[core.RoleAdmin], `{"name":"x"}`).status)
	for _, rate := range []string{`"key_rate":{"per_minute":1000000,"per_second":1000000}`, `"user_rate":{"per_minute":1000000}`, `"key_rate":null`} {
		got := s.ask("PATCH", rest.OrganizationPath, admin, `{"name":"mine",`+rate+`}`)
		require.Equal(t, 400, got.status, "%s: %s", rate, got.body)
	}
	require.NotContains(t, s.ask("GET", rest.OrganizationPath, admin, "").body, "rate", "only the host limits an organization")
}

// A key that is narrowed to a stream sees and does nothing beyond it.
func TestANarrowKeyStaysWithinItsStreams(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	second, err := s.mine.admin.CreateStream(t.Context(), core.StreamSpec{Name: "second"})
	require.NoError(t, err)
	narrow, err := s.mine.admin.CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{Environment: core.Live, Label: "narrow", Role: core.RoleDeveloper, Streams: []string{second.ID.String()}})
	require.NoError(t, err)
	ids := map[string]string{"stream": s.mine.stream, "group": s.mine.group, "event_id": s.mine.event, "id": s.mine.letter}
	for _, route := range server.Routes() {
		if !strings.Contains(route.Path, ":stream") && !strings.HasPrefix(route.Path, rest.DeadLettersPath+"/:id") && !strings.Contains(route.Path, ":event_id") {
			continue
		}
		got := s.ask(route.Method, fill(route.Path, ids), narrow.Secret, bodyFor(route.Path))
		require.NotContains(t, []int{200, 201, 202, 204}, got.status, "%s %s: %s", route.Method, route.Path, got.body)
	}
	for _, list := range []string{rest.StreamsPath, rest.StreamsPath + "?stats=true", rest.EventsPath, rest.DeadLettersPath, rest.AllGroupsPath, rest.DeadLettersPath + "/counts"} {
		got := s.ask("GET", list, narrow.Secret, "")
		require.NotContains(t, got.body, s.mine.stream, list)
		require.NotContains(t, got.body, s.them.stream, list)
	}
}

// What is not a value is refused as such, by every filter of every list, and
// what is one finds nothing that is not one's own.
func TestFiltersTakeValuesOnly(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	lists := map[string][]string{
		rest.StreamsPath:   {"prefix", "cursor", "limit", "stats"},
		rest.EventsPath:    {"type", "source", "subject", "from", "to", "order", "cursor", "limit", "payload.a"},
		rest.AllGroupsPath: {"cursor", "limit"}, rest.DeadLettersPath: {"stream", "group", "reason", "type", "state", "cursor", "limit"},
		rest.UsersPath: {"cursor", "limit"}, rest.APIKeysPath: {"cursor", "limit"}, rest.AuditPath: {"type", "from", "to", "cursor", "limit", "source"},
		rest.StreamsPath + "/" + s.mine.stream + "/events":    {"after", "payload.of", "type"},
		rest.StreamsPath + "/" + s.mine.stream + "/histogram": {"from", "to", "buckets"},
		rest.StreamsPath + "/" + s.mine.stream + "/export":    {"format"},
	}
	hostile := []string{
		"' or '1'='1", `"; drop table users; --`, "1) union select * from users --", "%", "_", `\`, "$1", "{{7*7}}", "../../etc/passwd", "\x00", "\xff\xfe",
		"-1", "99999999999999999999", "1e309", "NaN", "null", "[]", "{}", strings.Repeat("a", 5000), "\u202e", "$..*", "a.b[0]", "<script>",
	}
	for path, parameters := range lists {
		for _, parameter := range parameters {
			for _, value := range hostile {
				got := s.ask("GET", path+"?"+url.QueryEscape(parameter)+"="+url.QueryEscape(value), s.mine.secrets[core.RoleAdmin], "")
				require.True(t, slices.Contains([]int{200, 400, 404, 431, 414}, got.status), "%s %s=%.40q: %d %s", path, parameter, value, got.status, got.body)
				for _, foreign := range []string{s.them.stream, s.them.event, s.them.user, s.them.key, "admin@them.example", "drop table"} {
					if !strings.Contains(value, foreign) {
						require.NotContains(t, got.body, foreign, "%s %s=%q", path, parameter, value)
					}
				}
			}
		}
	}
}

// How long storing takes is told to people, and neither to keys nor in a way
// that tells who stored what.
func TestTheIngestTimeNamesNobody(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	system, err := s.mine.admin.System(t.Context())
	require.NoError(t, err)
	require.Positive(t, system.IngestP99)
	require.InDelta(t, math.Round(system.IngestP99*10), system.IngestP99*10, 1e-6, "a round figure")
	for _, secret := range s.mine.secrets {
		got := s.ask("GET", rest.SystemPath, secret, "")
		require.Equal(t, 200, got.status)
		for _, theirs := range []string{s.them.stream, "orders of them", "billing"} {
			require.NotContains(t, got.body, theirs)
		}
		for _, told := range []string{"ingest_p99_ms", "version", "started_at", runtime.Version()} {
			require.Equal(t, strings.Contains(secret, "."), strings.Contains(got.body, told), "%s is for people", told)
		}
	}
	for streams, told := range map[string]bool{"": true, s.mine.stream: false} {
		request := core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleAdmin, Streams: strings.Fields(streams)}
		made, err := s.mine.admin.CreateKey(t.Context(), core.KindAPIKey, request)
		require.NoError(t, err)
		got := s.ask("GET", rest.SystemPath, made.Secret, "")
		require.Equal(t, told, strings.Contains(got.body, runtime.Version()), "and for keys of admins: %s", got.body)
	}
}
