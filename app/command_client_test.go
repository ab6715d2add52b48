package app_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// commander types commands against a server.
type commander struct {
	home
	environ []string
}

// newCommander starts a server with a stream `orders` that has two events.
func newCommander(t *testing.T, environ ...string) (commander, *rest.Client) {
	t.Helper()
	h := newHome(t)
	server := h.serve(environ...)
	key := h.key()
	client := server.client(key)
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	for _, payload := range []string{`{"total":5}`, `{"total":50}`} {
		_, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(payload)})
		require.NoError(t, err)
	}
	return commander{h, []string{"EVENTFLOW_URL=" + server.url, "EVENTFLOW_KEY=" + key}}, client
}

// must runs a command that succeeds, and returns what it prints.
func (c commander) must(args ...string) string {
	c.t.Helper()
	o := c.run(c.environ, args...)
	require.Zero(c.t, o.code, "%v: %s", args, o.stderr)
	return o.stdout
}

// fails runs a command that is refused, and returns why.
func (c commander) fails(code int, args ...string) string {
	c.t.Helper()
	o := c.run(c.environ, args...)
	require.Equal(c.t, code, o.code, "%v: %s%s", args, o.stdout, o.stderr)
	return o.stderr
}

func TestProcessorsAreLedByCommands(t *testing.T) {
	t.Parallel()
	c, client := newCommander(t)
	filter := c.write("filter.cel", "payload.total > 10.0\n")
	require.Regexp(t, `1 +order.paid +passes(?s:.*)0 +order.paid +is filtered out`, c.must("processor", "test", "orders", "--filter", "@"+filter))
	made := c.must("processor", "create", "orders", "large", "--filter", "@"+filter, "--destination", `{"type":"log"}`, "--from", "start", "--paused")
	require.Regexp(t, `state +paused\n`, made)
	require.Regexp(t, `filter +payload.total > 10.0\n`, made)
	require.Regexp(t, `orders +large +paused +log +2 +0 +0\n`, c.must("processor", "list"))
	require.Regexp(t, `offset +1\n`, c.must("processor", "seek", "orders", "large", "1"))
	require.Regexp(t, `lag +1 event\n`, c.must("processor", "show", "orders", "large"))
	require.Regexp(t, `state +running\n`, c.must("processor", "resume", "orders", "large"))
	require.Regexp(t, `delivered`, c.must("processor", "send-test", "orders", "large"))
	require.Regexp(t, `state +paused\n`, c.must("processor", "pause", "orders", "large"))
	c.must("processor", "deliveries", "orders", "large", "--outcome", "delivered", "-o", "json")
	require.Contains(t, c.fails(2, "processor", "resend", "it"), "processor deliveries")
	require.Contains(t, c.fails(4, "processor", "resend", core.ID{1}.String()), "no such delivery")
	var sent []core.DeliveryAttempt
	require.NoError(t, json.Unmarshal([]byte(c.must("processor", "deliveries", "orders", "large", "-o", "json")), &sent))
	for _, attempt := range sent {
		require.Contains(t, c.must("processor", "deliveries", "orders", "large"), attempt.ID.String())
		if attempt.EventType == "order.paid" {
			require.Regexp(t, `order.paid +2 +delivered`, c.must("processor", "resend", attempt.ID.String()))
			break
		}
	}
	require.Regexp(t, `\d+ +unlimited`, c.must("processor", "recover", "orders", "large", "--since", "2h"))

	c.must("processor", "change", "orders", "large", "--max-attempts", "9")
	changed, err := client.Processor(t.Context(), "orders", "large")
	require.NoError(t, err)
	require.Equal(t, []any{9, "payload.total > 10.0"}, []any{changed.MaxAttempts, changed.Filter}, "what no flag names stays")
	require.NotContains(t, c.must("processor", "test", "orders", "large", "--filter", "false"), "passes")

	var one core.ProcessorOverview
	require.NoError(t, json.Unmarshal([]byte(c.must("processor", "show", "orders", "large", "-o", "json")), &one))
	require.Equal(t, "large", one.Name)
	require.Contains(t, c.fails(2, "processor", "create", "orders", "other", "--destination", "{"), "--destination must be JSON")
	require.Contains(t, c.fails(2, "processor", "create", "orders", "other", "--destination", `{"type":"pigeon"}`), "destination.type")
	require.Contains(t, c.fails(2, "processor", "seek", "orders", "large", "yesterday"), "start, end, an offset")
	require.Contains(t, c.fails(4, "processor", "show", "orders", "small"), "no such processor")
	require.Contains(t, c.fails(5, "processor", "create", "orders", "large", "--destination", `{"type":"log"}`), "large")
	c.must("processor", "delete", "orders", "large")
	require.Equal(t, "[]\n", c.must("processor", "list", "orders", "-o", "json"))
	c.environ[0] = "EVENTFLOW_URL=http://127.0.0.1:1"
	require.Contains(t, c.fails(7, "processor", "list"), "does not answer")
}

