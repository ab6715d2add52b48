package server_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	stored "github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// office is a server with people: a real catalog, real hashes and tokens, the
// real policies, and a clock that tests move.
type office struct {
	*fixture
	identity *identity.UseCases
	trail    *eventlog.Trail
	org      core.Organization
	catalog  core.Catalog

	mu    sync.Mutex
	now   time.Time
	mails []string
	// guesses holds attempts up, from throttle on.
	guesses identity.Throttle
}

func (o *office) time() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// Send implements core.Mailer.
func (o *office) Send(_ context.Context, to, _, text string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, to+"\n"+text)
	return nil
}

func (o *office) mail(i int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mails[i]
}

func openOffice(t *testing.T, options ...option) *office {
	t.Helper()
	return openOfficeOn(t, &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(t.TempDir())}, options...)
}

// onBothEngines runs a test on an office of each engine.
func onBothEngines(t *testing.T, test func(*testing.T, *office)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, openOffice(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, openOfficeOn(t, pgtest.URL(t))) })
}

func openOfficeOn(t *testing.T, u *url.URL, options ...option) *office {
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
	secret := []byte(strings.Repeat("secret!", 5))
	tokens, err := jwt.New(secret)
	require.NoError(t, err)
	o.fixture = start(t, append(options, withPeople(func(f *fixture, options *server.Options, committer *eventlog.Committer) {
		o.trail = eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: f.log, Authorizer: authorizer, Logger: options.Logger, Now: time.Now})
		people, err := identity.New(identity.Ports{
			Organizations: opened, Users: opened, Sessions: opened, Tickets: opened, Credentials: opened, Hasher: quickHasher{}, Tokens: tokens,
			Authorizer: authorizer, Mailer: o, Links: "https://events.example", Record: o.trail.Record,
			Throttle: o.attempt, Secret: secret, Now: o.time,
		})
		require.NoError(t, err)
		people.Access, people.Keys = f.access, nil // the fixture's
		o.identity = people
		options.Identity, options.Trail, options.Authorizer = people, o.trail, authorizer
	}))...)
	return o
}

// throttle holds attempts up from now on, and forgets those before.
func (o *office) throttle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.guesses = identity.NewThrottle(memlimit.New(), o.time)
}

func (o *office) attempt(ctx context.Context, key string) error {
	o.mu.Lock()
	guesses := o.guesses
	o.mu.Unlock()
	if guesses == nil {
		return nil
	}
	return guesses(ctx, key)
}

// operator is whoever operates the installation, at work on an organization.
func operator(org core.ID) core.Principal {
	return core.Principal{Org: org, Label: "operator", Role: core.RoleAdmin}
}

const password = "Correct-Horse-9"

// person makes an active user, and signs in.
func (o *office) person(email string, role core.Role) rest.SignedIn {
	o.t.Helper()
	_, err := o.identity.Users.Create(context.Background(), operator(o.org.ID), identity.NewPerson{Email: email, Password: password}, role)
	require.NoError(o.t, err)
	return o.login(email, password)
}

func (o *office) login(email, password string) rest.SignedIn {
	o.t.Helper()
	signedIn, err := o.anonymous().Login(context.Background(), rest.LoginRequest{Email: email, Password: password, WantRefreshToken: true})
	require.NoError(o.t, err)
	return signedIn
}

func (o *office) anonymous() *rest.Client { return rest.NewClient("http://"+o.address, "") }

func (o *office) as(s rest.SignedIn) *rest.Client {
	return rest.NewClient("http://"+o.address, s.AccessToken)
}
