package catalog

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

// envFault names the fault that the suite meets on SQLite; without it there is
// none.
const envFault = "EVENTFLOW_TEST_CATALOG_FAULT"

// maybeFaulty plants the fault that the environment names.
func maybeFaulty(t *testing.T, sound core.Catalog) core.Catalog {
	t.Helper()
	name := os.Getenv(envFault)
	if name == "" {
		return sound
	}
	at := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	require.GreaterOrEqual(t, at, 0, "there is no fault %q", name)
	return newFaulty(sound, faults[at])
}

// TestSuiteCatches proves that every planted fault makes the guarantee
// that it breaks fail, with a message that says what is broken.
func TestSuiteCatches(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestCatalogOnSQLite$/^(alone|shared)$"
			for _, name := range strings.SplitN(f.breaks, "/", 2) {
				pattern += "/^" + regexp.QuoteMeta(name) + "$"
			}
			suite := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=1m")
			suite.Env = append(os.Environ(), envFault+"="+f.name)
			output, err := suite.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes:\n%s", output)
			require.Equal(t, 1, exit.ExitCode(), "%s", output)
			require.Regexp(t, "--- FAIL: TestCatalogOnSQLite/(alone|shared)/"+regexp.QuoteMeta(strings.ReplaceAll(f.breaks, " ", "_")), string(output))
			require.Contains(t, string(output), f.says)
			require.NotContains(t, string(output), "DATA RACE")
		})
	}
}

var faults = slices.Concat(organizationFaults, streamFaults, userFaults, sessionFaults, ticketFaults)

// fault is one way to break the contract.
type fault struct {
	name string
	// breaks is the area and the guarantee that must fail, says what the failure
	// must say.
	breaks, says string
	plant        func(*faulty)
}

