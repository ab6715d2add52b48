package server_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	stored "github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// vault is an office whose keys and streams are in its catalog too.
type vault struct{ *office }

var vaultSecret = []byte(strings.Repeat("secret!", 5))

func openVault(t *testing.T, options ...option) *vault {
	t.Helper()
	return openVaultOn(t, &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(t.TempDir())}, options...)
}

// onBothVaults runs a test on a vault of each engine.
func onBothVaults(t *testing.T, test func(*testing.T, *vault), options ...option) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, openVault(t, options...)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, openVaultOn(t, pgtest.URL(t), options...)) })
}

func openVaultOn(t *testing.T, u *url.URL, options ...option) *vault {
	t.Helper()
	o := &office{now: time.Now()}
	opened, err := stored.Open(t.Context(), u)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	o.catalog = opened
	o.org, err = identity.FirstOrganization(t.Context(), opened, o.now)
	require.NoError(t, err)
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	tokens, err := jwt.New(vaultSecret)
	require.NoError(t, err)
	access, err := identity.NewAccess(opened, opened, vaultSecret, nil, time.Now)
	require.NoError(t, err)
	o.fixture = start(t, append(options, withPeople(func(f *fixture, options *server.Options, committer *eventlog.Committer) {
		f.access, f.org = access, o.org.ID
		o.trail = eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: f.log, Authorizer: authorizer, Logger: options.Logger, Now: time.Now})
		options.Streams = eventlog.NewStreams(eventlog.StreamPorts{
			Catalog: opened, Log: f.log, Schemas: schemas{}, Authorizer: authorizer, Record: o.trail.Record, Now: time.Now,
		})
		options.Ingest = eventlog.NewIngest(options.Streams, committer, time.Now)
		recent := eventlog.NewRecent(f.log, nil, options.Logger)
		options.Tails = eventlog.NewTails(options.Streams, recent, f.log)
		options.Delivery = deliver.New(deliver.Ports{
			Streams: options.Streams, Recent: recent, Log: f.log, Store: opened, Authorizer: authorizer, Record: o.trail.Record,
			Logger: options.Logger, Now: time.Now,
		})
		options.Query = eventlog.NewQuery(eventlog.QueryPorts{Log: f.log, Streams: options.Streams, Authorizer: authorizer, Record: o.trail.Record, Now: time.Now})
		people, err := identity.New(identity.Ports{
			Organizations: opened, Users: opened, Sessions: opened, Tickets: opened, Credentials: opened, Hasher: quickHasher{}, Tokens: tokens,
			Authorizer: authorizer, Record: o.trail.Record, Secret: vaultSecret, Now: o.time,
		})
		require.NoError(t, err)
		people.Access, people.Keys = access, identity.NewKeys(identity.KeyPorts{ // by the real clock
			Access: access, Credentials: opened, Streams: options.Streams, Authorizer: authorizer, Record: o.trail.Record, Now: time.Now,
		})
		o.identity = people
		options.Identity, options.Trail, options.Authorizer = people, o.trail, authorizer
	}))...)
	return &vault{o}
}

func (v *vault) with(secret string) *rest.Client { return rest.NewClient("http://"+v.address, secret) }

var bothKinds = []core.KeyKind{core.KindAPIKey, core.KindServiceToken}

// grace is a grace period.
func grace(d time.Duration) rest.RotateRequest {
	s := core.Seconds(d)
	return rest.RotateRequest{Grace: &s}
}

// A credential is made, used, listed, rotated and revoked by a person, and the
// trail says so.
func TestACredentialLives(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	ctx := context.Background()
	orders := v.stream("orders")
	signedIn := v.person("ann@example.com", core.RoleDeveloper)
	ann := v.as(signedIn)
	for _, kind := range bothKinds {
		made, err := ann.CreateKey(ctx, kind, core.KeyRequest{
			Label: "shop", Environment: core.Test, Role: core.RoleProducer, Streams: []string{"orders"}, DefaultStream: orders.ID.String(),
		})
		require.NoError(t, err)
		require.Equal(t, []any{kind, signedIn.User.ID, []core.ID{orders.ID}}, []any{made.Kind, made.CreatedBy, made.Streams})
		receipt, err := v.with(made.Secret).Publish(ctx, "", rest.NewEvent{Type: "a", Payload: []byte(`1`)})
		require.NoError(t, err)
		event, err := v.client.Event(ctx, "orders", receipt.ID.String())
		require.NoError(t, err)
		require.Equal(t, made.ID, event.APIKeyID)
		_, err = v.with(made.Secret).PublishBatch(ctx, "", []rest.NewEvent{{Type: "a", Payload: []byte(`1`)}})
		require.NoError(t, err)

		require.NoError(t, v.access.WriteUsage(ctx))
		found, err := ann.Key(ctx, kind, made.ID.String())
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), *found.LastUsedAt, time.Minute)
		listed, err := ann.KeysPage(ctx, kind, "", 0)
		require.NoError(t, err)
		require.Equal(t, []core.APIKey{found}, listed.Items)

		v.rotates(ann, made)
		v.recorded(signedIn.User.ID, string(kind), made.ID, core.AuditKeyRevoked, core.AuditKeyRotated, core.AuditKeyCreated)
	}
}

