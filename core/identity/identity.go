package identity

import (
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// UseCases is everything that one node knows about people, organizations and
// credentials.
type UseCases struct {
	Access        *Access
	Keys          *Keys
	SignIns       *SignIns
	Passwords     *Passwords
	Tickets       *Tickets
	Users         *Users
	Organizations *Organizations
}

// Ports is what the use cases work with.
type Ports struct {
	Organizations core.Organizations
	Users         core.Users
	Sessions      core.Sessions
	Tickets       core.Tickets
	Credentials   core.Credentials
	// Streams finds the streams that a key is narrowed to.
	Streams *eventlog.Streams
	// Shares bounds how many keys and people there are. It may be nil.
	Shares     *eventlog.Shares
	Authorizer core.Authorizer
	Hasher     core.PasswordHasher
	Tokens     core.TokenIssuer
	// Mailer may be nil. Links are then handed to whoever invites, and nobody can
	// ask for another password by mail.
	Mailer core.Mailer
	// Links is the address that every link begins with: `https://host`.
	Links string
	// Throttle, Later and Record may be nil.
	Throttle Throttle
	Later    Later
	Record   core.Recorder
	// Secret has at least [MinSecretBytes]. It keys the hashes of credentials and
	// tickets, and it signs refresh tokens. Whatever was made with Previous, which
	// may be empty, stays good as well.
	Secret   []byte
	Previous []byte
	Now      core.Clock
}

// New returns the use cases of a node. They share what the node remembers of
// people and sessions, so that a change made by one of them is seen by all.
func New(p Ports) (*UseCases, error) {
	access, err := NewAccess(p.Credentials, p.Organizations, p.Secret, p.Previous, p.Now)
	if err != nil {
		return nil, err
	}
	secrets, post := newSecrets(p.Secret, p.Previous), post{mailer: p.Mailer, links: p.Links}
	presence := newPresence(p.Users, p.Sessions, p.Organizations, p.Now)
	people := memberships{users: p.Users, hasher: p.Hasher, orgs: presence.orgs}
	signIns := &SignIns{
		users: p.Users, sessions: p.Sessions, organizations: p.Organizations, tokens: p.Tokens, authorizer: p.Authorizer,
		people: people, presence: presence, secrets: secrets, throttle: p.Throttle, later: p.Later, record: p.Record, now: p.Now,
	}
	keys := NewKeys(KeyPorts{
		Access: access, Credentials: p.Credentials, Streams: p.Streams, Shares: p.Shares, Authorizer: p.Authorizer, Record: p.Record, Now: p.Now,
	})
	tickets := &Tickets{tickets: p.Tickets, users: p.Users, authorizer: p.Authorizer, secrets: secrets, post: post, record: p.Record, now: p.Now}
	return &UseCases{
		Access:  access,
		Keys:    keys,
		SignIns: signIns,
		Passwords: &Passwords{
			users: p.Users, hasher: p.Hasher, signIns: signIns, people: people, tickets: tickets,
			presence: presence, post: post, throttle: p.Throttle, later: p.Later, record: p.Record, now: p.Now,
		},
		Tickets: tickets,
		Users: &Users{
			users: p.Users, people: people, authorizer: p.Authorizer, signIns: signIns, tickets: tickets, keys: keys, shares: p.Shares,
			presence: presence, post: post, throttle: p.Throttle, record: p.Record, now: p.Now,
		},
		Organizations: &Organizations{organizations: p.Organizations, authorizer: p.Authorizer, tickets: tickets, record: p.Record, now: p.Now},
	}, nil
}
