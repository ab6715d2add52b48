package chaos_test

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
)

// toxics are what may be wrong with a network, as toxiproxy is told it. A hole there
// passes on that a connection has ended, which [hole] does not.
var toxics = []struct{ name, toxic string }{
	{"latency", `{"type":"latency","attributes":{"latency":100,"jitter":50}}`},
	{"resets", `{"type":"reset_peer","attributes":{"timeout":20}}`},
	{"a hole", `{"type":"timeout","attributes":{"timeout":0}}`},
}

// sick is for how long a network is: half a second before both at once, or as long as
// `make chaos` says, before each by itself as well. That is longer than a request may take.
func sick(t *testing.T) (d time.Duration, each bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_SICK")
	if text == "" {
		return 500 * time.Millisecond, false
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d, true
}

// hung is after what time a request hangs: the server's own limit is 20 seconds, and one
// more to notice it. The rest is for other tests that are at work on the same cores.
const hung = 25 * time.Second

// well is within what time producers get on when the network is well again.
const well = 20 * time.Second

// Whatever the network does between servers, PostgreSQL and Redis: nothing that was
// acknowledged is lost or there twice, every request is answered in time, and servers
// work again when the network does. Without Redis, or far from anything, they work on.
func TestTheNetworkIsSick(t *testing.T) {
	t.Parallel()
	of, err := url.Parse(redistest.URL(t))
	require.NoError(t, err)
	postgres, redis := proxied(t, pgtest.URL(t)), proxied(t, of)
	settings := []string{"EVENTFLOW_REDIS=" + redis.url, "EVENTFLOW_RATE_KEY=1000000/1000000"}
	first, second := newNode(t, postgres.url, settings...), newNode(t, postgres.url, settings...)
	first.start()
	second.start()
	key := first.key()
	client := first.client(key)
	createStreams(t, client, streams...)
	load := startLoad(t, client, second.client(key))
	load.progress(someEvents())
	for _, toxic := range toxics {
		for _, place := range []struct {
			name    string
			proxies []*proxy
		}{{"both", []*proxy{postgres, redis}}, {"PostgreSQL", []*proxy{postgres}}, {"Redis", []*proxy{redis}}} {
			wait, each := sick(t)
			if !each && len(place.proxies) == 1 {
				continue
			}
			for _, p := range place.proxies {
				p.poison(toxic.toxic)
			}
			if place.name == "Redis" || toxic.name == "latency" {
				load.progress(20)
			}
			if toxic.name != "a hole" {
				wait /= 5 // it holds nothing up for so long
			}
			<-time.After(wait)
			for _, p := range place.proxies {
				p.cure()
			}
			cured := time.Now()
			load.progress(20)
			took := time.Since(cured)
			t.Logf("%s before %s: producers got on %s after it", toxic.name, place.name, took.Round(time.Millisecond))
			require.Less(t, took, well)
		}
	}
	load.check(client)
	slowest := time.Duration(load.slowest.Load())
	t.Logf("the slowest answer took %s", slowest.Round(time.Millisecond))
	require.Less(t, slowest, hung)
}

// proxy is the network before something.
type proxy struct {
	*toxiproxy.Proxy
	t   *testing.T
	url string
}

func proxied(t *testing.T, before *url.URL) *proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, before.Scheme, "127.0.0.1:0", before.Host)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	through := *before
	through.Host = p.Listen
	return &proxy{Proxy: p, t: t, url: through.String()}
}

// poison does something to the connections there are and to those that are made, both
// ways.
func (p *proxy) poison(toxic string) {
	p.t.Helper()
	for _, way := range []string{"upstream", "downstream"} {
		_, err := p.Toxics.AddToxicJson(strings.NewReader(`{"stream":"` + way + `",` + toxic[1:]))
		require.NoError(p.t, err)
	}
}

func (p *proxy) cure() {
	p.t.Helper()
	p.Toxics.ResetToxics(p.t.Context())
}
