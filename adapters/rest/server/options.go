package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Options is what a server serves and how. The use cases and Ready are
// required.
type Options struct {
	Ingest  *eventlog.Ingest
	Query   *eventlog.Query
	Streams *eventlog.Streams
	Access  *identity.Access
	Keys    *identity.Keys
	// Authorizer decides, before anything of a request's body is read, whether
	// the credential permits the route's action. Core asks it again.
	Authorizer core.Authorizer
	Accounts   *identity.Accounts
	Audit      *eventlog.Audit
	// Consumers, Letters and Tails are what delivers.
	Consumers *deliver.Consumers
	Letters   *deliver.Letters
	Tails     *eventlog.Tails
	// Ready reports whether requests can be served. Its answer is public, and
	// is asked for at most once a second.
	Ready func(ctx context.Context) rest.Health
	// System says what the server is, to whoever asks; without it there is no such
	// path.
	System func(who core.Principal) rest.System
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// HTTPS: clients reach the server by TLS, here or at a proxy. Browsers are
	// told to insist on it.
	HTTPS bool
	// Site returns the dashboard's file or page at a path, where it has one; html
	// says that a page is wanted. Without it there is no dashboard. It is asked
	// only for what no route matches.
	Site func(path string, html bool) (Page, bool)
	// Metrics serves /metrics; without it there is no such path. MetricsToken is
	// what opens it; where that is empty, only this machine may read it.
	Metrics      http.Handler
	MetricsToken string
	// Observe is told of every answer. route is the pattern of its path,
	// [RouteSite] or [RouteUnmatched]; both texts come from small fixed sets.
	Observe func(method, route string, status int, took time.Duration)
	// Logger defaults to [slog.Default]. Requests are logged at info level, or
	// at debug level when they succeeded and LogSuccess is not set.
	Logger     *slog.Logger
	LogSuccess bool
	Limits     Limits
	// Limiter counts requests by Rates; without it there is no limit. Its error
	// is the answer.
	Limiter core.RateLimiter
	Rates   Rates
}
