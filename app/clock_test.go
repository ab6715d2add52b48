package app

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// clocks are two nodes of one installation. The clock of one is right, and that of
// the other is off by what the test says.
type clocks struct {
	*testing.T
	off          atomic.Int64
	right, wrong *Running
	key          string
}

func newClocks(t *testing.T) *clocks {
	t.Helper()
	c := &clocks{T: t}
	c.off.Store(int64(time.Hour))
	cfg := DefaultConfig()
	cfg.Addr, cfg.Secret, cfg.Store = "127.0.0.1:0", strings.Repeat("a secret ", 4)+"of clocks", pgtest.URL(t).String()
	cfg.LogLevel, cfg.Dashboard, cfg.RateKey, cfg.RateUser, cfg.RateAddress = "error", false, "off", "off", "off"
	c.wrong = c.start(cfg, func() time.Time { return time.Now().Add(time.Duration(c.off.Load())) })
	c.right = c.start(cfg, time.Now)
	_, key, err := c.wrong.Identity.Access.CreateKey(t.Context(), c.wrong.Organization.ID, identity.KeySpec{
		Label: "clocks", Environment: core.Live, Role: core.RoleDeveloper,
	})
	require.NoError(t, err)
	c.key = key
	return c
}

func (c *clocks) start(cfg Config, own core.Clock) *Running {
	c.Helper()
	running, err := start(c.Context(), newProgram([]Option{SharedStorage("postgres", postgres.Open), SharedStorage("postgresql", postgres.Open)}), cfg,
		fx.Decorate(func(core.Clock) core.Clock { return own }))
	require.NoError(c, err)
	c.Cleanup(func() { require.NoError(c, running.Stop()) })
	return running
}

// client is a client of one of them.
func (c *clocks) client(node *Running, credential string) *rest.Client {
	return rest.NewClient("http://"+node.Addr.String(), credential)
}

// apart is how far times may be from what they should be: less than the hour by which a
// clock is wrong, and more than a busy machine takes to answer.
const apart = 5 * time.Minute

// near requires a time to be d from now, by the clock that the database has, too.
func (c *clocks) near(at time.Time, d time.Duration) {
	c.Helper()
	require.WithinDuration(c, time.Now().Add(d), at, apart)
}

// A node's clock is an hour ahead, or behind, or is set while the node runs: leases,
// tokens and the times of events are as if it were right, and the node says that it
// is not.
func TestANodeWhoseClockIsWrongDoesNoHarm(t *testing.T) {
	t.Parallel()
	c := newClocks(t)
	right, wrong := c.client(c.right, c.key), c.client(c.wrong, c.key)
	for _, stream := range []string{"orders", "others"} {
		_, err := wrong.CreateStream(t.Context(), core.StreamSpec{Name: stream})
		require.NoError(t, err)
	}
	for i, off := range []time.Duration{time.Hour, -time.Hour, 0, time.Hour} {
		c.off.Store(int64(off))
		c.events(right, wrong)
		c.leases(right, wrong, fmt.Sprint("group-", i))
		c.leases(wrong, right, fmt.Sprint("troupe-", i))
		if off != 0 {
			c.tells(right, wrong)
		}
	}
	c.tokens()
}

// tells requires that the node whose clock is wrong says so, and gets no requests. A
// report may be a second old.
func (c *clocks) tells(right, wrong *rest.Client) {
	c.Helper()
	var check rest.Check
	require.Eventually(c, func() bool {
		health, err := wrong.Health(c.Context())
		check = health.Checks["clock"]
		return err == nil && check.Status == rest.StatusUnavailable && wrong.Ready(c.Context()) != nil
	}, 2*time.Minute, 50*time.Millisecond)
	require.Contains(c, check.Message, "this server's clock is 1h0m0s ")
	require.NoError(c, right.Ready(c.Context()))
}

// events sends events through both nodes at once. All are taken, and none has
// another time than its own: not even those of a stream that shares its groups with
// the one that both write to.
func (c *clocks) events(nodes ...*rest.Client) {
	c.Helper()
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			receipt, err := nodes[i%2].Publish(c.Context(), []string{"orders", "others"}[i%3%2], rest.NewEvent{Type: "made", Payload: fmt.Append(nil, i)})
			if err != nil {
				c.Errorf("an event was refused: %v", err)
				return
			}
			if off := time.Since(receipt.ReceivedAt).Abs(); off > apart {
				c.Errorf("an event was received %s from now", off)
			}
		})
	}
	all.Wait()
}

// leases has one node hand out a lease. It lasts as long as the group says, and the
// other node neither takes it over nor refuses its receipt.
func (c *clocks) leases(one, other *rest.Client, name string) {
	c.Helper()
	ctx := c.Context()
	_, err := one.CreateGroup(ctx, "orders", core.GroupSpec{Name: name, Start: core.Start{Offset: new(core.Offset(0))}, Visibility: new(core.Seconds(60 * time.Second))})
	require.NoError(c, err)
	got, err := one.Poll(ctx, "orders", name, rest.PollOptions{Limit: 5})
	require.NoError(c, err)
	require.Len(c, got.Events, 5)
	c.near(got.Lease.ExpiresAt, time.Minute)
	stolen, err := other.Poll(ctx, "orders", name, rest.PollOptions{})
	require.NoError(c, err)
	require.Empty(c, stolen.Events, "an ordered group has one lease")
	until, err := other.Extend(ctx, "orders", name, got.Lease.ID, nil)
	require.NoError(c, err)
	c.near(until, time.Minute)
	require.NoError(c, other.Ack(ctx, "orders", name, got.Lease.ID))
}

// tokens has each node accept what the other one issues.
func (c *clocks) tokens() {
	c.Helper()
	ctx := c.Context()
	link, err := c.wrong.Identity.Tickets.SetupLink(ctx, operatorOf(c.wrong.Organization))
	require.NoError(c, err)
	_, ticket, _ := strings.Cut(link, "#t=")
	const email, password = "ann@example.com", "Quiet-Harbour-91!"
	signedIn, err := c.client(c.right, "").Setup(ctx, rest.SetupRequest{Token: ticket, Email: email, Password: password, WantRefreshToken: true})
	require.NoError(c, err, link)
	for range 2 {
		for _, node := range []*Running{c.right, c.wrong} {
			require.InDelta(c, core.AccessTokenLife.Seconds(), float64(signedIn.ExpiresIn), 5)
			_, err = c.client(node, signedIn.AccessToken).Me(ctx)
			require.NoError(c, err)
			signedIn, err = c.client(node, "").Login(ctx, rest.LoginRequest{Email: email, Password: password, WantRefreshToken: true})
			require.NoError(c, err)
			signedIn, err = c.client(node, "").Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
			require.NoError(c, err)
		}
	}
}
