package inbound_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	stripe "github.com/stripe/stripe-go/v84/webhook"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// signature is the HMAC of a message.
func signature(algorithm func() hash.Hash, secret, message string) []byte {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// unsigned requires that a request is refused as not the sender's, with a reason, and is
// kept apart.
func (d *desk) unsigned(source core.Source, token, body string, h headers, reason string) {
	d.t.Helper()
	before := len(d.events())
	d.rig.Clock.Pass(time.Millisecond) // ids of one millisecond have no order
	_, err := d.send(token, body, h)
	known := coretest.RequireRefusal(d.t, err, core.CodeUnauthorized, "")
	require.Contains(d.t, known.Message, reason)
	require.Len(d.t, d.events(), before, "nothing may be stored")
	newest := d.refused(source)[0]
	require.Equal(d.t, core.CodeUnauthorized, newest.Code)
	require.Contains(d.t, newest.Reason, reason)
	require.Equal(d.t, len(body), newest.Size)
}

const mismatch = "does not match"

// The example is the signer of Stripe's own library.
func TestStripe(t *testing.T) {
	t.Parallel()
	const (
		secret = "whsec_test_secret"
		body   = `{"id":"evt_1","object":"event","type":"invoice.paid","created":1772366000,"data":{"object":{"id":"in_9"}},"pending_webhooks":1}`
	)
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetStripe, Secret: secret})
	sign := func(body, secret string, at time.Time) headers {
		payload := stripe.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at}
		return headers{"Stripe-Signature": stripe.GenerateTestSignedPayload(&payload).Header}
	}
	now := d.rig.Clock.Now()
	answer, err := d.send(token, body, sign(body, secret, now))
	require.NoError(t, err)
	require.Len(t, answer.Receipts, 1)
	event := d.events()[0]
	require.Equal(t, answer.Receipts[0].ID, event.ID)
	require.Equal(t, "invoice.paid", event.Type)
	require.Equal(t, "stripe:evt_1", event.IdempotencyKey)
	require.Equal(t, "in_9", event.Subject)
	require.Equal(t, "stripe", event.Source)
	require.Equal(t, time.Unix(1772366000, 0).UTC(), event.OccurredAt)
	require.JSONEq(t, body, string(event.Payload))

	answer, err = d.send(token, body, sign(body, secret, now.Add(time.Minute)))
	require.NoError(t, err)
	require.True(t, answer.Receipts[0].Duplicate, "Stripe sends again under the same id")
	changed := strings.Replace(body, `"pending_webhooks":1`, `"pending_webhooks":0`, 1)
	answer, err = d.send(token, changed, sign(changed, secret, now))
	require.NoError(t, err, "or it would be sent for days")
	require.True(t, answer.Known)
	require.Equal(t, core.CodeIdempotencyMismatch, d.refused(source)[0].Code)
	require.Len(t, d.events(), 1)

	good := sign(body, secret, now)["Stripe-Signature"]
	_, last, _ := strings.Cut(good, ",")
	rolled := sign(body, "whsec_another", now)["Stripe-Signature"] + "," + last
	_, err = d.send(token, body, headers{"Stripe-Signature": rolled})
	require.NoError(t, err, "one of several signatures is enough")

	d.unsigned(source, token, body, nil, "Stripe-Signature is missing")
	d.unsigned(source, token, body+" ", sign(body, secret, now), mismatch)
	d.unsigned(source, token, body, sign(body, "whsec_another", now), mismatch)
	d.unsigned(source, token, body, headers{"Stripe-Signature": strings.Replace(good, "v1=", "v0=", 1)}, mismatch)
	d.unsigned(source, token, body, headers{"Stripe-Signature": "v1=" + strings.Repeat("0", 64)}, mismatch)
	d.unsigned(source, token, body, headers{"Stripe-Signature": "t=1,v1=zz"}, mismatch)
	d.unsigned(source, token, body, sign(body, secret, now.Add(-301*time.Second)), "signed 5m1")
	d.unsigned(source, token, body, sign(body, secret, now.Add(302*time.Second)), "in the future")
	_, err = d.send(token, body, sign(body, secret, now.Add(-298*time.Second)))
	require.NoError(t, err)
}

