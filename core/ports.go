package core

import (
	"context"
	"time"
)

// TokenIssuer makes and checks access tokens.
type TokenIssuer interface {
	// Issue signs claims.
	Issue(claims Claims) (string, error)
	// Verify returns the claims of a token that was issued with the same keys and
	// has not expired; everything else is an error.
	Verify(token string, now time.Time) (Claims, error)
}

// Claims is what an access token says.
type Claims struct {
	User    ID
	Org     ID
	Role    Role
	Session ID
	Issued  time.Time
	Expires time.Time
}

// PasswordHasher hashes passwords, slowly on purpose.
type PasswordHasher interface {
	// Hash returns a text that holds the hash, its salt and its costs.
	Hash(ctx context.Context, password string) (string, error)
	// Verify reports whether a password is the one that was hashed. It takes as
	// long for an empty hash as for any.
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Mailer sends links to people.
type Mailer interface {
	// Send hands over a message of plain text. It does not wait until it is sent.
	Send(ctx context.Context, to, subject, text string) error
}

// Notifier carries the news between nodes that streams have grown. It is a
// hint: news may be lost, repeated or late, which costs time and nothing else.
type Notifier interface {
	// Notify tells the other nodes.
	Notify(ctx context.Context, streams []ID) error
	// Listen calls heard with what other nodes tell, from one goroutine, until
	// ctx ends. It reconnects by itself.
	Listen(ctx context.Context, heard func(stream ID))
}

// SchemaCompiler turns JSON Schema documents into validators.
type SchemaCompiler interface {
	// Compile returns a validator, or a [CodeValidation] error whose details
	// name the place of the fault in the document. It never opens a file or a
	// connection: a reference that leaves the document is a fault.
	Compile(schema []byte) (Schema, error)
}

// Schema validates payloads.
type Schema interface {
	// Validate returns nil, or a [CodeSchemaMismatch] error whose details name
	// each place of the payload that does not fit, below `payload`.
	Validate(payload []byte) error
}

// Authorizer decides what a principal may do.
type Authorizer interface {
	// Allow returns nil when a principal may act in an organization. Another
	// organization than its own is [CodeNotFound]; an action that the role does
	// not permit is a [CodeForbidden] error that names the missing permission. It
	// does not look at streams: a principal narrowed to some streams is held to
	// them by core.
	Allow(who Principal, org ID, action Action) error
}

// RateLimiter counts what is done by keys, each of which has a bucket of
// permits as [Limit] describes it. The suite in core/limitertest is this
// contract in executable form.
type RateLimiter interface {
	// Take takes n permits from a key's bucket, all or none, and says what is
	// left. It takes none and says the same when n is zero. Keys are independent
	// of each other. A key whose limit changes keeps its bucket, in which there
	// are at most as many permits as the new limit has.
	//
	// now is the caller's clock. A limiter that is shared by several nodes counts
	// by a clock of its own, and may let a node take some permits in advance: its
	// documentation says how many. The limit itself holds over all nodes.
	//
	// It answers within a fraction of a second, whatever state the counters'
	// home is in, and is an error for an n or a limit that makes no sense only.
	Take(ctx context.Context, key string, limit Limit, n int, now time.Time) (LimitState, error)
}