// rotates holds that a credential has two secrets for a while after a rotation,
// one after another, and none in the end.
func (v *vault) rotates(by *rest.Client, made rest.KeyWithSecret) {
	v.t.Helper()
	ctx, kind, id := context.Background(), made.Kind, made.ID.String()
	rotated, err := by.RotateKey(ctx, kind, id, rest.RotateRequest{})
	require.NoError(v.t, err)
	require.WithinDuration(v.t, time.Now().Add(identity.DefaultKeyGrace), *rotated.PreviousValidUntil, time.Minute)
	for _, secret := range []string{made.Secret, rotated.Secret} {
		_, err = v.with(secret).Publish(ctx, "", rest.NewEvent{Type: "a", Payload: []byte(`1`)})
		require.NoError(v.t, err)
	}
	last, err := by.RotateKey(ctx, kind, id, grace(0))
	require.NoError(v.t, err)
	v.unauthorized(made.Secret)
	v.unauthorized(rotated.Secret)
	for range 2 {
		require.NoError(v.t, by.RevokeKey(ctx, kind, id))
		v.unauthorized(last.Secret)
	}
}

func (v *vault) unauthorized(secret string) {
	v.t.Helper()
	_, err := v.with(secret).Me(context.Background())
	require.Equal(v.t, core.CodeUnauthorized, core.CodeOf(err))
}

// recorded holds that the trail has what somebody did to a credential.
func (v *vault) recorded(who core.ID, kind string, target core.ID, actions ...core.AuditAction) {
	v.t.Helper()
	page, err := v.client.EventsPage(context.Background(), eventlog.AuditStream(v.org.ID).String(), core.EventQuery{})
	require.Error(v.t, err, "the trail is no stream that can be named: %v", page)
	page, err = v.client.AuditPage(context.Background(), core.EventQuery{Limit: 1000})
	require.NoError(v.t, err)
	found := map[core.AuditAction]bool{}
	for _, event := range page.Items {
		var entry core.AuditEntry
		require.NoError(v.t, json.Unmarshal(event.Payload, &entry))
		if entry.Actor.User == who && entry.Target == (core.AuditTarget{Kind: kind, ID: target.String()}) {
			found[core.AuditAction(event.Type)] = true
		}
	}
	for _, action := range actions {
		require.True(v.t, found[action], action)
	}
}

// Every mistake in a request is refused with its own answer, and makes nothing.
func TestRequestsForCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	v.stream("orders")
	for _, path := range []string{rest.APIKeysPath, rest.ServiceTokensPath} {
		for body, field := range map[string]string{
			`{}`:                   "label",
			`[]`:                   "body",
			`{"label":7}`:          "label",
			`{"label":"a","id":1}`: "id",
			`{"label":"a","Role":"admin","environment":"live"}`:                      "Role",
			`{"label":"a","environment":"prod"}`:                                     "environment",
			`{"label":"a","environment":"live","role":"king"}`:                       "role",
			`{"label":"a","environment":"live","role":null,"streams":"orders"}`:      "streams",
			`{"label":"a","environment":"live","streams":["nowhere"]}`:               "streams[0]",
			`{"label":"a","environment":"live","default_stream":"nowhere"}`:          "default_stream",
			`{"label":"a","environment":"live","expires_at":"2020-01-01T00:00:00Z"}`: "expires_at",
			`{"label":"a","environment":"live","expires_at":"soon"}`:                 "expires_at",
			`{"label":"a","environment":"live","rate":{"per_minute":-1}}`:            "rate.per_minute",
			`{"label":"a","environment":"live","rate":{"per_hour":1}}`:               "rate.per_hour",
			`{"label":"a","environment":"live","secret":"ef_live_"}`:                 "secret",
		} {
			got := v.do("POST", path, strings.NewReader(body), "Content-Type: application/json")
			require.Equal(t, http.StatusBadRequest, got.StatusCode, "%s: %s", body, got.body)
			require.Equal(t, field, got.problem(t).Details[0].Field, body)
		}
		for address, status := range map[string]int{
			"GET " + path + "/7": 400, "GET " + path + "?kind=x": 400, "GET " + path + "?cursor=x": 400, "GET " + path + "?limit=0": 400,
			"GET " + path + "/01a20888-2073-74a3-a993-af6e936d4a7d":         404,
			"DELETE " + path + "/01a20888-2073-74a3-a993-af6e936d4a7d":      404,
			"POST " + path + "/01a20888-2073-74a3-a993-af6e936d4a7d/rotate": 404,
			"PATCH " + path + "/01a20888-2073-74a3-a993-af6e936d4a7d":       405, "DELETE " + path: 405,
		} {
			method, address, _ := strings.Cut(address, " ")
			require.Equal(t, status, v.do(method, address, nil).StatusCode, "%s %s", method, address)
		}
	}
	for kind, made := range map[core.KeyKind]int{core.KindAPIKey: 1, core.KindServiceToken: 0} {
		page, err := v.client.KeysPage(context.Background(), kind, "", 0)
		require.NoError(t, err)
		require.Len(t, page.Items, made)
	}
}

