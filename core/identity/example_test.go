package identity_test

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/eventflow-go/eventflow/adapters/argon2"
	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// installation returns the use cases of an installation in memory, with the
// operator of its first organization.
func installation() (*identity.UseCases, *eventlog.Streams, core.Principal) {
	catalog := memory.NewCatalog()
	org := must(identity.FirstOrganization(context.Background(), catalog, time.Now()))
	log := must(memory.Open(context.Background(), &url.URL{Scheme: "memory"}))
	secret, authorizer := []byte("a secret of thirty-two characters"), must(casbinauth.New())
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: catalog, Log: log, Authorizer: authorizer, Now: time.Now})
	people := must(identity.New(identity.Ports{
		Organizations: catalog, Users: catalog, Sessions: catalog, Tickets: catalog, Credentials: catalog, Streams: streams,
		Authorizer: authorizer, Hasher: argon2.New(1), Tokens: must(jwt.New(secret)), Links: "https://events.example",
		Secret: secret, Now: time.Now,
	}))
	return people, streams, operator(org.ID)
}

// must returns a value, unless there is an error: no example can go on then.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Somebody signs in, makes requests with the access token, and exchanges the
// refresh token for the next one when the access token has expired.
func ExampleSignIns() {
	ctx := context.Background()
	people, _, operator := installation()
	must(people.Users.Create(ctx, operator, identity.NewPerson{Email: "ann@example.com", Password: "Kettle-Umbrella-7"}, core.RoleViewer))

	from := core.Visitor{Address: "192.0.2.1", UserAgent: "curl"}
	signIn := must(people.SignIns.Login(ctx, from, "ann@example.com", "Kettle-Umbrella-7", core.ID{}))
	who := must(people.SignIns.Authenticate(ctx, signIn.AccessToken))
	fmt.Println(who.Label, "is a", who.Role)

	next := must(people.SignIns.Refresh(ctx, from, signIn.RefreshToken))
	fmt.Println("the same refresh token:", next.RefreshToken == signIn.RefreshToken)

	_, err := people.SignIns.Login(ctx, from, "ann@example.com", "password", core.ID{})
	fmt.Println(err)
	// Output:
	// ann@example.com is a viewer
	// the same refresh token: false
	// UNAUTHORIZED: the address or the password is wrong
}

// Somebody who has an account accepts the invitation of another organization with the
// same password, and goes from one to the other with one session.
func ExampleSignIns_Switch() {
	ctx := context.Background()
	people, _, operator := installation()
	must(people.Users.Create(ctx, operator, identity.NewPerson{Email: "ann@example.com", Password: "Kettle-Umbrella-7"}, core.RoleAdmin))
	acme, _, err := people.Organizations.Create(ctx, operator, "acme")
	if err != nil {
		panic(err)
	}
	theirs := core.Principal{Org: acme.ID, Role: core.RoleAdmin}
	_, link, err := people.Users.Invite(ctx, theirs, "ann@example.com", "Ann", core.RoleViewer)
	if err != nil {
		panic(err)
	}
	from, ticket := core.Visitor{}, link[len("https://events.example/setup#invite="):]
	signIn := must(people.Passwords.Accept(ctx, from, ticket, "", "Kettle-Umbrella-7"))
	for _, organization := range signIn.Organizations {
		signIn = must(people.SignIns.Switch(ctx, from, signIn.RefreshToken, organization.ID))
		fmt.Println(signIn.User.Role, "of", organization.Name)
	}
	// Output:
	// viewer of acme
	// admin of default
}

// The first admin of an organization is made by a link, which is good once.
func ExampleTickets_SetupLink() {
	ctx := context.Background()
	people, _, operator := installation()
	link := must(people.Tickets.SetupLink(ctx, operator))
	fmt.Println(link[:len("https://events.example/setup#t=eft_")])

	ticket := link[len("https://events.example/setup#t="):]
	ann := identity.NewPerson{Email: "ann@example.com", Name: "Ann", Password: "Kettle-Umbrella-7"}
	signIn := must(people.Users.Setup(ctx, core.Visitor{}, ticket, ann))
	fmt.Println(signIn.User.Name, "is an", signIn.User.Role)

	_, err := people.Tickets.SetupLink(ctx, operator)
	fmt.Println(err)
	// Output:
	// https://events.example/setup#t=eft_
	// Ann is an admin
	// the organization already has users
}

// A program presents the text of a key, which is shown once and kept nowhere.
func ExampleAccess() {
	ctx := context.Background()
	people, _, operator := installation()
	key, secret, err := people.Access.CreateKey(ctx, operator.Org, identity.KeySpec{Label: "till 4", Environment: core.Test})
	if err != nil {
		panic(err)
	}
	who := must(people.Access.Authenticate(ctx, secret))
	fmt.Println(who.Label, "is a", who.Role)

	if err := people.Access.RevokeKey(ctx, operator.Org, key.ID); err != nil {
		panic(err)
	}
	_, err = people.Access.Authenticate(ctx, secret)
	fmt.Println(err)
	// Output:
	// till 4 is a producer
	// UNAUTHORIZED: the API key is missing, malformed, unknown, expired or revoked
}

// A key can be narrowed to streams. Whoever presents it can use no other.
func ExampleKeys_Create() {
	ctx := context.Background()
	people, streams, operator := installation()
	orders := must(streams.Create(ctx, operator, core.StreamSpec{Name: "orders"}))
	refunds := must(streams.Create(ctx, operator, core.StreamSpec{Name: "refunds"}))

	_, secret, err := people.Keys.Create(ctx, operator, core.KindAPIKey, core.KeyRequest{
		Label: "shop", Environment: core.Live, Streams: []string{"orders"}, DefaultStream: "orders",
	})
	if err != nil {
		panic(err)
	}
	who := must(people.Access.Authenticate(ctx, secret))
	fmt.Println("orders:", core.Narrowed(who, orders.ID))
	fmt.Println("refunds:", core.Narrowed(who, refunds.ID))
	// Output:
	// orders: <nil>
	// refunds: NOT_FOUND: there is no such stream
}