func TestSourcesAreLedByCommands(t *testing.T) {
	t.Parallel()
	c, client := newCommander(t, "EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true")
	address := strings.TrimSpace(c.must("source", "create", "shop", "--stream", "orders"))
	send := func() int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(`{"type":"order.paid"}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		return do(t, request).status
	}
	require.Equal(t, 202, send(), "the address that is printed works")
	require.Regexp(t, `shop +none +running`, c.must("source", "list"))
	require.Regexp(t, `state +paused\n`, c.must("source", "pause", "shop"))
	require.NotEqual(t, 202, send())
	require.Regexp(t, `state +running\n`, c.must("source", "resume", "shop"))
	require.Equal(t, 202, send())
	require.Contains(t, c.must("source", "refusals", "shop"), "REASON")
	address = strings.TrimSpace(c.must("source", "rotate", "shop"))
	require.Equal(t, 202, send())
	signed := c.must("source", "create", "hub", "--stream", "orders", "--preset", "github", "--secret-file", c.write("secret", "hush-hush-hush-hush\n"), "-o", "json")
	require.NotContains(t, signed, "hush")
	from := c.write("from.json", `{"brokers":["broker.example.org:9092"],"topics":["orders"],"password":"open sesame","username":"shop","sasl":"plain","tls":true}`)
	for _, path := range []string{from, "@" + from} {
		fed := c.must("source", "create", "lake", "--stream", "orders", "--preset", "kafka", "--from-file", path, "-o", "json")
		require.NotContains(t, fed, "sesame")
		require.Regexp(t, `lake +kafka +(running|failing)`, c.must("source", "list"))
		var one core.Source
		require.NoError(t, json.Unmarshal([]byte(fed), &one))
		require.Contains(t, string(one.From.Settings), "broker.example.org:9092")
		c.must("source", "delete", "lake")
	}
	require.Contains(t, c.fails(2, "source", "create", "lake", "--stream", "orders", "--preset", "kafka", "--from-file", c.write("torn.json", "{")), "torn.json, must hold a JSON object")
	require.Contains(t, c.fails(2, "source", "create", "lake", "--stream", "orders", "--preset", "kafka", "--from-file", c.write("none.json", "{}")), "brokers: must be a list")
	require.Contains(t, c.fails(2, "source", "create", "lake", "--stream", "orders", "--preset", "kafka", "--from-file", "/nowhere.json"), "/nowhere.json")
	require.Contains(t, c.fails(4, "source", "show", "pub"), "source list")
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "short-lived"})
	require.NoError(t, err)
	inside := c.write("inside.json", `{"brokers":["127.0.0.1:1"],"topics":["orders"],"tls":false}`)
	c.must("source", "create", "pond", "--stream", "short-lived", "--preset", "kafka", "--from-file", inside)
	reason := regexp.MustCompile(`pond +kafka +failing .*: \S+`)
	require.Eventually(t, func() bool { return reason.MatchString(c.must("source", "list")) }, patience, 100*time.Millisecond)
	require.Regexp(t, `state +failing\nreason +\S.*\nsince +\d`, c.must("source", "show", "pond"))
	require.NoError(t, client.DeleteStream(t.Context(), "short-lived", 0))
	require.NotContains(t, c.must("source", "list"), "pond", "it goes with its stream")
	c.must("source", "create", "pond", "--stream", "orders") // and its name is free
	c.must("source", "delete", "pond")
	c.must("source", "delete", "shop")
	all, err := client.SourcesPage(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
}

func TestSchemasAreLedByCommands(t *testing.T) {
	t.Parallel()
	c, _ := newCommander(t)
	strict := c.write("strict.json", `{"type":"object","required":["total"],"properties":{"total":{"type":"integer","maximum":10}}}`)
	loose := c.write("loose.json", `{"type":"object","required":["total"],"properties":{"total":{"type":"integer"}}}`)
	inferred := c.write("inferred.json", c.must("schema", "infer", "orders", "order.paid"))
	c.must("schema", "check", "orders", "order.paid", "@"+inferred)
	checked := c.run(c.environ, "schema", "check", "orders", "order.paid", "@"+strict)
	require.Equal(t, 1, checked.code)
	require.Regexp(t, `events +1 of 2 fit\noffset 1 +payload.total`, checked.stdout)
	require.Regexp(t, `version +1\n`, c.must("schema", "register", "orders", "order.paid", "@"+strict))
	require.Regexp(t, `version +2\n`, c.must("schema", "register", "orders", "order.paid", "@"+loose, "--compatibility", "full_transitive", "--compatibility", "backward"))
	require.Contains(t, c.must("schema", "diff", "orders", "order.paid", "1", "2"), "\n-       \"maximum\": 10\n")
	require.Regexp(t, `order.paid +2 +backward`, c.must("schema", "list", "orders"))
	require.JSONEq(t, `{"type":"object","required":["total"],"properties":{"total":{"type":"integer"}}}`, c.must("schema", "show", "orders", "order.paid", "2"))
	require.Contains(t, c.fails(5, "schema", "register", "orders", "order.paid", "@"+strict), "compatible")
	require.Contains(t, c.fails(2, "schema", "register", "orders", "order.paid", "{"), "must be JSON")
	require.Contains(t, c.fails(2, "schema", "show", "orders", "order.paid", "two"), "whole number")
	require.Contains(t, c.fails(2, "schema", "register", "orders", "order.paid", "@nowhere.json"), "nowhere.json")
}

func TestTheQuarantineIsEmptiedByCommands(t *testing.T) {
	t.Parallel()
	c, client := newCommander(t)
	c.must("schema", "register", "orders", "order.paid", `{"type":"object","properties":{"total":{"type":"integer"}}}`)
	_, err := client.ChangeStream(t.Context(), "orders", core.StreamChange{Enforcement: new(core.EnforceQuarantine)}, 0)
	require.NoError(t, err)
	var ids []string
	for range 2 {
		receipt, err := client.Publish(t.Context(), "orders", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`{"total":"12"}`)})
		require.NoError(t, err)
		ids = append(ids, receipt.Quarantine.String())
	}
	require.Regexp(t, ids[1]+` .* order.paid +1 +payload.total: .*\n`+ids[0], c.must("schema", "quarantine", "orders"))
	require.NotContains(t, c.must("schema", "quarantine", "orders", "order.made"), "order.paid")
	require.Contains(t, c.fails(1, "schema", "ingest", "orders", ids[0]), "payload.total")
	require.Contains(t, c.fails(2, "schema", "ingest", "orders", ids[0], "--payload", "{"), "--payload must be JSON")
	require.Regexp(t, `offset +2\n`, c.must("schema", "ingest", "orders", ids[0], "--payload", `{"total":12}`))
	c.must("schema", "discard", "orders", ids[1])
	require.Equal(t, "[]\n", c.must("schema", "quarantine", "orders", "-o", "json"))
	require.Contains(t, c.fails(4, "schema", "discard", "orders", ids[1]), "quarantine")
}