// A rotation with a grace period that makes no sense does not take place.
func TestRotationsAreChecked(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	for _, kind := range bothKinds {
		made, err := v.client.CreateKey(context.Background(), kind, core.KeyRequest{Label: "a", Environment: core.Live})
		require.NoError(t, err)
		for body, field := range map[string]string{`{"grace":-1}`: "grace", `{"grace":604801}`: "grace", `{"grace":"1h"}`: "grace", `{"until":1}`: "until"} {
			got := v.do("POST", rest.KeyPath(kind, made.ID.String())+"/rotate", strings.NewReader(body), "Content-Type: application/json")
			require.Equal(t, http.StatusBadRequest, got.StatusCode, body)
			require.Equal(t, field, got.problem(t).Details[0].Field, body)
		}
		found, err := v.client.Key(context.Background(), kind, made.ID.String())
		require.NoError(t, err)
		require.Nil(t, found.RotatedAt)
	}
}

// Who may not, gets 403; what is not theirs is not there.
func TestCredentialsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	ctx := context.Background()
	people := map[core.Role]*rest.Client{}
	for _, role := range core.UserRoles {
		people[role] = v.as(v.person(string(role)+"@example.com", role))
	}
	bob := v.as(v.person("bob@example.com", core.RoleDeveloper))
	request := core.KeyRequest{Label: "a", Environment: core.Live}
	for _, kind := range bothKinds {
		made, err := bob.CreateKey(ctx, kind, request)
		require.NoError(t, err)
		id := made.ID.String()
		for role, want := range map[core.Role]core.Code{core.RoleViewer: core.CodeForbidden, core.RoleDeveloper: core.CodeNotFound} {
			_, err = people[role].Key(ctx, kind, id)
			require.Equal(t, want, core.CodeOf(err))
			_, err = people[role].RotateKey(ctx, kind, id, rest.RotateRequest{})
			require.Equal(t, want, core.CodeOf(err))
			require.Equal(t, want, core.CodeOf(people[role].RevokeKey(ctx, kind, id)))
		}
		_, err = people[core.RoleViewer].CreateKey(ctx, kind, request)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
		_, err = v.with(made.Secret).KeysPage(ctx, kind, "", 0)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
		page, err := people[core.RoleDeveloper].KeysPage(ctx, kind, "", 0)
		require.NoError(t, err)
		require.Empty(t, page.Items)
		other := bothKinds[0]
		if kind == other {
			other = bothKinds[1]
		}
		_, err = people[core.RoleAdmin].Key(ctx, other, id)
		require.Equal(t, core.CodeNotFound, core.CodeOf(err), "a kind is not found among the other")
		require.NoError(t, people[core.RoleAdmin].RevokeKey(ctx, kind, id))
	}
}

// What is made has no more rights than its maker.
func TestCredentialsDoNotOutgrowTheirMaker(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	ctx := context.Background()
	v.stream("orders")
	v.stream("refunds")
	bob := v.as(v.person("bob@example.com", core.RoleDeveloper))
	for _, refused := range []core.KeyRequest{
		{Label: "a", Environment: core.Live, Role: core.RoleAdmin},
		{Label: "a", Environment: core.Live, Rate: core.Rate{PerMinute: 9}},
	} {
		_, err := bob.CreateKey(ctx, core.KindAPIKey, refused)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	}
	narrowed, err := v.client.CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleAdmin, Streams: []string{"orders"}})
	require.NoError(t, err)
	_, err = v.with(narrowed.Secret).CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live, Streams: []string{"refunds"}})
	require.Equal(t, core.CodeValidation, core.CodeOf(err), "for this key there is no such stream")
	made, err := v.with(narrowed.Secret).CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live})
	require.NoError(t, err)
	require.Equal(t, narrowed.Streams, made.Streams)
	require.Equal(t, narrowed.ID, made.CreatedBy)
}