// The first example is that of GitHub's documentation.
func TestGitHub(t *testing.T) {
	t.Parallel()
	const secret = "It's a Secret to Everybody"
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetGitHub, Secret: secret})
	const documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	_, err := d.send(token, "Hello, World!", headers{"X-Hub-Signature-256": documented})
	coretest.RequireRefusal(t, err, core.CodeValidation, "") // signed well, and no JSON
	d.unsigned(source, token, "Hello, World?", headers{"X-Hub-Signature-256": documented}, mismatch)

	sign := func(body string) headers {
		return headers{
			"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(signature(sha256.New, secret, body)), "X-GitHub-Event": "pull_request",
			"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "X-GitHub-Hook-ID": "292430182", "User-Agent": "GitHub-Hookshot/044aadd",
		}
	}
	const body = `{"action":"opened","number":1,"repository":{"id":1296269,"full_name":"octocat/Hello-World"}}`
	_, err = d.send(token, body, sign(body))
	require.NoError(t, err)
	event := d.events()[0]
	require.Equal(t, "pull_request.opened", event.Type)
	require.Equal(t, "octocat/Hello-World", event.Subject)
	require.Equal(t, "github:72d3162e-cc78-11e3-81ab-4c9367dc0958", event.IdempotencyKey)
	require.Equal(t, map[string]string{
		"x-github-event": "pull_request", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "x-github-hook-id": "292430182",
	}, contextOf(t, event))

	form := "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
	_, err = d.send(token, form, sign(form).with("Content-Type", "application/x-www-form-urlencoded").with("X-GitHub-Event", "push").with("X-GitHub-Delivery", "2"))
	require.NoError(t, err, "GitHub can send forms, too")
	require.Equal(t, "push", d.events()[1].Type)
	require.JSONEq(t, `{"ref":"refs/heads/main"}`, string(d.events()[1].Payload))

	ping := `{"zen":"Design for failure.","hook_id":1}`
	answer, err := d.send(token, ping, sign(ping).with("X-GitHub-Event", "ping"))
	require.NoError(t, err)
	require.NotNil(t, answer.Reply)
	require.Len(t, d.events(), 2, "a ping is no event")
	d.unsigned(source, token, ping, headers{"X-GitHub-Event": "ping"}, "X-Hub-Signature-256 is missing")
	d.unsigned(source, token, ping, headers{"X-GitHub-Event": "ping", "X-Hub-Signature-256": documented}, mismatch)
}

// Shopify's documentation shows the headers of an event, whose names, ids and times are
// these, but no secret that belongs to their signature. So this signature is what Shopify's
// own library, @shopify/shopify-api 13.1.0, makes of the secret and the body, and accepts
// as a webhook's.
func TestShopify(t *testing.T) {
	t.Parallel()
	const (
		secret = "hush"
		theirs = "pJnLHmH/OQuVg3Q66zbXJvvkJU3gvZrrkvNPO/PGwSA="
		body   = `{"id":820982911946154508,"admin_graphql_api_id":"gid:\/\/shopify\/Order\/820982911946154508","currency":"USD"}`
	)
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetShopify, Secret: secret})
	h := headers{
		"X-Shopify-Topic": "orders/create", "X-Shopify-Hmac-Sha256": theirs,
		"X-Shopify-Shop-Domain": "shop.myshopify.com", "X-Shopify-API-Version": "2026-01", "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
		"X-Shopify-Triggered-At": "2026-03-01T11:59:58.123456789Z", "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
	}
	_, err := d.send(token, body, h)
	require.NoError(t, err)
	event := d.events()[0]
	require.Equal(t, "orders/create", event.Type)
	require.Equal(t, "shopify:b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", event.IdempotencyKey)
	require.Equal(t, "gid://shopify/Order/820982911946154508", event.Subject)
	require.Equal(t, time.Date(2026, 3, 1, 11, 59, 58, 123456000, time.UTC), event.OccurredAt)
	require.Equal(t, "shop.myshopify.com", contextOf(t, event)["x-shopify-shop-domain"])
	require.NotContains(t, string(event.Context), "hmac", "a signature says nothing")

	d.unsigned(source, token, strings.Replace(body, "USD", "EUR", 1), h, mismatch)
	d.unsigned(source, token, body, h.with("X-Shopify-Hmac-Sha256", hex.EncodeToString(signature(sha256.New, secret, body))), mismatch)
	d.unsigned(source, token, body, h.with("X-Shopify-Hmac-Sha256", ""), "is missing")
}

