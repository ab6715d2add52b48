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
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/process"
)

// Options says what a server serves, and how. The use cases and Ready are
// required.
type Options struct {
	Ingest  *eventlog.Ingest
	Query   *eventlog.Query
	Streams *eventlog.Streams
	// Moves moves streams between the shards of the store.
	Moves *eventlog.Moves
	// Schemas manages what payloads must fit, and Quarantine what did not.
	Schemas    *eventlog.Schemas
	Quarantine *eventlog.Quarantine
	// Identity knows who makes a request, and manages people and credentials.
	Identity *identity.UseCases
	// Inbound takes in what senders of webhooks send.
	Inbound *inbound.Sources
	// Authorizer decides whether a credential permits the action of a route, before
	// anything of the request's body is read. The use cases ask it again.
	Authorizer core.Authorizer
	// Reads has who asks for much wait while others produce. It may be nil.
	Reads *eventlog.Reads
	// Shares knows what each organization may take. It may be nil.
	Shares *eventlog.Shares
	Trail  *eventlog.Trail
	// Delivery hands events out, Tails shows them to people.
	Delivery *deliver.UseCases
	Tails    *eventlog.Tails
	// Processing does something with events without a consumer of their owner's.
	Processing *process.UseCases
	// Ready reports whether requests can be served. Anybody may read the report;
	// Ready is asked at most once a second.
	Ready func(ctx context.Context) rest.Health
	// System describes the server to whoever presents a credential. Without it
	// there is no such path.
	System func(who core.Principal) rest.System
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// HTTPS says that clients reach the server by TLS, here or at a proxy. Browsers
	// are then told to insist on it.
	HTTPS bool
	// Site returns the file or the page of the dashboard at a path, if there is
	// one; html says that a page is wanted. Only paths that no route matches are
	// asked for. Without Site there is no dashboard.
	Site func(path string, html bool) (Page, bool)
	// Metrics serves /metrics; without it there is no such path. MetricsToken opens
	// it. If the token is empty, only this machine may read the metrics.
	Metrics      http.Handler
	MetricsToken string
	// Observe is told of every answer. route is the pattern of its path,
	// [RouteSite] or [RouteUnmatched]. The methods and the routes are small fixed
	// sets. trace is the id of a trace in which the request can be found, or empty.
	Observe func(method, route string, status int, took time.Duration, trace string)
	// Trace follows requests, if it is not nil: all that find their route, but probes.
	Trace TraceFunc
	// Logger defaults to [slog.Default]. Failed requests are logged at info level.
	// The others are logged at debug level, or at info level if LogSuccess is set.
	Logger     *slog.Logger
	LogSuccess bool
	Limits     Limits
	// Limiter counts requests against Rates. An error of the limiter is the answer
	// to the request. Without a limiter there is no limit.
	Limiter core.RateLimiter
	// Rates are the limits to begin with; [Server.SetRates] sets others.
	Rates Rates
	// Now is the clock of the use cases, by which clients are told how long something
	// is good for; default [time.Now].
	Now func() time.Time
}
