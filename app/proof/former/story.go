package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// story makes everything that an installation may hold. Nothing in it depends on
// the day on which it is opened: what would have gone by then is kept for a century.
func (m *maker) story(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		m.people, m.streams, m.keys, m.events, m.groups, m.letters, m.another, m.look,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// people have passwords in both spellings that a keyboard may make of an umlaut.
func (m *maker) people(ctx context.Context) (err error) {
	for _, one := range []struct{ email, role, password string }{
		{"ann@example.com", "admin", "Gr\u00fcn-wie-Gras-1"},
		{"bob@example.com", "developer", "Gru\u0308n-wie-Gras-2"},
	} {
		if _, err := m.command(ctx, one.password+"\n", "user", "create", "--email", one.email, "--role", one.role); err != nil {
			return err
		}
		m.People = append(m.People, person{one.email, one.password})
	}
	m.admin, err = m.command(ctx, "", "key", "create", "--label", "operator", "--role", "admin")
	return err
}

const paymentSchema = `{"type":"object","required":["amount"],"properties":{"amount":{"type":"number","minimum":0}}}`

func (m *maker) streams(ctx context.Context) error {
	for name, schema := range map[string]string{
		"orders": "", "payments": paymentSchema,
		"knot": `{"$ref":"#"}`, // which no payload can meet, and which was taken
	} {
		body := fmt.Sprintf(`{"name":%q,"retention_days":36500}`, name)
		if schema != "" {
			body = strings.Replace(body, "}", `,"schema":`+schema+"}", 1)
		}
		if err := m.ask(ctx, "POST", "/streams", m.admin, body, nil); err != nil {
			return err
		}
	}
	return nil
}

// keys makes one of each kind.
func (m *maker) keys(ctx context.Context) error {
	soon := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
	for _, one := range []struct{ name, path, body string }{
		{"producer", "/api-keys", `{"label":"shop","environment":"live","role":"producer"}`},
		{"developer", "/api-keys", `{"label":"tests","environment":"test","role":"developer"}`},
		{"narrowed", "/api-keys", `{"label":"narrow","environment":"live","role":"developer","streams":["payments"]}`},
		{"with a default stream", "/api-keys", `{"label":"default","environment":"live","role":"developer","default_stream":"orders"}`},
		{"with a rate", "/api-keys", `{"label":"rated","environment":"live","role":"viewer","rate":{"per_minute":6000,"per_second":600}}`},
		{"expires late", "/api-keys", `{"label":"late","environment":"live","role":"viewer","expires_at":"2126-01-01T00:00:00Z"}`},
		{"expired", "/api-keys", `{"label":"soon","environment":"live","role":"viewer","expires_at":"` + soon + `"}`},
		{"rotated", "/api-keys", `{"label":"rotated","environment":"live","role":"viewer"}`},
		{"revoked", "/api-keys", `{"label":"revoked","environment":"live","role":"viewer"}`},
		{"service token", "/service-tokens", `{"label":"billing","environment":"live","role":"consumer"}`},
	} {
		var made struct{ ID, Secret string }
		if err := m.ask(ctx, "POST", one.path, m.admin, one.body, &made); err != nil {
			return err
		}
		m.Keys = append(m.Keys, key{Name: one.name, Secret: made.Secret})
		var err error
		switch one.name {
		case "producer":
			m.shop = made.Secret
		case "revoked":
			err = m.ask(ctx, "DELETE", one.path+"/"+made.ID, m.admin, "", nil)
		case "rotated":
			if err = m.ask(ctx, "POST", one.path+"/"+made.ID+"/rotate", m.admin, `{"grace":1}`, &made); err == nil {
				m.Keys = append(m.Keys, key{Name: "made by a rotation", Secret: made.Secret})
			}
		}
		if err != nil {
			return err
		}
	}
	m.Keys = append(m.Keys, key{Name: "made on the host", Secret: m.admin})
	return nil
}

// payloads hold what a store could spoil.
var payloads = []string{
	`{"total": 19.90, "currency": "EUR"}`,
	`{"big":12345678901234567890,"tiny":1e-300,"text":"Gr\u00fc\u00dfe \u2603","raw":"Grüße ☃"}`,
	`[1,  2,	3]`, `null`, `"a text"`, `{"nested":{"deep":[[[{}]]]}}`,
}

func (m *maker) events(ctx context.Context) error {
	for i, payload := range payloads {
		event := fmt.Sprintf(`{"event_type":"order.paid","event_version":%d,"subject":"cus_%d","idempotency_key":"order-%d","payload":%s}`, i+1, i, i, payload)
		if err := m.send(ctx, sent{Stream: "orders", ContentType: "application/json", Body: event}); err != nil {
			return err
		}
	}
	for _, one := range []sent{
		{
			Stream: "orders", ContentType: "application/json",
			Body: `{"event_type":"order.sent","occurred_at":"2026-01-02T03:04:05.678901+01:00","source":"a warehouse","idempotency_key":"sent-1",` +
				`"context":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","correlation_id":"c-1","team":"north"},"payload":{"parcel":1}}`,
		},
		{
			Stream: "orders", ContentType: "application/json", Headers: map[string]string{"Idempotency-Key": `"in a header"`},
			Body: `{"event_type":"order.sent","payload":{"parcel":2}}`,
		},
		{
			Stream: "orders", ContentType: "application/cloudevents+json",
			Body: `{"specversion":"1.0","id":"7","source":"/orders","type":"order.returned","time":"2026-02-03T04:05:06Z","datacontenttype":"application/json","data":{"why":"too small"}}`,
		},
		{
			Stream: "orders", ContentType: "application/json", Body: `{"why":"too large"}`,
			Headers: map[string]string{"ce-specversion": "1.0", "ce-id": "8", "ce-source": "/orders#eu", "ce-type": "order.returned"},
		},
		{
			Stream: "orders", ContentType: "application/cloudevents+json",
			Body: `{"specversion":"1.0","id":"` + strings.Repeat("long", 100) + `","source":"/orders","type":"order.returned","data":{"why":"no reason"}}`,
		},
		{
			Stream: "payments", ContentType: "application/json",
			Body: `{"event_type":"payment.made","idempotency_key":"order-1","payload":{"amount":19.90}}`,
		},
	} {
		if err := m.send(ctx, one); err != nil {
			return err
		}
	}
	return m.batch(ctx)
}

// send stores an event and keeps how that was done.
func (m *maker) send(ctx context.Context, one sent) error {
	status, answer, err := m.request(ctx, "POST", "/streams/"+one.Stream+"/events", m.shop, one.headers(), one.Body)
	if err != nil || status != 202 {
		return fmt.Errorf("%s: %d: %s: %w", one.Body, status, answer, err)
	}
	m.Sent = append(m.Sent, receipt(one, answer))
	return nil
}

// receipt adds to an event what its answer says.
func receipt(one sent, answer []byte) sent {
	var got struct {
		ID     string `json:"event_id"`
		Offset int64  `json:"offset"`
	}
	_ = json.Unmarshal(answer, &got) // what is missing is seen in what is written down
	one.EventID, one.Offset = got.ID, got.Offset
	return one
}

// batch stores events with keys and without.
func (m *maker) batch(ctx context.Context) error {
	var events []string
	for i := range 30 {
		event := fmt.Sprintf(`{"event_type":"order.made","payload":{"n":%d}}`, i)
		if i%2 == 0 {
			event = fmt.Sprintf(`{"event_type":"order.made","idempotency_key":"batch-%d","payload":{"n":%d}}`, i, i)
		}
		events = append(events, event)
	}
	var answer struct{ Results []json.RawMessage }
	if err := m.ask(ctx, "POST", "/streams/orders/events/batch", m.shop, "["+strings.Join(events, ",")+"]", &answer); err != nil {
		return err
	}
	for i := 0; i < len(events); i += 2 {
		m.Sent = append(m.Sent, receipt(sent{Stream: "orders", ContentType: "application/json", Body: events[i]}, answer.Results[i]))
	}
	return nil
}

// delivery is what a poll answers.
type delivery struct {
	Lease  struct{ ID string }
	Events []struct {
		ID     string `json:"event_id"`
		Offset int64  `json:"offset"`
	}
}

func (d delivery) offsets() (all []int64) {
	for _, event := range d.Events {
		all = append(all, event.Offset)
	}
	return all
}

func (m *maker) poll(ctx context.Context, name string, limit int) (got delivery, err error) {
	err = m.ask(ctx, "GET", fmt.Sprintf("/streams/orders/consumer-groups/%s/events?limit=%d", name, limit), m.admin, "", &got)
	if err == nil && len(got.Events) != limit {
		err = fmt.Errorf("the group %s was handed %d events instead of %d", name, len(got.Events), limit)
	}
	return got, err
}

// settle calls a route of a group with a delivery's lease.
func (m *maker) settle(ctx context.Context, name, route string, got delivery, fields string) error {
	return m.ask(ctx, "POST", "/streams/orders/consumer-groups/"+name+"/"+route, m.admin, `{"lease":"`+got.Lease.ID+`"`+fields+`}`, nil)
}

// groups are left in the middle of what they do. Their leases are short, so that
// whoever opens the installation finds them expired.
func (m *maker) groups(ctx context.Context) error {
	for _, one := range []string{
		`{"name":"ordered","mode":"ordered","visibility":1}`,
		`{"name":"shared","mode":"shared","visibility":1,"backoff":{"initial":0.1}}`,
		`{"name":"committed","visibility":1}`,
		`{"name":"untouched"}`,
		`{"name":"strict","mode":"shared","visibility":1}`,
	} {
		if err := m.ask(ctx, "POST", "/streams/orders/consumer-groups", m.admin, one, nil); err != nil {
			return err
		}
	}
	leased := map[string][]int64{}
	for _, name := range []string{"ordered", "shared"} {
		got, err := m.poll(ctx, name, 4)
		if err != nil {
			return err
		}
		if name == "shared" { // the second comes again later, as after a failure
			nack := fmt.Sprintf(`,"events":[{"offset":%d,"reason":"not now","delay":2}]`, got.Events[1].Offset)
			if err := m.settle(ctx, name, "nack", got, nack); err != nil {
				return err
			}
			got.Events = slices.Delete(got.Events, 1, 2)
		}
		acks, _ := json.Marshal(got.offsets()) // numbers
		if err := m.settle(ctx, name, "ack", got, `,"offsets":`+string(acks)); err != nil {
			return err
		}
		if got, err = m.poll(ctx, name, 2); err != nil {
			return err
		}
		leased[name] = got.offsets()
	}
	got, err := m.poll(ctx, "committed", 10)
	if err != nil {
		return err
	}
	if err := m.settle(ctx, "committed", "offsets", got, fmt.Sprintf(`,"offset":%d`, got.Events[5].Offset)); err != nil {
		return err
	}
	for _, name := range []string{"ordered", "shared", "committed", "untouched"} {
		m.Groups = append(m.Groups, group{Name: name, Leased: leased[name]})
	}
	return nil
}

// letters parks events, and settles some of what was parked.
func (m *maker) letters(ctx context.Context) error {
	got, err := m.poll(ctx, "strict", 10)
	if err != nil {
		return err
	}
	var nacks []string
	for _, offset := range got.offsets() {
		nacks = append(nacks, fmt.Sprintf(`{"offset":%d,"action":"park","reason":"cannot read this"}`, offset))
	}
	if err := m.settle(ctx, "strict", "nack", got, `,"events":[`+strings.Join(nacks, ",")+`]`); err != nil {
		return err
	}
	all, err := m.parked(ctx)
	if err != nil {
		return err
	}
	m.Discarded = all[0]
	if err := m.ask(ctx, "POST", "/dead-letters/"+all[0]+"/discard", m.admin, "", nil); err != nil {
		return err
	}
	if err := m.ask(ctx, "POST", "/dead-letters/"+all[1]+"/replay", m.admin, `{"payload":{"mended":true}}`, nil); err != nil {
		return err
	}
	var replay struct{ ID string }
	err = m.ask(ctx, "POST", "/dead-letters/replay", m.admin, `{"stream":"orders","group":"strict","rate":0.2}`, &replay)
	m.Replay = replay.ID
	return err
}

// parked are the dead letters that wait for somebody to decide.
func (m *maker) parked(ctx context.Context) (ids []string, err error) {
	var list struct{ Items []struct{ ID string } }
	err = m.ask(ctx, "GET", "/dead-letters?stream=orders&group=strict&state=parked", m.admin, "", &list)
	for _, one := range list.Items {
		ids = append(ids, one.ID)
	}
	return ids, err
}

// another organization has a stream of the same name.
func (m *maker) another(ctx context.Context) error {
	if _, err := m.command(ctx, "", "org", "create", "acme"); err != nil {
		return err
	}
	if _, err := m.command(ctx, "Gr\u00fcn-wie-Gras-3\n", "user", "create", "--org", "acme", "--email", "eve@acme.example", "--role", "admin"); err != nil {
		return err
	}
	m.People = append(m.People, person{"eve@acme.example", "Gr\u00fcn-wie-Gras-3"})
	secret, err := m.command(ctx, "", "key", "create", "--org", "acme", "--label", "acme", "--role", "developer")
	if err != nil {
		return err
	}
	m.Keys = append(m.Keys, key{Name: "of another organization", Secret: secret})
	if err := m.ask(ctx, "POST", "/streams", secret, `{"name":"orders","retention_days":36500}`, nil); err != nil {
		return err
	}
	return m.ask(ctx, "POST", "/streams/orders/events", secret, `{"event_type":"order.paid","idempotency_key":"order-1","payload":{"of":"acme"}}`, nil)
}

// look writes down what can be read at the end. Every person has signed in by then.
func (m *maker) look(ctx context.Context) error {
	for _, who := range m.People {
		body, _ := json.Marshal(map[string]string{"email": who.Email, "password": who.Password}) // texts
		if err := m.ask(ctx, "POST", "/auth/login", "", string(body), nil); err != nil {
			return err
		}
	}
	time.Sleep(3 * time.Second) // what expires has expired
	for i, one := range m.Keys {
		status, _, err := m.request(ctx, "GET", "/streams/orders", one.Secret, nil, "")
		if err != nil {
			return err
		}
		m.Keys[i].Status = status
	}
	acme := m.Keys[len(m.Keys)-1].Secret
	m.Events, m.Resources = map[string]string{}, map[string]string{}
	for name, credential := range map[string]string{"orders": m.admin, "payments": m.admin, "acme": acme} {
		stream := strings.Replace(name, "acme", "orders", 1)
		var page json.RawMessage
		if err := m.ask(ctx, "GET", "/streams/"+stream+"/events?limit=1000", credential, "", &page); err != nil {
			return err
		}
		m.Events[name] = string(page)
	}
	for _, path := range []string{
		"/streams/orders", "/streams/payments", "/streams/knot", "/streams/orders/consumer-groups",
		"/dead-letters?limit=1000", "/users?limit=1000", "/api-keys?limit=1000", "/service-tokens?limit=1000", "/audit?limit=1000",
		"/organizations/current",
	} {
		var answer json.RawMessage
		if err := m.ask(ctx, "GET", path, m.admin, "", &answer); err != nil {
			return err
		}
		m.Resources[path] = string(answer)
	}
	var err error
	if m.Parked, err = m.parked(ctx); err != nil {
		return err
	}
	for i := range m.Groups {
		var status struct {
			Committed int64 `json:"committed_offset"`
			Lag       int64 `json:"lag"`
		}
		if err := m.ask(ctx, "GET", "/streams/orders/consumer-groups/"+m.Groups[i].Name+"/lag", m.admin, "", &status); err != nil {
			return err
		}
		m.Groups[i].Committed, m.Groups[i].Lag = status.Committed, status.Lag
	}
	return nil
}