// The first example is that of Slack's documentation.
func TestSlack(t *testing.T) {
	t.Parallel()
	const (
		secret = "8f742231b10e8888abcd99yyyzzz85a5"
		body   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	)
	documented := headers{
		"X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", "X-Slack-Request-Timestamp": "1531420618",
		"Content-Type": "application/x-www-form-urlencoded",
	}
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetSlack, Secret: secret})
	d.at(1531420618 + 60)
	answer, err := d.send(token, body, documented)
	require.NoError(t, err)
	require.True(t, answer.Quiet, "Slack shows people what a command is answered")
	event := d.events()[0]
	require.Equal(t, "/webhook-collect", event.Type)
	require.Equal(t, "U2CERLKJA", event.Subject)
	require.Contains(t, string(event.Payload), `"team_domain":"testteamnow"`)

	sign := func(body string) headers {
		at := strconv.FormatInt(d.rig.Clock.Now().Unix(), 10)
		return headers{"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + hex.EncodeToString(signature(sha256.New, secret, "v0:"+at+":"+body))}
	}
	called := `{"token":"z","type":"event_callback","team_id":"T1","event":{"type":"app_mention","user":"U1"},"event_id":"Ev1","event_time":1531420600}`
	_, err = d.send(token, called, sign(called).with("X-Slack-Retry-Num", "1"))
	require.NoError(t, err)
	event = d.events()[1]
	require.Equal(t, "app_mention", event.Type)
	require.Equal(t, "slack:Ev1", event.IdempotencyKey)
	require.Equal(t, time.Unix(1531420600, 0).UTC(), event.OccurredAt)
	require.Equal(t, map[string]string{"x-slack-retry-num": "1"}, contextOf(t, event))

	asked := `{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	answer, err = d.send(token, asked, sign(asked))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}, answer.Reply)
	require.Len(t, d.events(), 2)
	d.unsigned(source, token, asked, documented, mismatch)
	d.unsigned(source, token, asked, headers{"X-Slack-Signature": "v0=00"}, "X-Slack-Request-Timestamp is missing")
	later := sign(called)
	d.rig.Clock.Pass(6 * time.Minute)
	d.unsigned(source, token, called, later, "signed 6m")
	d.unsigned(source, token, body, documented, "ago")
}

// The first example is that of the specification's libraries; the others are made by its
// library for Go.
func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	const (
		secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		body   = `{"test": 2432232314}`
		id     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	)
	documented := headers{"webhook-id": id, "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetStandard, Secret: secret})
	d.at(1614265330)
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	made, err := signer.Sign(id, d.rig.Clock.Now(), []byte(body))
	require.NoError(t, err)
	require.Equal(t, documented["webhook-signature"], made)
	_, err = d.send(token, body, documented)
	require.NoError(t, err)
	event := d.events()[0]
	require.Equal(t, "webhook", event.Type)
	require.Equal(t, "standard-webhooks:"+id, event.IdempotencyKey)
	require.Equal(t, time.Unix(1614265330, 0).UTC(), event.OccurredAt)

	d.rig.Clock.Pass(time.Hour)
	d.unsigned(source, token, body, documented, "ago")
	svix := func(id, body string) headers {
		made, err := signer.Sign(id, d.rig.Clock.Now(), []byte(body))
		require.NoError(t, err)
		return headers{"svix-id": id, "svix-timestamp": strconv.FormatInt(d.rig.Clock.Now().Unix(), 10), "svix-signature": "v1,AAAA v2," + made[3:] + " " + made}
	}
	const typed = `{"type":"user.created","timestamp":"2021-02-25T15:02:10.5Z","data":{}}`
	_, err = d.send(token, typed, svix("msg_2", typed))
	require.NoError(t, err, "the headers of Svix, and one of several signatures")
	event = d.events()[1]
	require.Equal(t, "user.created", event.Type)
	require.Equal(t, map[string]string{"svix-id": "msg_2"}, contextOf(t, event))
	require.Equal(t, 500*time.Millisecond, time.Duration(event.OccurredAt.Nanosecond()))

	d.unsigned(source, token, typed, svix("msg_2", body), mismatch)
	d.unsigned(source, token, typed, svix("msg_2", typed).with("svix-id", "msg_3"), mismatch)
	d.unsigned(source, token, typed, svix("msg_2", typed).with("svix-timestamp", "soon"), mismatch)
	d.unsigned(source, token, typed, svix("msg_2", typed).with("svix-id", ""), "svix-id is missing")
	d.unsigned(source, token, typed, nil, "webhook-signature is missing")

	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, token = d.source(core.SourceSpec{Name: "pair", Preset: core.PresetStandard, Secret: "whpk_" + base64.StdEncoding.EncodeToString(public)})
	at := strconv.FormatInt(d.rig.Clock.Now().Unix(), 10)
	signed := base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte("msg_4."+at+"."+body)))
	_, err = d.send(token, body, headers{"webhook-id": "msg_4", "webhook-timestamp": at, "webhook-signature": "v1a," + signed})
	require.NoError(t, err)
	_, err = d.send(token, body, headers{"webhook-id": "msg_4", "webhook-timestamp": at, "webhook-signature": "v1," + signed})
	coretest.RequireRefusal(t, err, core.CodeUnauthorized, "")
}

func TestAnyHMAC(t *testing.T) {
	t.Parallel()
	const secret, body = "top", `{"event":"paid","order":{"no":17,"at":1772366000123}}`
	d := newDesk(t)
	places := &core.SourceMap{ID: "header.X-Request", Time: "payload.order.at", Subject: "payload.order.no"}
	for name, algorithm := range map[string]func() hash.Hash{core.SHA1: sha1.New, core.SHA256: sha256.New, core.SHA512: sha512.New} {
		for encoding, encode := range map[string]func([]byte) string{core.InHex: hex.EncodeToString, core.InBase64: base64.StdEncoding.EncodeToString} {
			source, token := d.source(core.SourceSpec{
				Name: name + encoding, Preset: core.PresetHMAC, Secret: secret, Map: places, Headers: []string{"X-Tenant"},
				Signature: &core.SourceSignature{Header: "X-Sign", Algorithm: name, Encoding: encoding, Prefix: name + "="},
			})
			h := headers{"x-sign": name + "=" + encode(signature(algorithm, secret, body)), "X-Tenant": "acme", "X-Request": "r7"}
			_, err := d.send(token, body, h)
			require.NoError(t, err)
			events := d.events()
			event := events[len(events)-1]
			require.Equal(t, "paid", event.Type)
			require.Equal(t, "17", event.Subject)
			require.Equal(t, name+encoding+":r7", event.IdempotencyKey)
			require.Equal(t, time.UnixMilli(1772366000123).UTC(), event.OccurredAt)
			require.Equal(t, map[string]string{"x-tenant": "acme"}, contextOf(t, event))
			d.unsigned(source, token, body+" ", h, mismatch)
			d.unsigned(source, token, body, h.with("x-sign", encode(signature(algorithm, secret, body))), "does not begin with")
			d.unsigned(source, token, body, h.with("x-sign", name+"=é"), mismatch)
		}
	}
}

// The examples are those of the documentation of Event Grid.
// Whoever asks as CloudEvents have it sends CloudEvents, in any of their forms.
func TestCloudEventsFromAnybody(t *testing.T) {
	t.Parallel()
	const event = `{"specversion":"1.0","id":"1","source":"/shop/a","type":"order.paid","subject":"o-1","time":"2026-01-31T09:00:00Z","data":{"n":1}}`
	d := newDesk(t)
	_, token := d.source(core.SourceSpec{Preset: core.PresetNone})
	read := func(body string, h headers) core.Event {
		_, err := d.send(token, body, h)
		require.NoError(t, err)
		all := d.events()
		return all[len(all)-1]
	}
	structured := read(event, headers{"content-type": "application/cloudevents+json; charset=utf-8"})
	binary := read(`{"n":1}`, headers{
		"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop/b", "ce-type": "order.paid",
		"ce-subject": "o%2D1", "ce-time": "2026-01-31T09:00:00Z",
	})
	for _, got := range []core.Event{structured, binary} {
		require.Equal(t, "order.paid", got.Type)
		require.Equal(t, "o-1", got.Subject)
		require.Equal(t, time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), got.OccurredAt)
	}
	require.Equal(t, "none:/shop/a 1", structured.IdempotencyKey)
	require.Equal(t, "none:/shop/b 1", binary.IdempotencyKey, "an id is one of its source alone")
	require.JSONEq(t, event, string(structured.Payload), "the body as it came")
	require.Equal(t, "/shop/b", contextOf(t, binary)["ce-source"])

	answer, err := d.send(token, "["+event+","+strings.Replace(event, `"id":"1"`, `"id":"2"`, 1)+"]", headers{"content-type": "application/cloudevents-batch+json"})
	require.NoError(t, err)
	require.Len(t, answer.Receipts, 2)
	require.True(t, answer.Receipts[0].Duplicate, "it came before")
	require.Len(t, d.events(), 3)

	_, token = d.source(core.SourceSpec{Preset: core.PresetNone, Name: "own", Map: &core.SourceMap{ID: "payload.data.n"}})
	require.Equal(t, "own:1", read(event, headers{"content-type": "application/cloudevents+json"}).IdempotencyKey)
}

func TestEventGrid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	source, token := d.source(core.SourceSpec{Preset: core.PresetEventGrid})
	answer, err := d.send(token, `[{
		"id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66", "topic": "/subscriptions/x", "subject": "",
		"data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/x"},
		"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "eventTime": "2018-01-25T22:12:19.4556811Z", "metadataVersion": "1", "dataVersion": "1"}]`,
		headers{"aeg-event-type": "SubscriptionValidation"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}, answer.Reply)
	require.Empty(t, d.events())

	event := func(id, rest string) string {
		return fmt.Sprintf(`{"id":%q,"eventType":"Microsoft.Storage.BlobCreated","subject":"/blobs/%s","eventTime":"2026-01-25T22:12:19.4556811Z","data":{}%s}`, id, id, rest)
	}
	answer, err = d.send(token, " ["+event("a", "")+","+event("b", "")+"]", headers{"aeg-event-type": "Notification"})
	require.NoError(t, err)
	require.Len(t, answer.Receipts, 2)
	require.Equal(t, "Microsoft.Storage.BlobCreated", d.events()[1].Type)
	require.Equal(t, "event-grid:b", d.events()[1].IdempotencyKey)
	require.Equal(t, "/blobs/b", d.events()[1].Subject)

	answer, err = d.send(token, "["+event("c", "")+`,{"id":"d","eventType":"`+strings.Repeat("x", 256)+`"}]`, nil)
	require.NoError(t, err, "or the others would come again for ever")
	require.Len(t, answer.Receipts, 1)
	require.Equal(t, core.CodeValidation, d.refused(source)[0].Code)

	_, err = d.send(token, `{"specversion":"1.0","id":"e","type":"cloud","source":"/s","subject":"/x","time":"2026-01-25T22:12:19Z"}`, nil)
	require.NoError(t, err)
	last := d.events()[3]
	require.Equal(t, "cloud", last.Type)
	require.Equal(t, "/x", last.Subject)
}