// The list of credentials comes in pages whose Link leads on.
func TestCredentialsAreListedInPages(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	for range 6 {
		_, err := v.client.CreateKey(context.Background(), core.KindServiceToken, core.KeyRequest{Label: "a"})
		require.NoError(t, err)
	}
	seen, address := map[string]bool{}, rest.ServiceTokensPath+"?limit=4"
	for address != "" {
		got := v.do("GET", address, nil)
		var page rest.List[core.APIKey]
		require.NoError(t, json.Unmarshal(got.body, &page))
		for _, key := range page.Items {
			seen[key.ID.String()] = true
		}
		address = strings.TrimSuffix(strings.TrimPrefix(got.Header.Get("Link"), "<"), `>; rel="next"`)
		require.Equal(t, page.Pagination.HasMore, address != "")
	}
	require.Len(t, seen, 6)
	all := 0
	for _, err := range v.client.Keys(context.Background(), core.KindServiceToken) {
		require.NoError(t, err)
		all++
	}
	require.Equal(t, 6, all)
}

// A secret is in the answers that make it and nowhere else: no other answer, no
// line of the log, and not the trail has it, or its hash.
func TestSecretsAreShownOnce(t *testing.T) {
	t.Parallel()
	v := openVault(t, func(o *server.Options, _ *fixture) { o.LogSuccess = true })
	var answers bytes.Buffer
	var secrets []string
	hear := func(method, path string, body io.Reader, headers ...string) []byte {
		got := v.do(method, path, body, append(headers, "Content-Type: application/json")...)
		require.NoError(t, got.Header.Write(&answers))
		require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
		return got.body
	}
	for _, path := range []string{rest.APIKeysPath, rest.ServiceTokensPath} {
		var made rest.KeyWithSecret
		require.NoError(t, json.Unmarshal(hear("POST", path, strings.NewReader(`{"label":"a","environment":"live","role":"admin"}`)), &made))
		secrets = append(secrets, made.Secret)
		var rotated rest.KeyWithSecret
		require.NoError(t, json.Unmarshal(hear("POST", path+"/"+made.ID.String()+"/rotate", nil), &rotated))
		secrets = append(secrets, rotated.Secret)
		for _, secret := range []string{made.Secret, rotated.Secret} {
			for _, address := range []string{path, path + "/" + made.ID.String(), rest.AuthPath + "/me", rest.AuditPath, path + "/7", "/nowhere"} {
				answers.Write(hear("GET", address, nil, "X-API-Key: "+secret))
			}
			answers.Write(hear("POST", path, strings.NewReader(`{"label":`), "X-API-Key: "+secret))
			answers.Write(hear("GET", path, nil, "X-API-Key: "+secret[:len(secret)-1]))
		}
		answers.Write(hear("DELETE", path+"/"+made.ID.String(), nil))
		answers.Write(hear("GET", path, nil))
	}
	answers.WriteString(v.logged.String())
	require.Contains(t, answers.String(), "api_key_id=")
	require.Contains(t, answers.String(), "svc_a_…")
	v.holdsNone(answers.String(), secrets)
}

// holdsNone holds that a text has none of the secrets, and no hash of the catalog.
func (v *vault) holdsNone(text string, secrets []string) {
	v.t.Helper()
	for _, secret := range secrets {
		require.NotContains(v.t, text, secret[:len(secret)-1])
	}
	keys, err := v.access.Keys(context.Background(), v.org.ID)
	require.NoError(v.t, err)
	for _, key := range keys {
		for _, hash := range []core.KeyHash{key.Hash, key.PreviousHash} {
			if hash != (core.KeyHash{}) {
				require.False(v.t, strings.Contains(text, hex.EncodeToString(hash[:])) || strings.Contains(text, string(hash[:])), "a hash is in it")
			}
		}
	}
}

// What one server revokes, another on the same catalog refuses two seconds later.
func TestARevocationReachesTheOtherServer(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	other, err := identity.NewAccess(v.catalog, v.catalog, vaultSecret, nil, v.time)
	require.NoError(t, err)
	for _, kind := range bothKinds {
		made, err := v.client.CreateKey(context.Background(), kind, core.KeyRequest{Label: "a", Environment: core.Live})
		require.NoError(t, err)
		_, err = other.Authenticate(t.Context(), made.Secret)
		require.NoError(t, err)
		require.NoError(t, v.client.RevokeKey(context.Background(), kind, made.ID.String()))
		v.unauthorized(made.Secret)
		v.pass(2 * time.Second)
		_, err = other.Authenticate(t.Context(), made.Secret)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
}