// faulty is a sound catalog with hooks in which a fault is planted.
type faulty struct {
	core.Catalog
	db *gorm.DB

	organizations      func(ctx context.Context, after core.ID, limit int) ([]core.Organization, error)
	updateOrganization func(ctx context.Context, org core.Organization) error
	limitOrganization  func(ctx context.Context, org core.Organization) error

	homes           func(ctx context.Context, ids []core.ID) ([]int, error)
	streamsPerShard func(ctx context.Context) (map[int]int64, error)

	held           func(ctx context.Context, org core.ID) (core.Shares, error)
	createUser     func(ctx context.Context, user core.User) error
	user           func(ctx context.Context, org, id core.ID) (core.User, error)
	usersByEmail   func(ctx context.Context, email string) ([]core.User, error)
	users          func(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error)
	updateUser     func(ctx context.Context, user core.User) error
	setPassword    func(ctx context.Context, email, from, hash string, at time.Time) error
	signOutUser    func(ctx context.Context, org, id core.ID, at time.Time) error
	moveSession    func(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error
	deleteUser     func(ctx context.Context, org, id core.ID) error
	touchUser      func(ctx context.Context, org, id core.ID, at time.Time) error
	createSession  func(ctx context.Context, session core.Session) error
	session        func(ctx context.Context, id core.ID) (core.Session, error)
	rotateSession  func(ctx context.Context, id core.ID, from int64, at time.Time) error
	revokeSession  func(ctx context.Context, id core.ID, at time.Time) error
	revokeSessions func(ctx context.Context, user, except core.ID, at time.Time) error
	forgetSessions func(ctx context.Context, before time.Time) error
	createTicket   func(ctx context.Context, ticket core.Ticket) error
	useTicket      func(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error)
}

func newFaulty(sound core.Catalog, planted fault) *faulty {
	f := &faulty{
		Catalog: sound, db: sound.(*Catalog).db,
		organizations: sound.Organizations, updateOrganization: sound.UpdateOrganization, limitOrganization: sound.LimitOrganization, held: sound.Held,
		homes: sound.HomesOf, streamsPerShard: sound.StreamsPerShard,
		createUser: sound.CreateUser, user: sound.User, usersByEmail: sound.UsersByEmail, users: sound.Users, updateUser: sound.UpdateUser,
		setPassword: sound.SetPassword, signOutUser: sound.SignOutUser, moveSession: sound.MoveSession,
		deleteUser: sound.DeleteUser, touchUser: sound.TouchUser, createSession: sound.CreateSession, session: sound.Session,
		rotateSession: sound.RotateSession, revokeSession: sound.RevokeSession, revokeSessions: sound.RevokeSessions,
		forgetSessions: sound.ForgetSessions, createTicket: sound.CreateTicket, useTicket: sound.UseTicket,
	}
	planted.plant(f)
	return f
}

// sql runs a statement behind the catalog's back.
func (f *faulty) sql(ctx context.Context, statement string, values ...any) error {
	return f.db.WithContext(ctx).Exec(statement, values...).Error
}

// meeting returns a call that waits for the second one, so that two that do the
// same thing at once always meet there.
func meeting() (meet func()) {
	var both sync.WaitGroup
	both.Add(2)
	arrive := make(chan struct{}, 2)
	arrive <- struct{}{}
	arrive <- struct{}{}
	return func() {
		select {
		case <-arrive:
			both.Done()
		default:
		}
		both.Wait()
	}
}

func (f *faulty) HomesOf(ctx context.Context, ids []core.ID) ([]int, error) { return f.homes(ctx, ids) }

func (f *faulty) StreamsPerShard(ctx context.Context) (map[int]int64, error) {
	return f.streamsPerShard(ctx)
}

func (f *faulty) Organizations(ctx context.Context, after core.ID, limit int) ([]core.Organization, error) {
	return f.organizations(ctx, after, limit)
}

func (f *faulty) Held(ctx context.Context, org core.ID) (core.Shares, error) { return f.held(ctx, org) }

func (f *faulty) UpdateOrganization(ctx context.Context, org core.Organization) error {
	return f.updateOrganization(ctx, org)
}

func (f *faulty) LimitOrganization(ctx context.Context, org core.Organization) error {
	return f.limitOrganization(ctx, org)
}

func (f *faulty) CreateUser(ctx context.Context, user core.User) error {
	return f.createUser(ctx, user)
}

func (f *faulty) User(ctx context.Context, org, id core.ID) (core.User, error) {
	return f.user(ctx, org, id)
}

func (f *faulty) UsersByEmail(ctx context.Context, email string) ([]core.User, error) {
	return f.usersByEmail(ctx, email)
}

func (f *faulty) SetPassword(ctx context.Context, email, from, hash string, at time.Time) error {
	return f.setPassword(ctx, email, from, hash, at)
}

func (f *faulty) SignOutUser(ctx context.Context, org, id core.ID, at time.Time) error {
	return f.signOutUser(ctx, org, id, at)
}

func (f *faulty) MoveSession(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
	return f.moveSession(ctx, id, from, org, user, at)
}

func (f *faulty) Users(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
	return f.users(ctx, org, after, limit)
}

func (f *faulty) UpdateUser(ctx context.Context, user core.User) error {
	return f.updateUser(ctx, user)
}

func (f *faulty) DeleteUser(ctx context.Context, org, id core.ID) error {
	return f.deleteUser(ctx, org, id)
}

func (f *faulty) TouchUser(ctx context.Context, org, id core.ID, at time.Time) error {
	return f.touchUser(ctx, org, id, at)
}

func (f *faulty) CreateSession(ctx context.Context, session core.Session) error {
	return f.createSession(ctx, session)
}

func (f *faulty) Session(ctx context.Context, id core.ID) (core.Session, error) {
	return f.session(ctx, id)
}

func (f *faulty) RotateSession(ctx context.Context, id core.ID, from int64, at time.Time) error {
	return f.rotateSession(ctx, id, from, at)
}

func (f *faulty) RevokeSession(ctx context.Context, id core.ID, at time.Time) error {
	return f.revokeSession(ctx, id, at)
}

func (f *faulty) RevokeSessions(ctx context.Context, user, except core.ID, at time.Time) error {
	return f.revokeSessions(ctx, user, except, at)
}

func (f *faulty) ForgetSessions(ctx context.Context, before time.Time) error {
	return f.forgetSessions(ctx, before)
}

func (f *faulty) CreateTicket(ctx context.Context, ticket core.Ticket) error {
	return f.createTicket(ctx, ticket)
}

func (f *faulty) UseTicket(ctx context.Context, kind core.TicketKind, hash core.KeyHash, at time.Time) (core.Ticket, error) {
	return f.useTicket(ctx, kind, hash, at)
}
